"""Some of the sample's calls, rated and their months closed: what bills are issued of."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from appliance.domain.grants import month_of
from appliance.domain.ledger import Who
from appliance.domain.money import parse
from appliance.domain.pricing import MeteredCall
from appliance.rating.bill import issue as use_case
from appliance.rating.bill.check import check
from appliance.rating.bill.document import Document, Party
from appliance.rating.bill.issue import Terms
from appliance.rating.close import close_month
from appliance.rating.run import rate_all
from appliance.store import ledger, schema
from appliance.store.models import Correction, Operator, Price, Role
from appliance.store.unit import Store
from tests.rating.books import SAMPLE
from tests.rating.stored import clock, put_book, put_calls, sample_book, sample_calls

#: By time from a line's answer with a minimum; from 5 January on; by call; with rollover; and two plans in turn.
NUMBERS = {"4001414002", "4000861168", "4009050631", "4008098702", "4006611097"}
TERMS = Terms(Party("示例通信服务有限公司"), 600)
JANUARY = 2026 * 12
NOW = datetime(2026, 6, 2, tzinfo=UTC)
CLERK = Who("clerk", "价格订正")


def fill(url: str) -> None:
    """The calls of some of the sample's numbers, rated; January to April closed; and two who decide about money."""
    schema.upgrade(url)
    with Store(url) as store:
        put_book(store, sample_book())
        put_calls(store, some_calls())
        rate_all(store, clock)
        for month in range(JANUARY - 1, JANUARY + 4):
            close(store, month)
        with store.work() as session:
            role = session.scalars(select(Role).where(Role.name == "finance")).one()
            session.add(Operator(login="anna", session_key="anna", roles=[role]))
            session.commit()


def close(store: Store, month: int) -> None:
    done = close_month(
        store, month, lambda: NOW, grace=timedelta(0), who=CLERK, account_id="east", although_not_ratable=True
    )
    assert done[0].hindrances is None


def issue(store: Store, month: int, account: str = "east") -> Document | None:
    with store.work() as session:
        made = use_case.issue(session, account, month, TERMS, NOW, "clerk")
        session.commit()
    return made


def credit(store: Store) -> list[Document]:
    with store.work() as session:
        made = use_case.credit(session, "east", TERMS, NOW, "clerk")
        session.commit()
    return made


def owed(store: Store) -> int:
    """What the account owes by the ledger, millionths of a yuan."""
    with store.reading() as session:
        assert check(session) == []
        return -ledger.balance(session, "east")


def correct(store: Store, month: int, amount: int, reason: str = "价格订正") -> None:
    """A correction that a re-rating booked, without its calls."""
    with store.work() as session:
        session.add(
            Correction(
                account_id="east",
                month=month,
                booked_month=JANUARY + 4,
                amount=amount,
                calls=1,
                reason=reason,
                by_login="clerk",
                at=NOW,
            )
        )
        session.commit()


def some_calls() -> list[MeteredCall]:
    return [call for call in sample_calls() if call.number in NUMBERS]


def halve(store: Store) -> None:
    with store.work() as session:
        session.execute(update(Price).where(Price.plan_code == "call-flat").values(per_call=Price.per_call // 2))
        session.commit()


def sample_sums(month: int) -> dict[tuple[str, str], int]:
    """The sample's own charges, by number and plan."""
    sums: dict[tuple[str, str], int] = {}
    at = {call.call_id: call.answered_at or call.started_at for call in sample_calls()}
    with (SAMPLE / "charges.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["number"] in NUMBERS and month_of(at[row["call_id"]]) == month:
                key = (row["number"], row["plan"])
                sums[key] = sums.get(key, 0) + parse(row["amount_yuan"])
    return sums
