"""Why a call is not taken: one reason, one announcement, one count for each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Refusal(StrEnum):
    """Why a call is not taken. A call's record says ``refused:REASON``, by which they are counted."""

    UNKNOWN_TRUNK = "unknown-trunk"
    UNKNOWN_NUMBER = "unknown-number"
    OUT_OF_SERVICE = "out-of-service"
    TRUNK_FULL = "trunk-full"
    ACCOUNT_FULL = "account-full"
    NUMBER_FULL = "number-full"
    CALL_RATE = "call-rate"
    BLACK_LISTED = "black-listed"
    TOO_FREQUENT = "too-frequent"
    #: Reseller mode: the account is suspended, its money is used up, or what it may spend today.
    SUSPENDED = "suspended"
    NO_CREDIT = "no-credit"
    DAILY_CAP = "daily-cap"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - a reason, not a password
    HOLIDAY = "holiday"
    OUT_OF_HOURS = "out-of-hours"
    REGION = "region"


class Ending(NamedTuple):
    """``cause``: Q.850 as FreeSWITCH names it; ``prompt``: the announcement before it, empty: none."""

    cause: str
    prompt: str


#: What a caller gets who is refused. No caller from an unknown source is spoken to.
ENDINGS: Mapping[Refusal, Ending] = {
    Refusal.UNKNOWN_TRUNK: Ending("CALL_REJECTED", ""),
    Refusal.UNKNOWN_NUMBER: Ending("UNALLOCATED_NUMBER", "number-unknown"),
    Refusal.OUT_OF_SERVICE: Ending("NORMAL_TEMPORARY_FAILURE", "number-out-of-service"),
    Refusal.TRUNK_FULL: Ending("NORMAL_CIRCUIT_CONGESTION", "network-busy"),
    Refusal.ACCOUNT_FULL: Ending("USER_BUSY", "company-busy"),
    Refusal.NUMBER_FULL: Ending("USER_BUSY", "number-busy"),
    Refusal.CALL_RATE: Ending("SWITCH_CONGESTION", "many-calls"),
    Refusal.BLACK_LISTED: Ending("CALL_REJECTED", "caller-barred"),
    Refusal.TOO_FREQUENT: Ending("CALL_REJECTED", "too-frequent"),
    Refusal.SUSPENDED: Ending("NORMAL_TEMPORARY_FAILURE", "account-suspended"),
    Refusal.NO_CREDIT: Ending("NORMAL_TEMPORARY_FAILURE", "no-credit"),
    Refusal.DAILY_CAP: Ending("NORMAL_TEMPORARY_FAILURE", "daily-cap"),
    Refusal.WRONG_PASSWORD: Ending("CALL_REJECTED", "wrong-password"),
    Refusal.HOLIDAY: Ending("NO_ANSWER", "closed-holiday"),
    Refusal.OUT_OF_HOURS: Ending("NO_ANSWER", "out-of-hours"),
    Refusal.REGION: Ending("CALL_REJECTED", "region-not-served"),
}

#: Refusals for money: whoever is refused so is not answered, for an answered call may cost something.
FOR_MONEY = frozenset({Refusal.SUSPENDED, Refusal.NO_CREDIT, Refusal.DAILY_CAP})
