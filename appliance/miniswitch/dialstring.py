"""Dial strings of `bridge` and `originate`: `{all}[one]sofia/PROFILE/NUMBER@HOST:PORT,…`.

Commas ring several lines at once. `|`, `:_:`, `<…>` and other endpoints are FreeSWITCH's too, but no
handler uses them; they are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from appliance.miniswitch.variables import is_true


class DialError(ValueError):
    """The dial string is not one that this switch can place."""


@dataclass(frozen=True)
class Target:
    """One line to ring: the number, where its SIP goes, and variables: those in `{…}`, and its own in `[…]`."""

    profile: str
    number: str
    host: str
    port: int
    common: dict[str, str]
    own: dict[str, str]

    @property
    def options(self) -> dict[str, str]:
        """What the leg is made by: its own go before the common ones."""
        return self.common | self.own

    def variables(self, exported: dict[str, str]) -> dict[str, str]:
        """What the leg gets: the common ones go before its own unless they say `local_var_clobber`, and before
        those that its caller exports (`switch_ivr_originate`)."""
        common = exported | self.common
        return common | self.own if is_true(self.common.get("local_var_clobber")) else self.own | common


_ENDPOINT = re.compile(r"sofia/([\w.-]+)/([^@/\s]+)@([\w.-]+?)(?::(\d{1,5}))?")


def parse(text: str) -> list[Target]:
    """Split a dial string into its targets; raises `DialError`.

    >>> [t.number for t in parse("[leg_timeout=5]sofia/g/1@127.0.0.1:5090,sofia/g/2@127.0.0.1")]
    ['1', '2']
    """
    common, text = _variables(text.strip(), "{", "}")
    targets = []
    for piece in _split(text):
        own, endpoint = _variables(piece.strip(), "[", "]")
        match = _ENDPOINT.fullmatch(endpoint)
        if match is None:
            raise DialError(f"not an endpoint: {endpoint!r}")
        profile, number, host, port = match.groups()
        if port is not None and not 0 < int(port) < 65536:
            raise DialError(f"not a port: {port}")
        targets.append(Target(profile, number, host, int(port or 5060), common, own))
    return targets


def timeout_s(targets: Iterable[Target]) -> float:
    """How long all of them ring at most, where the dial string says so (`originate_timeout` in `{…}`); else 0.

    >>> timeout_s(parse("{originate_timeout=85}sofia/g/1@h,sofia/g/2@h")), timeout_s(parse("sofia/g/1@h"))
    (85.0, 0.0)
    """
    told = (target.common.get("originate_timeout", "") for target in targets)
    return float(max((int(value) for value in told if value.isdigit()), default=0))


def _split(text: str) -> list[str]:
    """Cut at commas outside brackets."""
    pieces, depth, start = [], 0, 0
    for index, character in enumerate(text):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "," and not depth:
            pieces.append(text[start:index])
            start = index + 1
    return [*pieces, text[start:]]


def _variables(text: str, opening: str, closing: str) -> tuple[dict[str, str], str]:
    """Variables in leading brackets, and the rest. `^^X` first chooses the divider X."""
    found: dict[str, str] = {}
    while text.startswith(opening):
        end = text.find(closing)
        if end < 0:
            raise DialError(f"{opening} without {closing}")
        inside, text = text[1:end], text[end + 1 :].lstrip()
        divider = ","
        if inside.startswith("^^") and len(inside) > 2:
            divider, inside = inside[2], inside[3:]
        for pair in filter(None, inside.split(divider)):
            name, equals, value = pair.partition("=")
            if equals:
                found[name.strip()] = value[1:-1] if len(value) > 1 and value[0] == value[-1] == "'" else value
    return found, text
