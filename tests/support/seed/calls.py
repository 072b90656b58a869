"""Sixty calls of the first enterprise and one of the second: legs, charges, stays in a queue."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.grants import month_of
from appliance.store.models import Call, CallLeg, Charge, QueueStay
from tests.support.seed.site import NUMBER, OTHER_NUMBER, SHANGHAI
from tests.support.seed.voices import speak

_ENDINGS = [
    *["answered"] * 6,
    "abandoned:menu",
    "abandoned:ringing",
    "failed:no-answer",
    "failed:user-busy",
    "refused:out-of-service",
]
#: The call of a caller who is on the list.
_ON_A_LIST = 7
#: Callers and the names sent with them; the last is what a hostile carrier might send.
_CALLERS = [
    ("13912345678", "mobile", ""),
    ("18600112233", "mobile", ""),
    ("01065551234", "fixed", "北京总部"),
    ("15022223333", "mobile", ""),
    ("057187654321", "fixed", "杭州分公司采购中心值班电话"),
    ("+14155550100", "overseas", "SAN FRANCISCO"),
    ("", "unknown", ""),
    ("17712340000", "mobile", "<script>alert(1)</script>"),
]


def add_call(session: Session, recordings: Path | None, dice: random.Random, serial: int, at: datetime) -> None:
    """One call of the first account; how it goes is thrown."""
    uuid = f"00000000-0000-4000-8000-{serial:012d}"
    caller, kind, name = _CALLERS[serial % len(_CALLERS)]
    how = "answered" if serial < 2 else dice.choice(_ENDINGS)
    if serial == _ON_A_LIST:
        how = "refused:black-listed"
    key = dice.choice(["1", "2", "0"])
    lines = {"1": ["sales-1", "sales-2"], "2": ["service-1"], "0": ["desk-1"]}[key]
    menu = timedelta(seconds=dice.randrange(4, 20))
    ring = timedelta(seconds=dice.randrange(3, 22), milliseconds=dice.randrange(1000))
    talk = timedelta(seconds=dice.choice([12, 43, 95, 187, 305, 900, 4210]), milliseconds=dice.randrange(1000))
    answered_at = at + timedelta(milliseconds=400)
    call = Call(
        uuid=uuid,
        account_id="east",
        number=NUMBER,
        trunk_id="telecom",
        caller=caller,
        caller_kind=kind,
        caller_name=name,
        started_at=at,
        answered_at=answered_at,
        ended_at=answered_at + menu,
        flow="main@3",
        outcome=how,
        because="list=nuisance entry=1771234*" if how == "refused:black-listed" else "",
        hangup_cause="NORMAL_CLEARING",
        collected_at=at,
    )
    tried: list[tuple[str, str]] = []
    legs: list[CallLeg] = []
    clock = answered_at + menu
    if how.startswith("refused"):
        call.answered_at, call.flow, call.hangup_cause = None, "", "NORMAL_TEMPORARY_FAILURE"
        call.ended_at = at + timedelta(seconds=5)
    elif how != "abandoned:menu":
        call.keys = f"welcome={key}"
        for place, line in enumerate(lines):
            ended = _ending(how, last=place == len(lines) - 1, dice=dice)
            tried.append((line, ended))
            rung = timedelta() if ended == "full" else ring
            if ended != "full":
                legs.append(_leg(uuid, line, clock, rung, talk if ended == "answered" else None, ended))
            clock += rung
            if ended == "answered":
                call.line_id, call.joined_at = line, clock
                call.bridged_ms = round(talk / timedelta(milliseconds=1))
                clock += talk
                break
        call.ended_at = clock
    call.tried = ";".join(f"{line}={ended}" for line, ended in tried)
    if call.answered_at:
        call.bill_ms = round((call.ended_at - call.answered_at) / timedelta(milliseconds=1))
    if call.joined_at:
        day = call.started_at.astimezone(SHANGHAI)
        call.recording = f"{day:%Y/%m/%d}/{uuid}.wav"
        if recordings and serial < 6:
            speak(recordings / call.recording, min(talk / timedelta(seconds=1), 20.0), dice)
    session.add(call)
    session.flush()
    session.add_all(legs)
    session.add(
        CallLeg(
            leg_uuid=uuid,
            call_uuid=uuid,
            role="caller",
            started_at=at,
            answered_at=call.answered_at,
            ended_at=call.ended_at,
            hangup_cause=call.hangup_cause,
            facts={"gw_number": NUMBER},
        )
    )
    if serial != 1:  # the newest but one is not rated yet
        session.add(_charge(call, serial))


def _ending(how: str, *, last: bool, dice: random.Random) -> str:
    if how == "answered" and (last or dice.random() < 0.6):
        return "answered"
    if how == "failed:user-busy":
        return dice.choice(["busy", "full"])
    return "no-answer"


def _leg(uuid: str, line: str, at: datetime, rung: timedelta, talk: timedelta | None, ended: str) -> CallLeg:
    return CallLeg(
        leg_uuid=f"{uuid}-{line}",
        call_uuid=uuid,
        role="line",
        started_at=at,
        answered_at=at + rung if talk else None,
        ended_at=at + rung + (talk or timedelta()),
        hangup_cause={"answered": "NORMAL_CLEARING", "busy": "USER_BUSY"}.get(ended, "NO_ANSWER"),
        facts={"gw_line": line},
    )


def _charge(call: Call, serial: int) -> Charge:
    """Roughly as the rating would; the sums are right, the grants are made up."""
    month = month_of(call.answered_at or call.started_at)
    common = {
        "call_uuid": call.uuid,
        "account_id": call.account_id,
        "month": month,
        "booked_month": month,
        "plan_code": "T600",
        "rated_at": call.ended_at,
        "final": serial > 40,
    }
    if call.answered_at is None:
        return Charge(**common, reason="unanswered")
    metered = -(-call.bill_ms // 1000)
    units = 60 + max(0, -(-(metered - 60) // 6)) * 6
    included = min(units, 60) if serial % 3 == 0 else units if serial % 7 == 0 else 0
    per_minute = 1_200_000 if call.caller_kind == "overseas" else 150_000
    charged = units - included
    return Charge(
        **common,
        price_from="2026-01-01T00:00:00+08:00",
        metered_seconds=metered,
        billable_units=units,
        included_units=included,
        charged_units=charged,
        amount=(charged * per_minute * 2 + 60) // 120,
        reason="charged" if not included else "included" if not charged else "part-included",
    )


def add_foreign_call(session: Session, at: datetime) -> None:
    """The second account's only call: nobody of the first may see a trace of it."""
    session.add(
        Call(
            uuid="00000000-0000-4000-8000-00000000west",
            account_id="west",
            number=OTHER_NUMBER,
            caller="13000000000",
            caller_kind="mobile",
            caller_name="西部来客",
            started_at=at,
            ended_at=at + timedelta(seconds=8),
            line_id="west-1",
            joined_at=at + timedelta(seconds=3),
            bridged_ms=5000,
            outcome="answered",
            recording="west/secret.wav",
            collected_at=at,
        )
    )


def add_stays(session: Session) -> None:
    """The answered calls waited in a queue as long as their lines rang; those that nobody answered, until then."""
    session.flush()
    for call in session.scalars(select(Call).where(Call.answered_at.is_not(None) | (Call.account_id == "west"))):
        entered_at = call.answered_at or call.started_at
        session.add(
            QueueStay(
                call_uuid=call.uuid,
                ordinal=1,
                queue_id="counter" if call.account_id == "west" else "hotline",
                account_id=call.account_id,
                number=call.number,
                entered_at=entered_at,
                wait_ms=round(((call.joined_at or call.ended_at) - entered_at) / timedelta(milliseconds=1)),
                left="answered" if call.joined_at else "abandoned",
                line_id=call.line_id,
            )
        )
