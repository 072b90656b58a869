"""A price book and calls in a database, for rating there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from appliance.domain import money
from appliance.domain.pricing import MeteredCall, PriceBook
from appliance.rating.book import read_book
from appliance.rating.records import read_records
from appliance.store.models import Account, Call, Charge, Number, Plan, Price, Subscription
from appliance.store.unit import Store
from tests.rating.books import SAMPLE

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def clock() -> datetime:
    return NOW


def later() -> datetime:
    return NOW.replace(hour=5)


def sample_book() -> PriceBook:
    return read_book((SAMPLE / "plans.toml").read_text(encoding="utf-8"))


def sample_calls(cdrs: Path = SAMPLE / "cdrs.csv") -> list[MeteredCall]:
    return [call for _, call in read_records(cdrs.read_text(encoding="utf-8"))[0]]


def put_book(store: Store, book: PriceBook) -> None:
    with store.work() as session:
        session.add(Account(id="east", name="East"))
        session.flush()
        for plan in book.plans.values():
            session.add(
                Plan(
                    code=plan.code,
                    name=plan.name,
                    charge_by=plan.charge_by.value,
                    meter=plan.meter.value,
                    included=plan.included,
                    rollover_months=plan.rollover_months,
                    minimum_monthly=plan.minimum_monthly,
                )
            )
            session.flush()
            for price in plan.prices:
                session.add(
                    Price(
                        plan_code=plan.code,
                        effective_from=price.effective_from,
                        effective_text=price.effective_text,
                        caller=price.caller,
                        initial_seconds=price.initial_seconds,
                        step_seconds=price.step_seconds,
                        free_seconds=price.free_seconds,
                        connect_fee=price.connect_fee,
                        per_minute=price.per_minute,
                        per_call=price.per_call,
                    )
                )
        session.flush()
        for number, held in book.subscriptions.items():
            session.add(Number(number=number, account_id="east"))
            session.flush()
            for subscription in held:
                session.add(
                    Subscription(
                        number=number,
                        plan_code=subscription.plan,
                        starts_at=subscription.starts_at,
                        ends_at=subscription.ends_at,
                    )
                )
        session.commit()


def put_calls(
    store: Store, calls: Iterable[MeteredCall], *, outcome: str = "answered", account: str = "east"
) -> None:
    """Calls of so many whole seconds, less some milliseconds: they are rounded up again."""
    with store.work() as session:
        for nth, call in enumerate(calls):
            session.add(
                Call(
                    uuid=call.call_id,
                    account_id=account,
                    number=call.number,
                    caller_kind=call.caller_kind,
                    started_at=call.started_at,
                    answered_at=call.answered_at,
                    ended_at=call.started_at,
                    bill_ms=max(call.billsec * 1000 - nth % 1000, 0),
                    bridged_ms=max(call.bridged_seconds * 1000 - nth % 1000, 0),
                    outcome=outcome,
                    collected_at=NOW,
                )
            )
        session.commit()


def charged(store: Store) -> dict[str, Charge]:
    with store.reading() as session:
        return {row.call_uuid: row for row in session.scalars(select(Charge))}


def as_lines(store: Store) -> list[str]:
    """Charges as the lines of a file of charges, refused calls left out."""
    with store.reading() as session:
        found = session.execute(select(Charge, Call.number).join(Call, Call.uuid == Charge.call_uuid)).all()
    return sorted(
        ",".join(
            map(
                str,
                (
                    charge.call_uuid,
                    number,
                    charge.plan_code,
                    charge.price_from,
                    charge.metered_seconds,
                    charge.billable_units,
                    charge.included_units,
                    charge.charged_units,
                    money.format(charge.amount),
                    charge.reason,
                ),
            )
        )
        for charge, number in found
        if not charge.reason.startswith("reject:")
    )


def sample_lines() -> list[str]:
    return (SAMPLE / "charges.csv").read_text(encoding="utf-8").splitlines()[1:]
