"""Bills of the sample's months: what they come to, frozen, numbered, and in the ledger to the fen."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError

from appliance import bootstrap
from appliance.cli.bill import bill as bill_command
from appliance.domain.bills import LineKind
from appliance.domain.grants import month_of
from appliance.domain.ledger import Who
from appliance.domain.money import FEN, parse, to_fen
from appliance.domain.money import format as written
from appliance.domain.pricing import MeteredCall
from appliance.errors import RatingError
from appliance.rating.again import rate_again
from appliance.rating.bill import issue as use_case
from appliance.rating.bill.check import check
from appliance.rating.bill.document import Document, Party
from appliance.rating.bill.issue import Terms
from appliance.rating.close import close_month
from appliance.rating.run import rate_all
from appliance.store import bills, ledger, schema
from appliance.store.models import Account, Bill, Call, CallLeg, Charge, Correction, LegCost, Operator, Price, Role
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


@pytest.fixture
def billed(copy_of: Callable[[Callable[[str], None]], str]) -> Iterator[Store]:
    """``fill``, a copy for each test."""
    with Store(copy_of(fill)) as store:
        yield store


def close(store: Store, month: int) -> None:
    done = close_month(
        store, month, lambda: NOW, grace=timedelta(0), who=CLERK, account_id="east", although_not_ratable=True
    )
    assert done[0].hindrances is None


def issue(store: Store, month: int) -> Document | None:
    with store.work() as session:
        made = use_case.issue(session, "east", month, TERMS, NOW, "clerk")
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


def some_calls() -> list[MeteredCall]:
    return [call for call in sample_calls() if call.number in NUMBERS]


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


def test_a_call_that_comes_late_stands_on_the_next_bill(billed: Store) -> None:
    late = next(
        call
        for call in sample_calls()
        if call.number == "4001414002" and call.answered_at and month_of(call.answered_at) == JANUARY
    )
    put_calls(billed, [replace(late, call_id="late", billsec=600, bridged_seconds=600)])
    rate_all(billed, clock)
    close(billed, JANUARY + 4)
    for earlier in range(JANUARY, JANUARY + 4):
        issue(billed, earlier)
    before = owed(billed)
    bill = issue(billed, JANUARY + 4)
    assert bill is not None
    (line,) = [line for line in bill.lines if line.kind is LineKind.LATE]
    assert (line.number, line.text, line.calls, line.exact) == ("4001414002", "2026-01", 1, 1_375_000)
    assert bill.totals.gross * FEN - sum(sample_sums(JANUARY + 4).values()) - 1_375_000 == owed(billed) - before


def test_a_correction_of_a_billed_month_is_a_credit_note(billed: Store) -> None:
    bill = issue(billed, JANUARY)
    before = owed(billed)
    halve(billed)
    found = rate_again(billed, lambda: NOW, book=CLERK)
    change = sum(one.new - one.old for one in found)
    assert change < 0
    (note, *others) = credit(billed)
    assert others == [], "only January is billed"
    assert bill is not None
    assert (note.number, note.corrects, note.because) == ("HZ00000001", bill.number, "价格订正")
    assert note.totals.gross < 0 and note.totals.tax < 0
    assert credit(billed) == [], "once"
    january = sum(one.new - one.old for one in found if one.month == JANUARY)
    assert note.totals.gross == to_fen(january)
    assert owed(billed) == before + change + (note.totals.gross * FEN - january)
    february = issue(billed, JANUARY + 1)
    assert february is not None
    corrected = [line.number for line in february.lines if line.kind is LineKind.CORRECTION]
    assert corrected == ["4006611097", "4009050631"], "what was not billed yet"
    owed(billed)


def halve(store: Store) -> None:
    with store.work() as session:
        session.execute(update(Price).where(Price.plan_code == "call-flat").values(per_call=Price.per_call // 2))
        session.commit()


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


@pytest.fixture
def box(billed: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The commands' box is this one."""
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", billed.url.render_as_string(hide_password=False))
    monkeypatch.setenv("APPLIANCE_BILL_ISSUER", "示例通信服务有限公司")
    monkeypatch.setattr(bootstrap, "utc_now", lambda: NOW)
    return billed


def said(*words: str) -> str:
    result = CliRunner().invoke(bill_command, list(words))
    return str(result.exception or result.output).strip()


def test_the_commands(box: Store, tmp_path: Path) -> None:
    """From a closed month to a file, a credit note and a tax invoice, as a clerk types it."""
    first = said("issue", "2026-01", "--by", "Anna")
    assert first.startswith("east: nothing") is False and first.startswith("ZD00000001 east 2026-01: ")
    assert said("issue", "2026-01", "--account", "east", "--by", "anna") == first, "again, the same"
    assert "not closed" in said("issue", "2026-05", "--by", "anna")
    for kind, begins in ((".pdf", b"%PDF-"), (".XLSX", b"PK"), (".csv", "\ufeff".encode())):
        file = tmp_path / f"bill{kind}"
        assert said("export", "ZD00000001", "--to", str(file)) == ""
        assert file.read_bytes().startswith(begins)
    assert "must end with .pdf" in said("export", "ZD00000001", "--to", str(tmp_path / "bill.doc"))
    assert "cannot write" in said("export", "ZD00000001", "--to", str(tmp_path / "none" / "bill.pdf"))
    assert said("export", "ZD00000002", "--to", str(tmp_path / "x.pdf")) == "no such bill: ZD00000002"
    assert said("invoice", "ZD00000001", "26312000000012345678", "--by", "anna").endswith("26312000000012345678")
    assert said("credit", "--by", "anna") == "nothing to be corrected"
    halve(box)
    rate_again(box, lambda: NOW, book=CLERK)
    assert said("credit", "--by", "anna").endswith("corrects ZD00000001")
    listed = said("list", "--account", "east").splitlines()
    assert [line[:10] for line in listed] == ["ZD00000001", "HZ00000001"]
    assert said("list", "--month", "2026-02") == ""
    assert said("check") == "bills: whole"


def test_the_list_with_margins(box: Store) -> None:
    """What the calls on each bill cost is taken from it, and nothing else is."""
    first = said("issue", "2026-01", "--by", "anna")
    with box.work() as session:
        on_it, not_on_it = (
            session.scalars(
                select(Charge.call_uuid).where(Charge.booked_month == month, Charge.account_id == "east").limit(2)
            ).all()
            for month in (JANUARY, JANUARY + 1)
        )
        costs = [(on_it[0], 250_000, "charged"), (on_it[1], 0, "no-cost"), (not_on_it[0], 7_000_000, "charged")]
        for name, (call, amount, reason) in enumerate(costs):
            leg = str(name)
            session.add(CallLeg(leg_uuid=leg, call_uuid=call, role="line", started_at=NOW, ended_at=NOW, facts={}))
            session.flush()
            session.add(LegCost(leg_uuid=leg, call_uuid=call, amount=amount, reason=reason))
        session.commit()
    owed_yuan = Decimal(first.removesuffix(" yuan").rpartition(" ")[2].replace(",", ""))
    left = written(parse(str(owed_yuan)) - 250_000)
    assert said("list", "--margin") == (
        f"{first}; cost {written(250_000)}, margin {left} yuan, less what 1 legs without a cost took"
    )
    halve(box)
    rate_again(box, lambda: NOW, book=CLERK)
    note = said("credit", "--by", "anna").partition(",")[0]
    assert note in said("list", "--margin").splitlines(), "a credit note has no calls of its own"


def test_who_may_not(box: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "nobody" in said("issue", "2026-01", "--by", "nobody")
    monkeypatch.setenv("APPLIANCE_BILL_ISSUER", "")
    assert "bill_issuer" in said("issue", "2026-01", "--by", "anna")


def test_months_are_billed_in_turn(billed: Store) -> None:
    """A bill's opening balance has all that the bills before it came to."""
    with pytest.raises(RatingError, match="2026-01 of east is to be billed before 2026-03"):
        issue(billed, JANUARY + 2)
    made = [bill for month in range(JANUARY, JANUARY + 4) if (bill := issue(billed, month)) is not None]
    assert len(made) == 4
    for earlier, later in pairwise(made):
        assert later.movements[0].amount == earlier.movements[-1].amount


def test_a_bill_that_only_a_correction_made_moves_no_balance_that_is_shown(billed: Store) -> None:
    """Nothing was to be billed for December when January was; then a call of it turned out to have a price."""
    january = issue(billed, JANUARY)
    assert january is not None and issue(billed, JANUARY - 1) is None
    with billed.work() as session:
        session.add(
            Correction(
                account_id="east",
                month=JANUARY - 1,
                booked_month=JANUARY + 4,
                amount=4_000,
                calls=1,
                reason="价格订正",
                by_login="clerk",
                at=NOW,
            )
        )
        session.commit()
    assert issue(billed, JANUARY - 1) is not None
    february = issue(billed, JANUARY + 1)
    assert february is not None and february.movements[0].amount == january.movements[-1].amount
