"""Nothing is paid back of what calls under way may still come to (``rating.booking``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from appliance import bootstrap, config
from appliance.calls.funds import Funds
from appliance.cli.ledger import ledger
from appliance.store.credit import Credit
from appliance.store.journal import Journal, Started
from appliance.store.models import Account, Operator, Role
from appliance.store.unit import Store
from tests.rating.booked import NUMBER, pack, yuan
from tests.rating.stored import NOW, put_book


@pytest.fixture
def box(on_sqlite: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Store]:
    """A prepaid account with 100 yuan, of which a call under way holds 30, another one, and two of finance."""
    put_book(on_sqlite, pack(included=0))
    with on_sqlite.work() as session:
        roles = {role.name: role for role in session.scalars(select(Role))}
        for login in ("anna", "boss"):
            session.add(Operator(login=login, session_key=login, roles=[roles["finance"]]))
        session.add(Account(id="west", name="West"))
        east = session.get(Account, "east")
        assert east is not None
        east.credit = {"mode": "prepaid"}
        session.commit()
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", on_sqlite.url.render_as_string(hide_password=False))
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("APPLIANCE_RESELLER_MODE", "true")
    monkeypatch.setattr(bootstrap, "utc_now", lambda: NOW)
    for account in ("east", "west"):
        said("topup", account, "100", "--by", "anna")
    settings = config.load()
    journal = Journal(settings.journal_file)
    standings = bootstrap.standings(settings, on_sqlite, journal)
    assert standings is not None
    standings.look()
    funds = Funds(on_sqlite, Credit(journal.file), lambda: NOW, 30)
    funds.refresh()
    funds.hold(Started("a", NOW, NUMBER, "east", "t", "", False), "mobile")
    yield on_sqlite
    journal.close()


def said(*words: str) -> str:
    result = CliRunner().invoke(ledger, list(words))
    return str(result.exception or result.output).strip()


def refund(account: str, amount: str, *words: str) -> str:
    return said("refund", account, amount, "--reason", "ends", "--by", "anna", "--approved-by", "boss", *words)


def test_what_is_held_stays(box: Store) -> None:
    assert refund("east", "70.01") == "30.00 yuan are held for calls under way: at most 70.00 can be paid back"
    assert yuan(box) == 100
    assert refund("east", "70", "--reference", "R1") == "balance of east: 30.00 yuan"
    assert refund("east", "70", "--reference", "R1") == "balance of east: 30.00 yuan", "the same again"
    assert refund("east", "1") == "30.00 yuan are held for calls under way: at most 0.00 can be paid back"


def test_a_journal_that_cannot_be_read_pays_nothing_out(box: Store) -> None:
    file = config.load().journal_file
    for beside in file.parent.glob(f"{file.name}-*"):
        beside.unlink()
    file.write_bytes(b"no database at all" * 1000)
    assert refund("east", "1") == f"nobody knows what calls under way hold: {file} cannot be read"
    assert yuan(box) == 100
    assert said("topup", "east", "1", "--by", "anna") == "balance of east: 101.00 yuan", "for that nobody asks it"


def test_others_hold_nothing_of_it(box: Store) -> None:
    assert refund("west", "100") == "balance of west: 0.00 yuan"


def test_without_reseller_mode_nothing_is_held(box: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_RESELLER_MODE", "false")
    assert refund("east", "100") == "balance of east: 0.00 yuan"
