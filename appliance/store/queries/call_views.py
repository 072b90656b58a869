"""What the queries of calls return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.store.queries.charges import ChargeView


@dataclass(frozen=True, slots=True)
class Place:
    """A call's place in the list (newest first): where the next page goes on."""

    started_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call of a list. Durations are milliseconds; ``amount`` is millionths of a yuan, None: not rated.

    :param way: the flow's nodes and the exits that they were left by, in order.
    :param mark: the key that the caller answered a survey with; empty: none.
    :param talks: who spoke with the caller, in order: a line's id and milliseconds.
    """

    place: Place
    uuid: str
    account_id: str | None
    started_at: datetime
    answered_at: datetime | None
    joined_at: datetime | None
    ended_at: datetime
    number: str
    trunk_id: str
    caller: str
    caller_kind: str
    caller_name: str
    line_id: str
    line_name: str
    line_number: str
    outcome: str
    keys: tuple[tuple[str, str], ...]
    bridged_ms: int
    bill_ms: int
    amount: int | None
    recording: str
    flow: str = ""
    way: tuple[tuple[str, str], ...] = ()
    mark: str = ""
    talks: tuple[tuple[str, int], ...] = ()

    @property
    def waited_ms(self) -> int:
        """From the caller's ringing until a line took the call, or until the end."""
        return round(((self.joined_at or self.ended_at) - self.started_at).total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class LegView:
    """One leg of a call: the caller's, or that of a line that was rung."""

    role: str
    line_id: str
    line_name: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    hangup_cause: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A line that was tried, and how that ended (``busy``, ``no-answer``, ``answered`` …)."""

    line_id: str
    line_name: str
    line_number: str
    disposition: str


@dataclass(frozen=True, slots=True)
class SettlementView:
    """What a person decided about a call that could not be charged by itself: ``action`` charge or waive."""

    action: str
    by_login: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CallDetail:
    """One call, whole.

    :param mark: the key that the caller answered a survey with; empty: none.
    :param because: what rules said of it, as ``calls.admit`` notes it.
    :param notice: the prompt that told the caller of the recording.
    :param unrecorded: why the talk was not recorded.
    :param named: the names of the lists, schedules and lines that ``because`` speaks of, by ``list=ID``,
        ``schedule=ID`` and ``line=ID``; what has no name, or is gone, is not in it.
    :param talks: who spoke with the caller, in their order: a line's id and milliseconds.
    :param settlement: what a person decided of it last; None: nobody had to.
    :param callback_id: it calls somebody back: the UUID of the call in which he asked. The leg of the role
        ``caller`` is the line's then, and that of the role ``line`` his.
    """

    row: CallRow
    account_name: str
    trunk_name: str
    flow: str
    mark: str
    because: str
    named: Mapping[str, str]
    hangup_cause: str
    sip_status: int | None
    tried: tuple[Attempt, ...]
    legs: tuple[LegView, ...]
    charge: ChargeView | None
    notice: str = ""
    unrecorded: str = ""
    talks: tuple[tuple[str, int], ...] = ()
    callback_id: str = ""
    settlement: SettlementView | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the calls of a filter."""

    calls: int = 0
    answered: int = 0
    abandoned: int = 0
    failed: int = 0
    refused: int = 0
    talk_ms: int = 0
    amount: int = 0
