"""Months of calls to compare plans by, in a filled box, and what its trunk takes."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from appliance.domain.grants import month_of, month_start
from appliance.rating.cost import cost_all
from appliance.rating.run import rate_all
from appliance.store.models import Call, CallLeg, Number, Plan, Price, Subscription, TrunkCost
from appliance.store.unit import Store
from tests.support.seed import NUMBER


def put_months(store: Store, now: datetime, calls: int = 240) -> None:
    """Calls of the three months before ``now`` to the first account's two numbers, rated and costed."""
    dice = random.Random(7)
    since = month_start(month_of(now) - 3)
    span = month_start(month_of(now)) - since
    with store.work() as session:
        plans = [
            Plan(code="C35", name="按次套餐", charge_by="call", meter="bridge", minimum_monthly=20_000_000),
            Plan(
                code="T1200",
                name="按时套餐1200",
                charge_by="time",
                meter="bridge",
                included=12_000,
                minimum_monthly=30_000_000,
            ),
            Plan(code="FIX", name="固话专用", charge_by="time", meter="answer"),
        ]
        session.add_all(plans)
        session.flush()
        begun = datetime(2026, 1, 1, tzinfo=UTC)
        for code, caller in (("C35", "any"), ("T1200", "any"), ("FIX", "fixed")):
            session.add(
                Price(
                    plan_code=code,
                    effective_from=begun,
                    effective_text="2026-01-01T08:00:00+08:00",
                    caller=caller,
                    per_minute=130_000,
                    per_call=350_000,
                )
            )
        session.add(Subscription(number="4009990000", plan_code="C1", starts_at=begun))
        session.add(
            TrunkCost(
                trunk_id="telecom",
                effective_from=begun,
                effective_text="2026-01-01T08:00:00+08:00",
                per_minute=60_000,
            )
        )
        numbers = list(session.scalars(select(Number.number).where(Number.account_id == "east")))
        for nth in range(calls):
            at = since + span * dice.random()
            talk = timedelta(seconds=dice.choice([12, 20, 25, 70, 240, 600]))
            number = numbers[0] if nth % 4 else numbers[-1]
            session.add(
                Call(
                    uuid=f"month-{nth:04}",
                    account_id="east",
                    number=number,
                    caller="13800138000",
                    caller_kind=dice.choice(["mobile", "mobile", "fixed"]),
                    started_at=at,
                    answered_at=at,
                    joined_at=at + timedelta(seconds=9),
                    ended_at=at + timedelta(seconds=9) + talk,
                    bill_ms=int((timedelta(seconds=9) + talk).total_seconds() * 1000),
                    bridged_ms=int(talk.total_seconds() * 1000),
                    line_id="desk-1",
                    outcome="answered",
                    collected_at=at,
                )
            )
            session.flush()
            session.add(
                CallLeg(
                    leg_uuid=f"month-{nth:04}-line",
                    call_uuid=f"month-{nth:04}",
                    role="line",
                    started_at=at,
                    answered_at=at + timedelta(seconds=9),
                    ended_at=at + timedelta(seconds=9) + talk,
                    facts={"gw_line": "desk-1", "gw_outward": "telecom", "sip_to_user": "02161234500"},
                )
            )
        session.commit()
    assert NUMBER in numbers
    rate_all(store, lambda: now)
    cost_all(store)
