"""A queue's key for a callback and the keys of nodes that lead into it: neither may be published over the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from appliance.errors import FlowError
from appliance.flows.publish import FlowFaults
from appliance.site.findings import SiteFaults
from appliance.store.unit import Store
from tests.flows.publishing import MINUTE, NOW, SITE, apply_site, publish, publisher, taken

#: The site with a queue that calls back, and the same with another key.
BACK = SITE.replace(
    "queues:\n", 'queues:\n  - {id: back, account: demo, lines: [a], announce_seconds: 0, callback: {key: "9"}}\n'
).replace("caller_id: pass", 'caller_id: pass, caller_number: "02180000000"')
BY_ONE = BACK.replace('key: "9"', 'key: "1"')
#: And without the flow ``welcome``, which stays as it was published by hand.
WITHOUT = BY_ONE.replace("{name: welcome,", "{name: elsewhere,").replace("flow: welcome", "flow: elsewhere")


@pytest.fixture
def kind() -> str:
    """No database does it in its own way."""
    return "sqlite"


@pytest.fixture
def box(store: Store) -> Iterator[Store]:
    apply_site(store, BACK)
    yield store


def waits(queue: str = "back", **keys: str) -> dict[str, Any]:
    """A graph with a queue's node, whose keys (``key_9``) lead on."""
    led = {name.removeprefix("key_"): target for name, target in keys.items()}
    node = {"type": "queue", "queue": queue, "keys": led, "nobody": "bye"}
    return {"start": "wait", "nodes": {"wait": node, "bye": {"type": "hangup"}}}


def test_a_node_may_not_take_the_queues_key(box: Store) -> None:
    (fault,) = publisher(box).check("welcome", waits(key_1="bye", key_9="bye"))
    assert fault.text() == "wait.keys.9: the queue back calls back by the key 9, which this node leads elsewhere"
    assert fault.text("zh") == "wait.keys.9: 队列 back 以按键 9 登记回拨，而此节点的该按键另有去向"
    with pytest.raises(FlowFaults):
        publish(box, waits(key_9="bye"))
    assert taken(box) == 1
    assert publisher(box).check("welcome", waits(key_1="bye")) == []
    assert publisher(box).check("welcome", waits("support", key_9="bye")) == [], "it calls nobody back"


def test_nor_by_going_back_to_an_older_version(box: Store) -> None:
    publish(box, waits(key_1="bye"))
    publish(box, waits(key_2="bye"), NOW + MINUTE)
    apply_site(box, BY_ONE, NOW + 2 * MINUTE)
    with pytest.raises(FlowError, match=r"wait\.keys\.1"):
        publisher(box, NOW + 3 * MINUTE).roll_back("welcome", 2)


def test_a_queue_may_not_take_a_key_of_a_stored_flow(box: Store) -> None:
    """A flow that is published by hand is not in the file."""
    publish(box, waits(key_1="bye"))
    with pytest.raises(SiteFaults) as refused:
        apply_site(box, WITHOUT, NOW + MINUTE)
    (finding,) = refused.value.findings
    assert "queues[0].callback.key" in finding
    assert (
        "the stored flow demo/welcome leads callers of the queue back elsewhere by the key 1 (node wait)" in finding
    )
    apply_site(box, WITHOUT.replace('key: "1"', 'key: "2"'), NOW + MINUTE)


def test_nor_of_one_that_is_to_come(box: Store) -> None:
    publish(box, waits(key_1="bye"), at=NOW + timedelta(days=1))
    with pytest.raises(SiteFaults, match=r"demo/welcome"):
        apply_site(box, WITHOUT, NOW + MINUTE)
    assert publisher(box, NOW + MINUTE).cancel("welcome") == 1
    apply_site(box, WITHOUT, NOW + MINUTE)
