"""Legs that went out have their cost beside the charge, and both make the margin."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, select, update

from appliance.cli.rating import rating
from appliance.domain.grants import month_of
from appliance.rating.cost import cost_all, cost_calls
from appliance.rating.explain import explain
from appliance.rating.run import rate_all
from appliance.store.models import Call, CallLeg, LegCost, Line, Trunk, TrunkCost
from appliance.store.queries import Scope, reading
from appliance.store.unit import Store
from tests.rating.stored import clock, put_book, put_calls
from tests.rating.test_explain import NUMBER, call, prices

AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def box(store: Store) -> Store:
    """One call whose first line did not answer and whose second, a mobile by another trunk, did."""
    put_book(store, prices())
    put_calls(store, [call()])
    with store.work() as session:
        for id_ in ("telecom", "unicom"):
            session.add(
                Trunk(
                    id=id_,
                    name=f"{id_}中继",
                    accept=[],
                    proxy="h:1",
                    called_from=["to"],
                    landing={},
                    codecs=["PCMA"],
                )
            )
        session.flush()
        session.add_all(
            [
                Line(
                    id="desk",
                    account_id="east",
                    name="前台",
                    number="02161234567",
                    kind="landline",
                    trunk_id="telecom",
                ),
                Line(
                    id="mobile", account_id="east", name="", number="13800138000", kind="mobile", trunk_id="telecom"
                ),
                Line(id="sip", account_id="east", name="", number="", kind="phone", trunk_id=None),
                TrunkCost(
                    trunk_id="telecom", effective_from=AT, effective_text="t", per_minute=30_000, connect_fee=1
                ),
                TrunkCost(
                    trunk_id="unicom",
                    line="mobile",
                    effective_from=AT,
                    effective_text="u",
                    per_minute=60_000,
                    initial_seconds=6,
                    step_seconds=6,
                ),
                leg("caller", "caller", 0, 61),
                leg("a", "line", None, 20, gw_line="desk", sip_to_user="02161234567"),
                leg(
                    "b",
                    "line",
                    21,
                    60.5,
                    gw_line="mobile",
                    gw_outward="unicom",
                    sip_to_user="013800138000",
                    sip_from_user="13912345678",
                ),
            ]
        )
        session.commit()
    return store


def leg(name: str, role: str, answered: float | None, ended: float, **facts: str) -> CallLeg:
    return CallLeg(
        leg_uuid=f"c1-{name}",
        call_uuid="c1",
        role=role,
        started_at=AT,
        answered_at=None if answered is None else AT + timedelta(seconds=answered),
        ended_at=AT + timedelta(seconds=ended),
        facts=facts,
    )


def costs(store: Store) -> dict[str, LegCost]:
    with store.reading() as session:
        return {row.leg_uuid.removeprefix("c1-"): row for row in session.scalars(select(LegCost))}


def told(row: LegCost) -> tuple[str, str, int, int, int, str]:
    return row.trunk_id, row.line, row.seconds, row.units, row.amount, row.reason


def test_each_leg_by_its_trunk_and_what_was_dialled(box: Store) -> None:
    assert cost_all(box) == 2
    found = costs(box)
    assert found.keys() == {"a", "b"}, "the caller's own leg came in"
    assert told(found["a"]) == ("telecom", "landline", 0, 0, 0, "unanswered")
    assert told(found["b"]) == ("unicom", "mobile", 40, 42, 42_000, "charged")
    assert (found["b"].dialled, found["b"].shown, found["b"].cost_from) == ("13800138000", "13912345678", "u")
    assert cost_all(box) == cost_all(box, again=True) == 0


def test_a_cost_that_is_published_later_for_then(box: Store) -> None:
    with box.work() as session:
        session.execute(delete(TrunkCost))
        session.commit()
    assert cost_all(box, month=month_of(AT) + 1) == 0
    assert cost_all(box, month=month_of(AT)) == 2
    assert costs(box)["b"].reason == "no-cost"
    with box.work() as session:
        session.add(TrunkCost(trunk_id="unicom", effective_from=AT, effective_text="v", per_minute=600_000))
        session.commit()
    assert (cost_all(box), cost_all(box, again=True)) == (0, 1)
    assert costs(box)["b"].amount == 600_000


def test_legs_whose_line_or_trunk_nobody_knows(box: Store) -> None:
    """A leg without a note of its trunk went by its line's; a phone costs nothing; a line may be gone."""
    with box.work() as session:
        session.add_all(
            [
                leg("old", "line", 0, 10, gw_line="mobile"),
                leg("gone", "line", 0, 10, gw_line="nobody"),
                leg("sip", "line", 0, 10, gw_line="sip", sip_to_user="sip"),
            ]
        )
        cost_calls(session, ["c1"])
        session.commit()
    found = costs(box)
    assert told(found["old"]) == ("telecom", "mobile", 10, 60, 30_001, "charged")
    assert told(found["gone"]) == ("", "unknown", 10, 0, 0, "no-cost")
    assert told(found["sip"]) == ("", "phone", 0, 0, 0, "in-house")


def test_of_a_call_back_both_legs_went_out(box: Store) -> None:
    with box.work() as session:
        session.execute(update(Call).values(callback_id="asked"))
        session.execute(
            update(CallLeg)
            .where(CallLeg.role == "caller")
            .values(facts={"gw_line": "desk", "gw_outward": "telecom", "sip_to_user": "61234567"})
        )
        session.commit()
    cost_all(box)
    found = costs(box)
    assert told(found["caller"]) == ("telecom", "landline", 61, 120, 60_001, "charged")
    # The leg to who is called back has the facts of its line as well, and is no leg to it.
    assert told(found["b"])[:2] == ("unicom", "mobile")


def test_what_is_left_is_said_to_the_box_alone(box: Store) -> None:
    rate_all(box, clock)
    cost_all(box)
    with reading(box, Scope(None)) as reader:
        words = explain(reader, "c1", costs=True)
        assert not [word for word in explain(reader, "c1") if "毛利" in word.zh]
    zh, en = "\n".join(word.zh for word in words), "\n".join(word.en for word in words)
    assert "外呼（前台，固话，中继 telecom中继）：未应答，无成本" in zh
    assert "外呼（mobile，手机，中继 unicom中继）：40 秒，计 42 秒，成本 0.042 元（成本价自 u）" in zh
    assert "毛利：0.086667 − 0.042 = 0.044667 元" in zh and "margin: 0.086667 - 0.042 = 0.044667 yuan" in en
    with reading(box, Scope("east")) as reader:
        assert not [word for word in explain(reader, "c1", costs=True) if "成本" in word.zh]
        assert list(reader.scalars(select(LegCost))) == list(reader.scalars(select(TrunkCost))) == []


def test_margins_by_month(box: Store, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", database_url)
    put_calls(box, [call(call_id="c2", number="4009999999")])
    with box.work() as session:
        session.add(leg("lost", "line", 0, 10, gw_line="nobody"))
        session.commit()
    run = CliRunner().invoke
    assert "costs of legs written: 3" in run(rating, ["run"]).output
    data = json.loads(run(rating, ["margin", "--month", "2026-01", "--json"]).output)
    assert data[0] == {
        "account_id": "east",
        "number": NUMBER,
        "calls": 1,
        "charged": 86_667,
        "unrated": 0,
        "legs": 2,
        "cost": 42_000,
        "uncosted": 1,
        "margin": 44_667,
    }
    assert (data[1]["number"], data[1]["unrated"], data[1]["cost"]) == ("4009999999", 1, 0)
    shown = run(rating, ["margin", "--month", "2026-01", "--account", "east"]).output
    assert "0.086667      0.042000      0.044667    51.5" in shown
    assert "legs without a cost, the margin is less: 1" in shown and "calls without a charge: 1" in shown
    assert (
        run(rating, ["margin", "--month", "2026-02", "--account", "east"]).output.splitlines()[1].split()[2] == "0"
    )
