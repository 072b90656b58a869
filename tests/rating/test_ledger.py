"""Bookings by hand, statements and the check, by the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from appliance import bootstrap
from appliance.cli.cdr import cdr
from appliance.cli.ledger import ledger
from appliance.cli.rating import rating
from appliance.store.models import (
    Call,
    Charge,
    CorrectionItem,
    LedgerBalance,
    LedgerPosting,
    Operator,
    Role,
)
from appliance.store.unit import Store
from tests.rating.booked import JANUARY, MONTH, call, close, faults, pack, take, yuan
from tests.rating.stored import NOW, put_book, put_calls


@pytest.fixture
def box(on_sqlite: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A box with people: two of finance, one who may not, one of the account alone, one who left."""
    put_book(on_sqlite, pack(included=0))
    with on_sqlite.work() as session:
        roles = {role.name: role for role in session.scalars(select(Role))}
        for login, role, account, active in (
            ("anna", "finance", None, True),
            ("boss", "administrator", None, True),
            ("desk", "agent", None, True),
            ("east", "finance", "east", True),
            ("gone", "finance", None, False),
        ):
            session.add(
                Operator(login=login, account_id=account, active=active, session_key=login, roles=[roles[role]])
            )
        session.commit()
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", on_sqlite.url.render_as_string(hide_password=False))
    monkeypatch.setattr(bootstrap, "utc_now", lambda: NOW)
    yield on_sqlite


def run(*words: str) -> Result:
    return CliRunner().invoke(ledger, list(words))


def said(*words: str) -> str:
    result = run(*words)
    return str(result.exception or result.output).strip()


TWO = ("--reason", "by hand", "--by", "anna", "--approved-by", "boss")


def test_top_ups_refunds_and_adjustments(box: Store) -> None:
    assert said("balance") == "nothing is booked yet"
    assert said("topup", "east", "500", "--by", "Anna") == "balance of east: 500.00 yuan"
    assert said("refund", "east", "120.5", *TWO) == "balance of east: 379.50 yuan"
    assert said("adjust", "east", "0.000001", *TWO) == "balance of east: 379.500001 yuan"
    assert said("adjust", "east", "-379.500001", *TWO) == "balance of east: 0.00 yuan"
    assert said("check") == "the ledger is in order: 4 postings"
    assert [line.split() for line in said("balance").splitlines()] == [
        ["east", "adjustments", "379.50"],
        ["east", "balance", "0.00"],
        ["east", "cash", "-379.50"],
    ]


def test_a_reference_is_booked_once(box: Store) -> None:
    for _ in range(2):
        assert said("topup", "east", "5", "--reference", "P1", "--by", "anna") == "balance of east: 5.00 yuan"
    assert "stands for another topup" in said("topup", "east", "6", "--reference", "P1", "--by", "anna")
    assert said("refund", "east", "1", "--reference", "P1", *TWO) == "balance of east: 4.00 yuan"
    assert said("refund", "east", "1", "--reference", "P1", *TWO) == "balance of east: 4.00 yuan"
    assert said("check") == "the ledger is in order: 2 postings"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("topup", "none", "1", "--by", "anna"), "no such account"),
        (("topup", "east", "-1", "--by", "anna"), "Invalid|No such option|above 0|2"),
        (("topup", "east", "1", "--by", "desk"), "desk is no active administrator or finance operator"),
        (("topup", "east", "1", "--by", "east"), "east is no active"),
        (("topup", "east", "1", "--by", "gone"), "gone is no active"),
        (("topup", "east", "1", "--by", "nobody"), "no operator nobody"),
        (("refund", "east", "1", *TWO), "cannot be paid back"),
        (("adjust", "east", "1", "--reason", "x", "--by", "anna", "--approved-by", "ANNA"), "another person"),
        (("adjust", "east", "1", "--reason", " ", "--by", "anna", "--approved-by", "boss"), "a reason"),
        (("adjust", "east", "0", *TWO), "above 0"),
        (("adjust", "east", "0.0000001", *TWO), "2"),
    ],
)
def test_what_is_refused_books_nothing(box: Store, words: tuple[str, ...], why: str) -> None:
    result = run(*words)
    assert result.exit_code != 0
    assert any(part in str(result.exception) for part in why.split("|"))
    assert said("check") == "the ledger is in order: 0 postings"


def test_a_statement_begins_with_what_was_before_and_is_safe_in_a_spreadsheet(
    box: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "utc_now", lambda: datetime(2026, 1, 5, 4, tzinfo=UTC))
    run("topup", "east", "100", "--by", "anna", "--reference", "P1")
    take(box, call("c1", JANUARY, 30))
    monkeypatch.setattr(bootstrap, "utc_now", lambda: NOW)
    run("adjust", "east", "-1", "--reason", "=HYPERLINK(1)", "--by", "anna", "--approved-by", "boss")
    lines = said("show", "east", "--from", "2026-02-01").splitlines()
    assert lines[0].split() == ["balance", "before", "100.00"]
    assert lines[1].split()[2:6] == ["charge", "2026-01", "-30.00", "70.00"]
    assert lines[2].split()[2:6] == ["adjustment", "2026-06", "-1.00", "69.00"]
    assert len(lines) == 3 and len(said("show", "east", "--to", "2026-02-01").splitlines()) == 2
    sheet = run("show", "east", "--csv").stdout_bytes.decode("utf-8-sig").splitlines()
    assert sheet[1].startswith("1,2026-01-05 12:00:00,topup,topup:P1,2026-01,100.000000,100.000000,,anna,")
    assert sheet[3].endswith(",-1.000000,69.000000,'=HYPERLINK(1),anna,boss")


def test_settling_closing_and_rating_again_by_their_commands(box: Store) -> None:
    put_calls(box, [call("dead", JANUARY, 5)], outcome="abnormal")
    invoke: Callable[..., Result] = CliRunner().invoke
    month = invoke(rating, ["close", "2026-01"])
    assert (month.exit_code, "2026-01 is not closed for 1 of 1" in str(month.exception)) == (1, True)
    assert "abnormal, waits for a person (appliance cdr settle): dead" in month.output
    assert invoke(cdr, ["settle", "dead", "--reason", "r", "--by", "boss"]).exit_code == 2
    told = invoke(cdr, ["settle", "dead", "--charge", "--talked", "70", "--reason", "heard it", "--by", "boss"])
    assert told.output == "dead: 70.00 yuan (charged)\n"
    shown = invoke(cdr, ["show", "dead"]).output
    assert "settled    charge by boss" in shown and "heard it" in shown
    assert invoke(rating, ["close", "2026-01", "--by", "boss"]).output == "east: closed, 1 charges, 70.00 yuan\n"
    assert invoke(rating, ["close", "2026-01"]).output == "east: was closed, 1 charges, 70.00 yuan\n"
    assert invoke(rating, ["run", "--book"]).exit_code == 2
    with box.work() as session:
        session.execute(update(Call).values(bill_ms=10_000))
        session.commit()
    line = "east 2026-01 (closed: a correction): 1 calls differ (duration 1), 70.00 → 10.00 yuan, -60.00"
    assert invoke(rating, ["run", "--again"]).output == f"{line}\nnothing was booked; --book books it\n"
    booked = invoke(rating, ["run", "--again", "--book", "--by", "boss", "--reason", "clock"])
    assert booked.output == f"{line}\nbooked\n"
    assert yuan(box) == -10 and said("check") == "the ledger is in order: 2 postings"


def unguarded(session: Session) -> None:
    """As somebody who may do anything to the database."""
    for name in ("ledger_postings", "charges", "correction_items"):
        for action in ("update", "delete"):
            session.execute(text(f"DROP TRIGGER {name}_no_{action}"))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (update(LedgerPosting).where(LedgerPosting.id == 2).values(amount=1), "of its charge is not posted"),
        (update(LedgerPosting).where(LedgerPosting.id == 1).values(reason="other"), "not those that were sealed"),
        (delete(LedgerPosting).where(LedgerPosting.id == 2), "some are missing"),
        (update(LedgerPosting).where(LedgerPosting.id == 2).values(revision=7), "a posting 7 and none before"),
        (
            update(LedgerBalance).where(LedgerBalance.ledger == "cash").values(amount=5),
            "cash of east: kept as 0.00",
        ),
        (update(Charge).values(amount=1), "was closed with 1 charges"),
        (update(Charge).values(final=False), "its charge is not final"),
        (delete(Charge), "it has no charge and is to be rated"),
        (update(CorrectionItem).values(amount=1), "its calls come to"),
        (
            update(LedgerPosting).where(LedgerPosting.kind == "correction").values(subject="correction:9"),
            "is no correction",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_check_finds_what_somebody_did_behind_its_back(box: Store, change: object, fault: str) -> None:
    run("topup", "east", "100", "--by", "anna")
    take(box, call("c1", JANUARY, 30))
    close(box, MONTH)
    with box.work() as session:
        session.execute(update(Call).values(bill_ms=20_000))
        session.commit()
    CliRunner().invoke(rating, ["run", "--again", "--book", "--by", "boss", "--reason", "r"])
    assert faults(box) == []
    with box.work() as session:
        unguarded(session)
        session.execute(change)  # type: ignore[call-overload]
        session.commit()
    assert fault in said("check") or any(fault in line for line in faults(box))
    result = run("check")
    assert (getattr(result.exception, "exit_code", 0), "not in order" in str(result.exception)) == (9, True)


def test_what_is_too_long_to_be_kept_is_refused(box: Store) -> None:
    """By the ledger's rule and not by a database, some of which would take it."""
    topup = ("topup", "east", "5", "--by", "anna")
    assert said(*topup, "--reason", "x" * 501) == "a reason has at most 500 characters"
    assert said(*topup, "--reference", "R" * 300) == "a reference of a topup has at most 114 characters"
    with box.reading() as session:
        assert session.scalars(select(LedgerPosting)).all() == []
