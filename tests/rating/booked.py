"""A box with a plan, calls and a ledger, for tests of what is booked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from appliance.domain.ledger import Who
from appliance.domain.pricing import ChargeBy, Meter, MeteredCall, Plan, Price, PriceBook, Subscription
from appliance.rating.close import Closing, close_month
from appliance.rating.run import Rated, rate_calls
from appliance.store import ledger, ledger_check
from appliance.store.unit import Store
from tests.rating.stored import clock, put_calls

NUMBER = "4008001234"
#: The first instant of 2026 in Shanghai.
JANUARY = datetime(2025, 12, 31, 16, tzinfo=UTC)
MONTH = 2026 * 12
WHO = Who("boss", "test")
DAY = timedelta(days=1)


def pack(rollover_months: int = 0, included: int = 100, number: str = NUMBER) -> PriceBook:
    """A yuan a second beyond what is included."""
    price = Price(JANUARY, "t", initial_seconds=1, step_seconds=1, per_minute=60_000_000)
    plan = Plan("pack", "Pack", ChargeBy.TIME, Meter.ANSWER, (price,), included, rollover_months)
    return PriceBook({"pack": plan}, {number: (Subscription(number, "pack", JANUARY),)})


def call(call_id: str, at: datetime, seconds: int = 60, number: str = NUMBER) -> MeteredCall:
    return MeteredCall(call_id, number, "mobile", at - timedelta(seconds=3), at, seconds, 0)


def take(store: Store, *calls: MeteredCall) -> Rated:
    """Stored and rated, as the collector does."""
    put_calls(store, calls)
    return rate(store, [each.call_id for each in calls])


def rate(store: Store, uuids: Iterable[str]) -> Rated:
    with store.work() as session:
        rated = rate_calls(session, list(uuids), clock)
        session.commit()
    return rated


def close(store: Store, month: int, *, account: str | None = None, although: bool = False) -> list[Closing]:
    return close_month(
        store,
        month,
        clock,
        grace=timedelta(hours=24),
        who=WHO,
        account_id=account,
        although_not_ratable=although,
    )


def balance(store: Store, account: str = "east") -> int:
    with store.reading() as session:
        return ledger.balance(session, account)


def yuan(store: Store, account: str = "east") -> int:
    """Whole yuan: these tests' prices have no others."""
    found, rest = divmod(balance(store, account), 1_000_000)
    assert rest == 0
    return found


def faults(store: Store) -> list[str]:
    with store.reading() as session:
        return list(ledger_check.faults(session))


def posted(store: Store) -> list[tuple[str, str, int, int]]:
    """Subject, kind, effect in yuan and month (counted from January 2026) of each posting."""
    with store.reading() as session:
        return [
            (
                row.subject,
                row.kind,
                (row.amount if row.credit == "balance" else -row.amount) // 1_000_000,
                row.month - MONTH,
            )
            for row in ledger.postings(session)
        ]
