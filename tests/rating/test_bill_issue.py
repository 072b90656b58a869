"""Bills of the sample's months: what they come to, frozen, numbered, and in the ledger to the fen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DatabaseError

from appliance.domain.bills import LineKind
from appliance.domain.grants import month_of
from appliance.domain.money import FEN, to_fen
from appliance.errors import RatingError
from appliance.rating.bill import issue as use_case
from appliance.rating.bill.check import check
from appliance.rating.bill.document import Document, Party
from appliance.rating.run import rate_all
from appliance.store import bills
from appliance.store.models import Account, Bill, Call, Price
from appliance.store.unit import Store
from tests.rating.billed import JANUARY, NOW, TERMS, close, issue, owed, sample_sums
from tests.rating.stored import clock, put_book, put_calls, sample_book, sample_calls


def test_a_line_for_each_number_and_plan(billed: Store) -> None:
    bills_ = [issue(billed, month) for month in range(JANUARY, JANUARY + 4)]
    for bill in bills_:
        assert bill is not None
        is_what_the_sample_says(bill)
    first, second = (
        [line.kind for line in bill.lines if line.number == "4000861168"] for bill in bills_[:2] if bill
    )
    assert (first, second) == ([LineKind.CALLS], [LineKind.CALLS, LineKind.MINIMUM]), "from the first full month on"


def is_what_the_sample_says(bill: Document) -> None:
    lines = {(line.number, line.plan): line for line in bill.lines if line.kind is LineKind.CALLS}
    sums = sample_sums(bill.month)
    assert {key: line.exact for key, line in lines.items() if key in sums} == sums
    assert all(line.amount == to_fen(line.exact) for line in lines.values())
    plans = sample_book().plans
    minimums = {line.number: line for line in bill.lines if line.kind is LineKind.MINIMUM}
    for (number, code), line in lines.items():
        minimum = to_fen(plans[code].minimum_monthly)
        if number in minimums and minimum:
            assert line.amount + minimums[number].amount == minimum
    assert bill.totals.gross == sum(line.amount for line in bill.lines)
    assert sum(one.amount for one in bill.prices) == sum(sums.values())


def test_the_ledger_owes_what_the_bills_say(billed: Store) -> None:
    numbers, gross = [], 0
    for month in range(JANUARY - 1, JANUARY + 4):
        bill = issue(billed, month)
        if bill is not None:
            numbers.append(bill.number)
            gross += bill.totals.gross
            assert bill.movements[-1].amount == -gross, "each month ends with what is owed of all so far"
    assert numbers == [f"ZD{count:08}" for count in range(1, len(numbers) + 1)]
    open_month = sum(sample_sums(JANUARY + 4).values())
    assert owed(billed) == gross * FEN + open_month


def test_issuing_again_issues_nothing(billed: Store) -> None:
    first = issue(billed, JANUARY)
    before = owed(billed)
    assert issue(billed, JANUARY) == first
    assert owed(billed) == before
    with billed.reading() as session:
        assert len(bills.listed(session)) == 1


def test_a_month_that_is_open_is_not_billed(billed: Store) -> None:
    with pytest.raises(RatingError, match="2026-05 of east is not closed"):
        issue(billed, JANUARY + 4)
    with billed.work() as session, pytest.raises(RatingError, match="no such account"):
        use_case.issue(session, "west", JANUARY, TERMS, NOW, "clerk")


def test_nothing_to_be_billed_spends_no_number(store: Store) -> None:
    with store.work() as session:
        session.add(Account(id="east", name="East"))
        session.commit()
    close(store, JANUARY)
    assert issue(store, JANUARY) is None


def test_a_bill_stays_as_it_was(billed: Store) -> None:
    bill = issue(billed, JANUARY)
    with billed.work() as session:
        session.execute(update(Account).values(name="又名", billing={"title": "新名称"}))
        session.execute(update(Price).values(per_minute=9))
        session.commit()
    with billed.reading() as session:
        kept = bills.of_month(session, "east", JANUARY)
        assert kept is not None and bill is not None
        assert use_case.opened(session, kept) == bill


def test_the_database_keeps_bills(store: Store) -> None:
    with store.work() as session:
        session.add(
            Bill(
                number="ZD00000001",
                kind="bill",
                sequence=1,
                account_id="east",
                month=JANUARY,
                part=0,
                corrects="",
                net=0,
                tax=0,
                gross=0,
                document={},
                issued_at=NOW,
                by_login="clerk",
            )
        )
        bills.note_invoice(session, "ZD00000001", "26312000000012345678", "clerk", NOW)
        session.commit()
    for statement in ("UPDATE bills SET gross = 0", "DELETE FROM bills", "DELETE FROM tax_invoices"):
        with store.work() as session, pytest.raises(DatabaseError, match="append-only"):
            session.execute(text(statement))


def test_as_whom_an_account_is_billed(billed: Store) -> None:
    known = {"title": "示例制造有限公司", "tax_number": "91310000MA1K000000", "bank": "示例银行"}
    with billed.work() as session:
        session.execute(update(Account).values(billing=known))
        session.commit()
    bill = issue(billed, JANUARY)
    assert bill is not None
    assert bill.customer == Party("示例制造有限公司", "91310000MA1K000000", bank="示例银行")


def test_the_tax_invoice(billed: Store) -> None:
    bill = issue(billed, JANUARY)
    assert bill is not None
    with billed.work() as session:
        assert use_case.note_invoice(session, bill.number, " 26312000000012345678 ", "clerk", NOW).tax_invoice
        use_case.note_invoice(session, bill.number, "26312000000012345679", "clerk", NOW)
        session.commit()
    with billed.reading() as session:
        kept = use_case.opened(session, use_case.required(session, bill.number))
        assert kept.tax_invoice == "26312000000012345679", "the last one"
    for number, invoice in (("ZD00000009", "1"), (bill.number, "=1+1"), (bill.number, ""), (bill.number, "1" * 61)):
        with billed.work() as session, pytest.raises(RatingError):
            use_case.note_invoice(session, number, invoice, "clerk", NOW)


def test_what_the_check_finds(billed: Store) -> None:
    issue(billed, JANUARY)
    issue(billed, JANUARY + 1)
    with billed.work() as session:
        for trigger in session.execute(text(_TRIGGERS[session.get_bind().dialect.name])).scalars().all():
            session.execute(text(trigger))
        session.execute(update(Bill).where(Bill.sequence == 2).values(gross=1))
        session.execute(delete(Bill).where(Bill.sequence == 1))
        session.commit()
    with billed.reading() as session:
        faults = check(session)
    assert faults == ["numbers of kind bill have a gap", "ZD00000002: its lines do not come to its sums"]


#: What takes the database's own guard away, for the test.
_TRIGGERS = {
    "sqlite": "SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'bills'",
    "postgresql": "SELECT 'ALTER TABLE bills DISABLE TRIGGER USER'",
}


def test_calls_that_cost_nothing_are_no_line(store: Store) -> None:
    """Who was not answered is on no line, but a number with a minimum has one all the same."""
    put_book(store, sample_book())
    unanswered = [replace(call, answered_at=None, billsec=0, bridged_seconds=0) for call in sample_calls()[:50]]
    put_calls(store, unanswered)
    rate_all(store, clock)
    with store.reading() as session:
        months = {month_of(call.started_at) for call in session.query(Call)}
    for month in range(min(months), max(months) + 1):
        close(store, month)
        bill = issue(store, month)
        assert bill is None or all(line.calls == 0 for line in bill.lines)
