"""Calls that ended without a CDR: the switch died with them, or had no room to write. What is known of one, and the
record that is made of it.

Such a record says ``abnormal`` and nothing else of how it ended; a person looks at it before it is charged. Its
times are what is known for certain: it began when the rules were asked, and lasted until it was last seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from appliance.domain import cdr
from appliance.domain.cdr import LONGEST_LEG, Leg, Role, read_leg
from appliance.domain.cdr_call import RECORDING, CallFacts, derive_call
from appliance.domain.queue import Stay, stays_of

#: The record's word for such an end.
ABNORMAL = "abnormal"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Begun:
    """A call that has begun and whose CDR has not been stored.

    :param uuid: the caller's leg.
    :param began_at: when the rules were asked first.
    :param decided_at: when they said what becomes of it; after a password that is later.
    :param caller: as the record has it.
    :param facts: those of the leg, packed, as they were noted last; empty: none were.
    :param noted_at: when its handlers had it for the last time.
    :param joined_at: since when a line is joined with it, by the switch's word.
    :param seen_at: when the switch had it for the last time.
    :param queue: the queue that it was written into, and since when; the facts go before it.
    """

    uuid: str
    began_at: datetime
    decided_at: datetime
    number: str
    account: str
    trunk: str
    caller: str
    refusal: str = ""
    facts: str = ""
    noted_at: datetime | None = None
    joined_at: datetime | None = None
    seen_at: datetime | None = None
    queue: Stay | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """What there is of a recording: it ended then and lasts so long. One is written only while two talk."""

    ended_at: datetime
    lasts: timedelta


def recording_of(begun: Begun) -> str:
    """The recording that the call's facts name, below the recordings folder; empty: none."""
    return cdr.matching(RECORDING, cdr.unpacked(begun.facts).get("gw_recording", ""))


def closed(begun: Begun, lines: Iterable[Leg], sound: Sound | None, home_area_code: str = "") -> CallFacts | None:
    """The record of a call that the switch lost; None: its times are no call's.

    :param lines: the legs of lines that did leave a CDR.
    :param sound: the recording that its facts name, if there is any of it.
    """
    leg = _as_leg(begun, sound)
    if leg is None:
        return None
    call = derive_call(leg, lines, home_area_code)
    because = f"{begun.refusal} {call.because}".strip() if begun.refusal else call.because
    return replace(call, outcome=ABNORMAL, because=because, hangup_cause="")


def stays_lost(begun: Begun, call: CallFacts) -> list[Stay]:
    """The caller's times in queues: the one that lasted to the end was answered, if a line was joined, or lost."""
    facts = cdr.unpacked(begun.facts)
    open_one, over = facts.get("gw_queue", ""), facts.get("gw_queued", "")
    if begun.queue is not None and not open_one and not over:
        open_one = str(begun.queue)
    return stays_of(over, open_one, call.joined_at, call.ended_at, gave_up=False)


def _as_leg(begun: Begun, sound: Sound | None) -> Leg | None:
    """The caller's leg as its CDR would have told it, as far as is known."""
    facts = cdr.unpacked(begun.facts)
    joined_at, heard_until = begun.joined_at, begun.began_at
    if sound is not None and sound.lasts:
        heard_until = sound.ended_at
        joined_at = joined_at or sound.ended_at - sound.lasts
    # The switch tells whole seconds, and a file system's clock is another one.
    joined_at = None if joined_at is None else max(joined_at, begun.began_at)
    # Whatever enters a flow is answered first, and a call back begins with the line's answer; who is put straight
    # through is answered by the line.
    answered_at = begun.decided_at if {"gw_flow", "gw_callback"} & facts.keys() else joined_at
    known = (begun.began_at, answered_at, joined_at, begun.noted_at, begun.seen_at, heard_until)
    # A clock that was set far ahead meanwhile makes no call longer than any can be.
    ended_at = min(max(at for at in known if at is not None), begun.began_at + LONGEST_LEG)
    leg = read_leg(
        {
            "gw_number": begun.number,
            "gw_account": begun.account,
            "gw_trunk": begun.trunk,
            "gw_caller": begun.caller,
            # What kind of caller it is, where the facts do not say.
            "sip_from_user": begun.caller,
            **facts,
            "uuid": begun.uuid,
            "direction": "inbound",
            "start_uepoch": _micros(begun.began_at),
            "answer_uepoch": _micros(answered_at),
            "bridge_uepoch": _micros(joined_at),
            "end_uepoch": _micros(ended_at),
        },
        Role.CALLER,
    )
    return leg if isinstance(leg, Leg) else None


def _micros(at: datetime | None) -> str:
    return "0" if at is None else str((at - _EPOCH) // timedelta(microseconds=1))


def there(channels: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """UUIDs of all legs of a switch, by the rows of its ``show channels``."""
    return frozenset(uuid for row in channels if (uuid := row.get("uuid", "")))


def joined(calls: Iterable[Mapping[str, str]]) -> dict[str, datetime]:
    """Since when legs are joined, to whole seconds, by the rows of ``show calls`` (``uuid``, ``b_uuid``,
    ``call_created_epoch``).

    >>> joined([{"uuid": "a", "b_uuid": "b", "call_created_epoch": "1"}, {"uuid": "c", "b_uuid": ""}])["b"]
    datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=datetime.timezone.utc)
    """
    found: dict[str, datetime] = {}
    for row in calls:
        since = row.get("call_created_epoch") or ""
        if since.isascii() and since.isdecimal() and len(since) <= 10:
            at = _EPOCH + timedelta(seconds=int(since))
            found |= {uuid: at for uuid in (row.get("uuid"), row.get("b_uuid")) if uuid}
    return found


class Missing:
    """Calls that the switch does not have any more, and for how long that is known.

    Time is a clock that nobody sets (``time.monotonic``), and counting begins anew with the process: whoever knows
    nothing yet closes nothing.

    :param after_s: a call that is missing for so long has ended.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._since: dict[str, float] = {}

    def look(self, begun: Collection[str], there: Collection[str], now: float) -> list[str]:
        """Those of ``begun`` that are missing for long enough, as of this look. One that is there again is not
        missing."""
        self._since = {uuid: self._since.get(uuid, now) for uuid in begun if uuid not in there}
        return [uuid for uuid, since in self._since.items() if now - since >= self._after_s]

    def is_back(self, uuid: str) -> None:
        """It was there all the time: the list lagged behind."""
        self._since.pop(uuid, None)
