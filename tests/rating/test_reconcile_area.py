"""Local numbers of a bill, completed by the area code of the house as our callers are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.rating import rating
from appliance.domain.reconcile import Status
from appliance.rating.carrier.reconcile import Asked, reconcile
from appliance.store.models import CallLeg, LegCost, Trunk
from appliance.store.unit import Store

AT = datetime(2026, 2, 1, 2, tzinfo=UTC)
BILL = "主叫号码,被叫号码,开始时间,时长\n60000000,6123-4567,2026-02-01 10:00:00,60\n"


def put(store: Store, dialled: str, shown: str) -> None:
    with store.work() as session:
        session.add(CallLeg(leg_uuid="a", call_uuid="x", role="line", started_at=AT, ended_at=AT, facts={}))
        session.flush()
        session.add(
            LegCost(
                leg_uuid="a",
                call_uuid="x",
                trunk_id="t",
                dialled=dialled,
                shown=shown,
                answered_at=AT,
                seconds=60,
                amount=0,
                reason="charged",
            )
        )
        session.commit()


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("dialled", ["02161234567", "61234567"])
def test_a_local_number_is_completed(store: Store, tmp_path: Path, dialled: str) -> None:
    """Ours as well: a line of the house may be kept without its area code."""
    put(store, dialled, "02160000000")
    bill = tmp_path / "bill.csv"
    bill.write_text(BILL)
    assert not reconcile(bill, store, Asked(home_area_code="021")).differs
    assert reconcile(bill, store, Asked(home_area_code="010")).billed[Status.ONLY_BILL].count == 1


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_local_landing_number_leads_to_its_400_number(store: Store, tmp_path: Path) -> None:
    put(store, "4001234567", "02160000000")
    with store.work() as session:
        session.add(
            Trunk(id="t", name="t", accept=[], called_from=[], codecs=[], landing={"61234567": "4001234567"})
        )
        session.commit()
    bill = tmp_path / "bill.csv"
    bill.write_text(BILL)
    assert not reconcile(bill, store, Asked(home_area_code="021")).differs


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_setting_is_used(
    store: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", database_url)
    monkeypatch.setenv("APPLIANCE_HOME_AREA_CODE", "021")
    put(store, "02161234567", "02160000000")
    bill = tmp_path / "bill.csv"
    bill.write_text(BILL)
    run = CliRunner().invoke(rating, ["reconcile", str(bill)])
    assert run.exit_code == 0, run.output
