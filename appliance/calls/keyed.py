"""Digits that are nobody's business: PINs, codes, passwords, what a flow calls secret."""

from __future__ import annotations

from pathlib import Path

from appliance.switch.leg import Digits, Leg

#: Pause between two digits after which a number is taken for whole, seconds.
BETWEEN_S = 3.0
#: How long a # behind the last digit is waited for.
_HASH_S = 1.0


def secretly_keyed(leg: Leg, prompt: Path | None, timeout_s: float, most: int) -> str:
    """Up to ``most`` keys, ended by ``#`` or a pause; empty: none.

    One by one: what a switch collected last stands in the call's CDR, and so does no more of it than one digit.
    """
    leg.hide_keys()
    keys = ""
    answer = leg.collect(prompt, timeout_s)
    while isinstance(answer, Digits) and answer.keys != "#":
        keys += answer.keys
        if len(keys) == most:
            # Many end a number with # though it is whole: that must not be a key for what comes next.
            leg.collect(None, _HASH_S)
            break
        answer = leg.collect(None, BETWEEN_S)
    return keys
