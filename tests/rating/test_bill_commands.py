"""``appliance bill``, as a clerk types it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from appliance import bootstrap
from appliance.cli.bill import bill as bill_command
from appliance.domain.money import format as written
from appliance.domain.money import parse
from appliance.rating.again import rate_again
from appliance.store.models import CallLeg, Charge, LegCost
from appliance.store.unit import Store
from tests.rating.billed import CLERK, JANUARY, NOW, halve


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
