"""Statements in both languages of the box, Chinese first."""

from __future__ import annotations

from typing import NamedTuple

from appliance.domain.pricing import ChargeBy


class Words(NamedTuple):
    """One statement in both languages."""

    zh: str
    en: str


def units_in_words(charge_by: ChargeBy, count: int) -> Words:
    """So many units of a plan.

    >>> units_in_words(ChargeBy.TIME, 120), units_in_words(ChargeBy.CALL, 1)
    (Words(zh='120 秒', en='120 seconds'), Words(zh='1 次', en='1 calls'))
    """
    if charge_by is ChargeBy.TIME:
        return Words(f"{count} 秒", f"{count} seconds")
    return Words(f"{count} 次", f"{count} calls")
