"""The two enterprises: who they are, what calls of theirs go by, who looks at them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.store.models import (
    Account,
    CalendarDay,
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
    Queue,
    Region,
    Role,
    Schedule,
    Subscription,
    Trunk,
)

PASSWORD = "correct horse"
#: As cheap as it can be: hundreds of tests sign in, and each would compute for a tenth of a second.
_HASHED = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
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


def add_site(session: Session) -> None:
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
                password_hash=_HASHED,
                session_key=f"session-key-of-{login}",
                preferences={},
                roles=[roles[role]],
            )
        )
