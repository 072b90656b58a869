"""Nodes that decide without asking anybody: which exit is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from appliance.domain.calendar import Standing
from appliance.domain.flow.nodes import Hours, Region, Switch, Vip
from appliance.domain.places import Place, lies_in, plain

Branch = Hours | Region | Vip | Switch


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What branches go by.

    :param standing: where now stands in a schedule; None: there is no such schedule.
    :param is_listed: whether a list means the caller; a list that is not there means nobody.
    :param place: where the caller calls from, as far as it is known.
    """

    standing: Callable[[str], Standing | None]
    is_listed: Callable[[str], bool]
    place: Callable[[], Place | None]


def branch(node: Branch, at: Circumstances, variables: Mapping[str, str]) -> str:
    """The exit. A schedule that is gone is open: rather one call too many than none."""
    match node:
        case Hours():
            standing = at.standing(node.schedule)
            if standing in (None, Standing.OPEN):
                return "open"
            return "holiday" if standing is Standing.HOLIDAY and node.holiday else "closed"
        case Region():
            nearest = _nearest(node.cases, at.place())
            return f"cases.{nearest}" if nearest else "other"
        case Vip():
            return "yes" if at.is_listed(node.list) else "no"
        case Switch():
            value = variables.get(node.variable, "")
            for case in node.cases:
                if value == case or (case.endswith("*") and value.startswith(case[:-1])):
                    return f"cases.{case}"
            return "other"
        case _:
            assert_never(node)


def _nearest(cases: Mapping[str, str], place: Place | None) -> str:
    """The case that says a place most exactly, whichever stands first: 广东/深圳 before 深圳 before 广东."""
    fitting = [case for case in cases if place is not None and lies_in(place, [case])]
    province = place.province if place is not None else ""
    return max(fitting, key=lambda case: ("/" in case, plain(case) != province), default="")
