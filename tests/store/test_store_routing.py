"""The routing table out of the store, and the fallback's copy of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import update

from appliance.domain.called import Incoming, Invite, identify
from appliance.domain.flow import HangUp, Menu, Ring
from appliance.domain.numbers import NumberFormat
from appliance.domain.recording import OFF
from appliance.domain.routing import CalledFrom, CallerIdPolicy, RoutingTable
from appliance.errors import StoreError
from appliance.store.models import Account, Flow, FlowPublication, FlowVersion, Line, Number, SiteState, Trunk
from appliance.store.routing import load_table, revision
from appliance.store.snapshot import snapshot, write_snapshot
from appliance.store.unit import Store

MENU: dict[str, Any] = {
    "start": "menu",
    "nodes": {
        "menu": {
            "type": "menu",
            "prompt": "m",
            "keys": {"2": "late", "1": "soon"},
            "silence": "bye",
            "wrong": "bye",
        },
        "late": {"type": "menu", "prompt": "m", "keys": {"1": "service"}, "silence": "bye", "wrong": "bye"},
        "service": {"type": "ring", "lines": ["b"]},
        "soon": {"type": "ring", "lines": ["a", "b"], "failed": "bye"},
        "bye": {"type": "hangup", "prompt": "bye"},
    },
}


@pytest.fixture
def site(store: Store) -> Store:
    with store.work() as session:
        session.add(Account(id="demo", name="示范企业"))
        session.add(
            Trunk(
                id="t",
                name="中继",
                accept=["10.0.0.0/8", "127.0.0.1:5070"],
                proxy="127.0.0.1:5090",
                called_from=["to", "diversion"],
                landing={"02161234567": "4008001234"},
                number_format="plus86",
                caller_id="pass",
                codecs=["PCMA"],
            )
        )
        session.add(Trunk(id="in", name="", accept=["10.0.0.9"], called_from=["to"], landing={}, codecs=["PCMA"]))
        session.flush()
        for name, number in (("a", "02160000001"), ("b", "13800138000")):
            session.add(
                Line(id=name, account_id="demo", number=number, kind="landline", trunk_id="t", ring_seconds=20)
            )
        flow = Flow(account_id="demo", name="welcome")
        session.add(flow)
        session.flush()
        now = datetime.now(UTC)
        old = {"start": "x", "nodes": {"x": {"type": "hangup"}}}
        for version, graph in ((1, old), (2, MENU), (3, old)):
            session.add(FlowVersion(flow_id=flow.id, version=version, graph=graph, created_at=now))
        session.add(FlowPublication(flow_id=flow.id, version=2, at=now, made_at=now))
        session.add(Number(number="4008001234", account_id="demo", flow_id=flow.id))
        session.add(Number(number="4008005678", account_id="demo", line_ids=["b", "a"], record="off"))
        session.add(Number(number="4008009999", account_id="demo", line_ids=["a"], in_service=False))
        session.execute(update(SiteState).values(revision=7))
        session.commit()
    return store


def table(store: Store) -> RoutingTable:
    with store.reading() as session:
        return load_table(session, datetime.now(UTC))


def test_an_empty_store_gives_an_empty_table(store: Store) -> None:
    assert table(store) == RoutingTable(0, (), {}, {})


def test_the_table_holds_what_is_published(site: Store) -> None:
    found = table(site)
    with site.reading() as session:
        assert revision(session) == found.revision == 7
    trunk = found.trunk("t")
    assert trunk is not None
    assert trunk.called_from == (CalledFrom.TO, CalledFrom.DIVERSION)
    assert trunk.number_format is NumberFormat.PLUS_86
    assert trunk.caller_id is CallerIdPolicy.PASS
    assert found.lines["a"].ring_seconds == 20
    flow = found.numbers["4008001234"].flow
    assert flow is not None and flow.label == "welcome@2"
    assert isinstance(flow.nodes["menu"], Menu)
    assert isinstance(flow.nodes["soon"], Ring)
    assert isinstance(flow.nodes["bye"], HangUp)
    direct = found.numbers["4008005678"]
    assert (direct.flow, direct.hunt.lines, direct.record) == (None, ("b", "a"), OFF)
    assert not found.numbers["4008009999"].in_service


def test_the_rules_admit_a_call_by_it(site: Store) -> None:
    invite = Invite("127.0.0.1", 5070, "ignored", to_user="+862161234567", caller_number="013800138000")
    decision = identify(invite, table(site))
    assert isinstance(decision, Incoming)
    assert decision.route.number == "4008001234"


def test_one_unusable_flow_does_not_stop_the_other_numbers(site: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Mock()
    monkeypatch.setattr("appliance.store.routing._log", log)
    with site.work() as session:
        session.execute(update(FlowVersion).where(FlowVersion.version == 2).values(graph={"start": "gone"}))
        session.commit()
    found = table(site)
    assert not found.numbers["4008001234"].in_service
    assert found.numbers["4008005678"].in_service
    log.error.assert_called_once()


def test_a_flow_without_a_published_version_takes_its_number_out_of_service(site: Store) -> None:
    with site.work() as session:
        session.execute(update(FlowPublication).values(version=None))
        session.commit()
    assert not table(site).numbers["4008001234"].in_service


def test_the_snapshot_is_the_form_that_the_fallback_reads(site: Store, tmp_path: Path) -> None:
    file = tmp_path / "routing.json"
    write_snapshot(table(site), file)
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "version": 1,
        "revision": 7,
        "numbers": {
            "4008001234": {
                "account": "demo",
                "first_line": {
                    "id": "a",
                    "dial": "sofia/gateway400/+862160000001@127.0.0.1:5090",
                    "ring_seconds": 20,
                    "max_calls": 1,
                    "caller_id": "pass",
                    "caller_number": "",
                },
            },
            "4008005678": {
                "account": "demo",
                "first_line": {
                    "id": "b",
                    "dial": "sofia/gateway400/+8613800138000@127.0.0.1:5090",
                    "ring_seconds": 20,
                    "max_calls": 1,
                    "caller_id": "pass",
                    "caller_number": "",
                },
            },
        },
        "landing": {"02161234567": "4008001234"},
    }
    assert file.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.glob(".routing*")) == []


@pytest.mark.parametrize("policy", ["trunk", "display"])
def test_the_snapshot_says_by_what_number_a_line_is_rung(site: Store, policy: str) -> None:
    with site.work() as session:
        session.execute(update(Trunk).where(Trunk.id == "t").values(caller_id=policy, caller_number="02160000000"))
        session.commit()
    line = snapshot(table(site))["numbers"]["4008001234"]["first_line"]
    assert (line["caller_id"], line["caller_number"]) == ("trunk", "02160000000")


def test_a_number_that_leads_to_no_line_is_left_out(site: Store) -> None:
    with site.work() as session:
        session.execute(update(FlowPublication).values(version=1))
        session.execute(update(Line).where(Line.id == "b").values(trunk_id="in"))
        session.commit()
    made = snapshot(table(site))
    assert set(made["numbers"]) == {"4008005678"}
    # Line b's trunk only receives: the next line that can be dialled.
    assert made["numbers"]["4008005678"]["first_line"]["id"] == "a"
    assert made["landing"] == {}


def test_a_snapshot_that_cannot_be_written_leaves_the_old_one(site: Store, tmp_path: Path) -> None:
    file = tmp_path / "routing.json"
    file.write_text("old")
    (tmp_path / "taken").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        write_snapshot(table(site), tmp_path / "absent" / "routing.json")
    with pytest.raises(StoreError, match="cannot be written"):
        write_snapshot(table(site), tmp_path / "taken")
    assert file.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith("appliance.db")) == [
        "routing.json",
        "taken",
    ]
