"""A call that could not be charged by itself is settled by a person: he says how long it lasted, or waives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.errors import RatingError

#: No talk lasts longer, in seconds (``domain.cdr.LONGEST_LEG``).
LONGEST = 7 * 24 * 3600


class Action(StrEnum):
    """What is decided."""

    CHARGE = "charge"
    WAIVE = "waive"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a call is rated by, as it is stored: durations in milliseconds."""

    started_at: datetime
    answered_at: datetime | None
    joined_at: datetime | None
    bill_ms: int
    bridged_ms: int


@dataclass(frozen=True, slots=True)
class State:
    """What decides whether a call may be settled.

    :param rejected: its charge says that no price was found.
    :param final: its charge is final.
    """

    abnormal: bool
    rejected: bool
    final: bool


def settled(
    state: State, facts: Facts, action: Action, *, talked_s: int | None = None, billed_s: int | None = None
) -> Facts:
    """What the call is rated by when it is settled so.

    :param talked_s: how long the caller spoke with somebody, seconds; None: as the record has it.
    :param billed_s: how long from the gateway's answer to the end; None: what is known, the wait before the talk
        and the talk. A call that nobody is known to have answered counts from its talk, or from its start.
    :raises RatingError: it may not be settled, or not so.
    """
    if state.final:
        raise RatingError("its month is closed: the charge is final")
    if action is Action.WAIVE:
        if not state.abnormal and not state.rejected:
            raise RatingError("only a call that is abnormal or has no price can be waived")
        if talked_s is not None or billed_s is not None:
            raise RatingError("a call that is waived has no durations to be told")
        return facts
    if not state.abnormal:
        raise RatingError("only an abnormal call can be charged by a person's word: its record says what it is")
    for told in (talked_s, billed_s):
        if told is not None and not 0 <= told <= LONGEST:
            raise RatingError(f"seconds must be from 0 to {LONGEST}")
    bridged_ms = facts.bridged_ms if talked_s is None else talked_s * 1000
    bill_ms = facts.bill_ms if billed_s is None else billed_s * 1000
    if billed_s is None and talked_s is not None:
        bill_ms = bridged_ms + _waited_ms(facts)
    if bridged_ms > bill_ms:
        raise RatingError("the talk cannot last longer than the call")
    answered_at = facts.answered_at
    if answered_at is None and bill_ms:
        answered_at = facts.joined_at or facts.started_at
    return Facts(facts.started_at, answered_at, facts.joined_at, bill_ms, bridged_ms)


def _waited_ms(facts: Facts) -> int:
    """From the answer to the talk, as far as both are known."""
    if facts.answered_at is None or facts.joined_at is None:
        return 0
    return max(round((facts.joined_at - facts.answered_at).total_seconds() * 1000), 0)
