"""Secret variables: what is known, what may be written down, what has to be asked for again."""

from __future__ import annotations

from appliance.domain.flow import parse
from appliance.domain.flow.secret import Secrets, uses_of


def test_what_is_written_down_has_no_value() -> None:
    secrets = Secrets()
    secrets.keep("pin", "4711", "ask")
    secrets.keep("twice", "4711-4711", "ask")
    assert "4711" not in secrets.noted() and "pin" in secrets and "name" not in secrets
    assert secrets.values() == {"pin": "4711", "twice": "4711-4711"}
    assert secrets.asked_at({"name", "twice"}) == "ask"
    assert secrets.asked_at({"name"}) == ""


def test_after_a_loss_it_is_asked_for_again_once() -> None:
    secrets = Secrets()
    secrets.keep("pin", "4711", "ask")
    secrets.keep("twice", "4711-4711", "ask")
    secrets.keep("code", "12", "other")
    lost = Secrets.lost(secrets.noted())
    assert lost.values() == {} and "pin" in lost and "code" in lost
    assert lost.take_lost("pin") == "ask"
    assert lost.take_lost("twice") == lost.take_lost("pin") == lost.take_lost("never") == ""
    lost.keep("code", "34", "other")
    assert lost.take_lost("code") == "", "it is known again"
    assert lost.drop("code") and not lost.drop("code")
    assert Secrets.lost("").noted() == ""


def test_the_variables_that_a_node_looks_at() -> None:
    graph = {
        "start": "tell",
        "variables": {"pin": "", "name": "", "twice": ""},
        "nodes": {
            "tell": {"type": "set", "variable": "twice", "value": "{pin}-{name}", "next": "bye"},
            "bye": {"type": "hangup"},
        },
    }
    flow, faults = parse("asks", 1, graph)
    assert flow is not None and faults == []
    assert {"pin", "name"} <= uses_of(flow.nodes["tell"])
    assert uses_of(flow.nodes["bye"]) == frozenset()
