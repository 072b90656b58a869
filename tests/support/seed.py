"""A database to look at: two enterprises, their lines, numbers, plans, and some sixty calls with recordings.

``python -m tests.support.seed FOLDER`` fills ``FOLDER/appliance.db`` and ``FOLDER/recordings``, and adds the
operators ``admin`` (every account), ``desk`` (the first account) and ``other`` (the second), password
``correct horse``. The same seed gives the same calls.
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import struct
import sys
import wave
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.grants import month_of
from appliance.media.keep import Keeping, keep_once
from appliance.media.keys import NO_KEYS
from appliance.store import operators, schema
from appliance.store import recordings as kept
from appliance.store.models import (
    Account,
    CalendarDay,
    Call,
    CallLeg,
    Charge,
    Flow,
    FlowDraft,
    FlowPublication,
    FlowVersion,
    Hook,
    Line,
    ListEntry,
    Notification,
    Number,
    NumberList,
    Operator,
    Plan,
    Price,
    Prompt,
    Queue,
    QueueStay,
    Recording,
    Region,
    Role,
    Schedule,
    Subscription,
    Task,
    TaskEvent,
    Trunk,
)
from appliance.store.recordings import Who
from appliance.store.tasks import close_task, derive_tasks_since
from appliance.store.unit import Store

PASSWORD = "correct horse"
NUMBER = "4008001234"
OTHER_NUMBER = "4006005678"
SHANGHAI = ZoneInfo("Asia/Shanghai")
GRAPH = {
    "start": "welcome",
    "nodes": {
        "welcome": {
            "type": "menu",
            "prompt": "welcome",
            "keys": {"1": "sales", "2": "service", "0": "desk"},
            "silence": "desk",
            "wrong": "bye",
        },
        "sales": {"type": "ring", "lines": ["sales-1", "sales-2"], "strategy": "ring-all", "failed": "busy"},
        "service": {"type": "ring", "lines": ["service-1"], "failed": "desk"},
        "desk": {"type": "ring", "lines": ["desk-1"], "failed": "busy"},
        "busy": {"type": "hangup", "prompt": "all-lines-busy", "cause": "USER_BUSY"},
        "bye": {"type": "hangup", "prompt": "bye"},
    },
}
#: Every rule that a number can have.
RULES = {
    "max_calls": 30,
    "calls_per_minute": 60,
    "black_lists": ["nuisance"],
    "white_lists": ["nuisance"],
    "caller_limit": {"calls": 5, "minutes": 10},
    "passwords": ["1234", "5678"],
    "schedule": "office",
    "regions_only": ["上海", "江苏/苏州"],
    "regions_except": ["境外"],
    "refusals": {"out-of-hours": {"flow": "main"}},
}
_LINES = [
    ("sales-1", "销售一部", "02161234567", "fixed", 2, 25),
    ("sales-2", "销售二部", "13800138000", "mobile", 1, 20),
    ("service-1", "售后服务", "075588886666", "fixed", 4, 30),
    ("desk-1", "前台", "02161234500", "fixed", 1, 25),
]
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


def fill(session: Session, recordings: Path | None, now: datetime, calls: int = 60) -> None:
    """Put everything in; the caller commits. Without a folder no recording is spoken."""
    _accounts(session)
    dice = random.Random(400)
    at = now - timedelta(minutes=4)
    for serial in range(calls):
        _call(session, recordings, dice, serial, at)
        at -= timedelta(minutes=dice.choice([3, 7, 18, 42, 95, 240, 700]), seconds=dice.randrange(60))
    _foreign_call(session, now - timedelta(hours=2))
    _stays(session)
    if recordings:
        _prompt(session, recordings.parent / "prompts", now)


def _accounts(session: Session) -> None:
    since = datetime(2026, 1, 1, tzinfo=SHANGHAI)
    session.add_all([Account(id="east", name="东方机电有限公司"), Account(id="west", name="西部商贸有限公司")])
    session.add(
        Trunk(
            id="telecom",
            name="电信中继",
            accept=["127.0.0.1"],
            proxy="127.0.0.1:5070",
            called_from=["to"],
            landing={},
            codecs=["PCMA"],
        )
    )
    session.flush()
    for id_, name, number, kind, most, ring in _LINES:
        session.add(
            Line(
                id=id_,
                account_id="east",
                name=name,
                number=number,
                kind=kind,
                trunk_id="telecom",
                max_calls=most,
                ring_seconds=ring,
            )
        )
    session.add(
        Line(id="west-1", account_id="west", name="店面", number="02887654321", kind="fixed", trunk_id="telecom")
    )
    flow = Flow(account_id="east", name="main")
    session.add(flow)
    session.flush()
    session.add(FlowVersion(flow_id=flow.id, version=3, graph=GRAPH, created_at=since))
    session.add(FlowPublication(flow_id=flow.id, version=3, at=since, made_at=since))
    session.add(Hook(id="crm", account_id="east", name="客户系统", kind="webhook", url="http://crm.example/"))
    told = {"call_uuid": "", "text": "来电未接", "made_at": since, "ended_at": since, "tries": 1, "sent": True}
    session.add(Notification(id="told", account_id="east", hook_id="crm", **told))
    session.add(FlowDraft(flow_id=flow.id, graph=GRAPH, based_on=3, edited_at=since))
    session.add_all(
        [
            Schedule(id="office", account_id="east", name="工作时间", week={"mon": ["09:00-18:00"]}, own_days={}),
            Schedule(id="shop", account_id="west", name="营业时间", week={"sat": ["10:00-22:00"]}, own_days={}),
            NumberList(id="nuisance", account_id="east", name="骚扰号码"),
            NumberList(id="west-vip", account_id="west", name="西部贵宾"),
            CalendarDay(day=date(2027, 2, 6), kind="makeup"),
            Region(prefix="1991234", province="江苏", city="苏州"),
            Queue(id="hotline", account_id="east", name="热线队列", line_ids=["desk-1", "sales-2"]),
            Queue(id="counter", account_id="west", name="柜台队列", line_ids=["west-1"]),
        ]
    )
    session.flush()
    session.add_all(
        [
            ListEntry(list_id="nuisance", entry="1771234*"),
            ListEntry(list_id="west-vip", entry="13800138000"),
            Number(number=NUMBER, account_id="east", name="全国客服热线", flow_id=flow.id, rules=RULES),
            Number(
                number="4009990000",
                account_id="east",
                name="投诉专线",
                line_ids=["desk-1", "sales-2"],
                strategy="longest-idle",
                overflow_id=flow.id,
            ),
            Number(number=OTHER_NUMBER, account_id="west", name="门店热线", line_ids=["west-1"], record="off"),
        ]
    )
    time_plan = Plan(
        code="T600",
        name="按时套餐600",
        charge_by="time",
        meter="answer",
        included=36_000,
        rollover_months=1,
        minimum_monthly=99_000_000,
    )
    call_plan = Plan(code="C1", name="按次", charge_by="call", meter="bridge")
    session.add_all([time_plan, call_plan])
    session.flush()
    for caller, per_minute in (("any", 150_000), ("overseas", 1_200_000)):
        session.add(
            Price(
                plan_code="T600",
                effective_from=since,
                effective_text="2026-01-01T00:00:00+08:00",
                caller=caller,
                initial_seconds=60,
                step_seconds=6,
                free_seconds=3,
                per_minute=per_minute,
            )
        )
    session.add(
        Price(
            plan_code="C1",
            effective_from=since,
            effective_text="2026-01-01T00:00:00+08:00",
            per_call=500_000,
        )
    )
    session.add_all(
        [
            Subscription(number=NUMBER, plan_code="T600", starts_at=since),
            Subscription(number=OTHER_NUMBER, plan_code="C1", starts_at=since),
        ]
    )
    session.flush()
    roles = {role.name: role for role in session.scalars(select(Role))}  # the first migration brings them
    for login, name, account, role in (
        ("admin", "总控台", None, "administrator"),
        ("desk", "前台", "east", "operator"),
        ("other", "值班", "west", "operator"),
    ):
        session.add(
            Operator(
                login=login,
                name=name,
                account_id=account,
                password_hash=operators.hash_password(PASSWORD),
                session_key=f"session-key-of-{login}",
                preferences={},
                roles=[roles[role]],
            )
        )


def _call(session: Session, recordings: Path | None, dice: random.Random, serial: int, at: datetime) -> None:
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
            _speak(recordings / call.recording, min(talk / timedelta(seconds=1), 20.0), dice)
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


def _foreign_call(session: Session, at: datetime) -> None:
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


def _stays(session: Session) -> None:
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


def _prompt(session: Session, prompts: Path, now: datetime) -> None:
    """The prompt of the first account's menu, uploaded."""
    versions = prompts / "east" / ".versions"
    _speak(versions / "welcome@1.wav", 2.0, random.Random(1), channels=1)
    played = prompts / "east" / "welcome.wav"
    played.write_bytes((versions / "welcome@1.wav").read_bytes())
    session.add(
        Prompt(
            account_id="east",
            name="welcome",
            version=1,
            title="总机欢迎词",
            source="upload",
            milliseconds=2000,
            sha256=hashlib.sha256(played.read_bytes()).hexdigest(),
            file_name="欢迎词 final(2).mp3",
            made_by="desk",
            made_at=now - timedelta(days=3),
            in_use=True,
        )
    )


def _speak(file: Path, seconds: float, dice: random.Random, channels: int = 2) -> None:
    """Two voices by turns, as far as tones in bursts are voices: caller left, line right."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rate = 8000
    frames = bytearray()
    caller_speaks, level = True, 0.0
    for at in range(int(seconds * rate)):
        if at % (rate // 4) == 0:
            level = dice.random()
            caller_speaks ^= dice.random() < 0.25
        sample = int(12_000 * level * math.sin(at * (0.11 if caller_speaks else 0.17)) * math.sin(at / 900) ** 2)
        sides = (sample if caller_speaks else 0, 0 if caller_speaks else sample)
        frames += struct.pack("<hh", *sides) if channels == 2 else struct.pack("<h", sample)
    with wave.open(str(file), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(bytes(frames))


def make(folder: Path, now: datetime | None = None) -> Store:
    """A filled store in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{folder / 'appliance.db'}"
    schema.upgrade(url)
    store = Store(url)
    with store.work() as session:
        fill(session, folder / "recordings", now or datetime.now(UTC))
        session.commit()
    _keep(store, folder / "recordings", now or datetime.now(UTC))
    _tasks(store, now or datetime.now(UTC))
    return store


def _keep(store: Store, recordings: Path, now: datetime) -> None:
    """Keep the recordings of all calls but the newest two, as the box would have done by now, and a message of a
    caller whom nobody answered; one is held, and was heard."""
    with store.work() as session:
        call = session.scalars(
            select(Call).where(Call.outcome.startswith("failed")).order_by(Call.started_at.desc())
        ).first()
        assert call is not None
        call.messages = f"messages/{call.uuid}-m1.wav"
        session.commit()
    _speak(recordings / call.messages, 7.5, random.Random(1), channels=1)
    for file in recordings.rglob("*.wav"):
        fresh = file.stem[-12:] in ("000000000000", "000000000001")
        os.utime(file, (now.timestamp() - (0 if fresh else 7200),) * 2)
    keep_once(Keeping(recordings, store, lambda: now, NO_KEYS, settle_s=3600))
    with store.work() as session:
        boss = Who("desk", "192.0.2.7", "east")
        first = session.scalars(select(Recording.id).where(Recording.kind == "talk").order_by(Recording.id)).first()
        assert first is not None
        kept.note_access(session, first, boss, "play", now - timedelta(minutes=2))
        kept.hold(session, first, boss, "合同纠纷 2026-17", now - timedelta(minutes=1))
        session.commit()


def _tasks(store: Store, now: datetime) -> None:
    """Those that the calls make, of which one was closed; and one of the second account."""
    with store.work() as session:
        derive_tasks_since(session, datetime(2000, 1, 1, tzinfo=UTC))
        oldest = session.scalars(select(Task).where(Task.closed_at.is_(None)).order_by(Task.last_at)).first()
        assert oldest is not None
        note = "=已用手机回过"
        close_task(session, oldest.id, operator="desk", address="192.0.2.7", account="east", note=note, now=now)
        at = now - timedelta(days=2)
        foreign = {"kind": "missed", "account_id": "west", "caller": "13000000000"}
        session.add(
            Task(
                **foreign,
                number=OTHER_NUMBER,
                calls=2,
                first_call="west-missed-1",
                first_at=at,
                last_call="west-missed-2",
                last_at=at + timedelta(hours=1),
                last_outcome="abandoned:queue",
            )
        )
        session.add(
            TaskEvent(**foreign, at=at - timedelta(days=1), operator="other", action="close", note="打过了")
        )
        session.commit()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
