"""``appliance ledger suspend``, ``resume`` and ``balance`` in reseller mode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from appliance import bootstrap, config
from appliance.calls.funds import Funds
from appliance.cli.ledger import ledger
from appliance.store.credit import Credit
from appliance.store.journal import Journal, Started
from appliance.store.models import Account, AccountSuspension, Operator, Role
from appliance.store.unit import Store
from tests.rating.booked import NUMBER, pack
from tests.rating.stored import NOW, put_book

WHO = ("--by", "anna", "--reason", "unpaid since May")


@pytest.fixture
def box(on_sqlite: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Store]:
    """A postpaid account with a daily cap, one without terms, and a person of finance."""
    put_book(on_sqlite, pack(included=0))
    with on_sqlite.work() as session:
        roles = {role.name: role for role in session.scalars(select(Role))}
        session.add(Operator(login="anna", session_key="anna", roles=[roles["finance"]]))
        session.add(Account(id="west", name="West"))
        east = session.get(Account, "east")
        assert east is not None
        east.credit = {"mode": "postpaid", "credit_limit": 100_000_000, "daily_cap": 60_000_000}
        session.commit()
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", on_sqlite.url.render_as_string(hide_password=False))
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("APPLIANCE_RESELLER_MODE", "true")
    monkeypatch.setattr(bootstrap, "utc_now", lambda: NOW)
    yield on_sqlite


def run(*words: str) -> Result:
    return CliRunner().invoke(ledger, list(words))


def test_balance_says_what_calls_have_of_it(box: Store) -> None:
    assert run("balance").output.splitlines()[1:] == [
        "east                  postpaid  no balance has come to the calls yet"
    ]
    settings = config.load()
    journal = Journal(settings.journal_file)
    standings = bootstrap.standings(settings, box, journal)
    assert standings is not None
    run("topup", "east", "10", "--by", "anna")
    standings.look()
    funds = Funds(box, Credit(journal.file), lambda: NOW, 20)
    funds.refresh()
    funds.hold(Started("a", NOW, NUMBER, "east", "t", "", False), "mobile")
    journal.close()
    assert run("balance").output.splitlines()[-1] == (
        "east                  postpaid   balance 10.00  credit 100.00  held 20.00 for 1 calls"
        "  today 0.00 of 60.00  available 40.00"
    )


def test_suspended_and_taken_again_is_kept_for_good(box: Store) -> None:
    assert run("suspend", "east", *WHO).output == "east is suspended\n"
    assert run("suspend", "east", *WHO).output == "east is suspended already\n"
    assert run("suspend", "west", *WHO).exit_code == 0
    assert run("balance").output.splitlines()[-1] == "west                  suspended"
    assert run("resume", "east", "--by", "anna", "--reason", "paid").output == "east is not suspended\n"
    with box.reading() as session:
        rows = session.scalars(select(AccountSuspension).order_by(AccountSuspension.id)).all()
    assert [(row.account_id, row.suspended, row.reason, row.by_login) for row in rows] == [
        ("east", True, "unpaid since May", "anna"),
        ("west", True, "unpaid since May", "anna"),
        ("east", False, "paid", "anna"),
    ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("east", "--by", "nobody", "--reason", "x"), "nobody"),
        (("none", *WHO), "no such account: none"),
        (("east", "--by", "anna", "--reason", " "), "a reason is needed"),
    ],
)
def test_what_suspends_nobody(box: Store, words: tuple[str, ...], why: str) -> None:
    assert why in str(run("suspend", *words).exception)


def test_without_the_mode_it_is_said_that_it_means_nothing(box: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_RESELLER_MODE", "false")
    assert "reseller_mode is off" in run("suspend", "east", *WHO).output
    assert len(run("balance").output.splitlines()) == 1
