"""Stored calls that waited in a queue, through a draft: its lines are busy again, and keys lead where they led."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from appliance.store.models import Callback, QueueStay
from appliance.store.unit import Store
from tests.simulate.asked import NOW, put
from tests.simulate.test_replay import BYE, SITE, call, counted, draft, ends, replayed, version

QUEUES = """
queues:
  - {id: back, account: demo, lines: [a, b], announce_seconds: 0, callback: {key: "9", other_number: true}}
  - {id: plain, account: demo, lines: [a, b], announce_seconds: 0}
"""
WAIT: dict[str, Any] = {"type": "queue", "queue": "back", "keys": {"1": "bye"}, "nobody": "bye"}
NODES: dict[str, Any] = {"wait": WAIT, "bye": BYE}
MENU: dict[str, Any] = {
    "menu": {"type": "menu", "prompt": "m", "keys": {"1": "wait"}, "silence": "bye", "wrong": "bye"},
    **NODES,
}


@pytest.fixture
def kind() -> str:
    """No database does it in its own way."""
    return "sqlite"


@pytest.fixture
def box(store: Store) -> Iterator[Store]:
    put(store, SITE.replace("caller_id: pass", 'caller_id: pass, caller_number: "02180000000"') + QUEUES)
    version(store, "main", NODES)
    yield store


def waited(store: Store, serial: int, left: str, queue: str = "back", callee: str = "", **facts: Any) -> None:
    """A stored call that left the queue so; ``callee``: the number that he asked to be called back at."""
    call(store, serial, **facts)
    at = NOW + timedelta(minutes=serial)
    with store.work() as session:
        session.add(
            QueueStay(
                call_uuid=f"call-{serial}",
                ordinal=1,
                queue_id=queue,
                account_id="demo",
                number="4008001234",
                entered_at=at,
                wait_ms=20_000,
                left=left,
            )
        )
        if callee:
            asked = {"entered_at": at, "asked_at": at, "expires_at": at, "attempts": 0, "said": "", "ending": ""}
            who = {"queue_id": queue, "account_id": "demo", "number": "4008001234", "callee": callee}
            caller = facts.get("caller", "13800138000")
            session.add(Callback(id=f"call-{serial}", caller=caller, reason="", closed_by="", **who, **asked))
        session.commit()


def test_who_asked_to_be_called_back_asks_again(box: Store) -> None:
    waited(box, 0, "callback", callee="13800138000")
    waited(box, 1, "callback", callee="02160000009")
    waited(box, 2, "callback", callee="02160000009", caller="")
    waited(box, 3, "callback", callee="02160000009", caller="+14155550100")
    assert counted(replayed(box, draft(NODES))) == (4, 4, 0, 0, 0)
    plain = {"type": "queue", "queue": "plain", "nobody": "bye"}
    assert ends(box, draft(NODES | {"wait": plain})) == [("callback wait", "queued wait")] * 4
    # Behind a menu the keys come in their order.
    version(box, "main", MENU)
    waited(box, 4, "callback", callee="13800138000", flow="main@2", keys="menu=1", way="menu=keys.1")
    assert counted(replayed(box, draft(MENU)))[:3] == (5, 1, 0)


def test_lines_of_a_queue_in_which_he_waited_in_vain_are_busy(box: Store) -> None:
    rung = draft({"ring": {"type": "ring", "lines": ["a", "b"], "failed": "bye"}, "bye": BYE})
    for serial, left in enumerate(("abandoned", "timeout", "full", "lost", "answered", "nobody")):
        waited(box, serial, left)
    waited(box, 6, "key", keys="wait=1", way="wait=keys.1")
    # The one that left by a key ends alike: it was sent where the lines' failing leads now.
    assert ends(box, rung) == [("queued wait", "hung-up bye")] * 4
    assert counted(replayed(box, rung)) == (7, 3, 0, 0, 4)


def test_a_queue_that_is_gone_or_calls_nobody_back_any_more(box: Store) -> None:
    waited(box, 0, "callback", queue="gone", callee="13800138000")
    waited(box, 1, "callback", queue="plain", callee="13800138000")
    assert counted(replayed(box, draft(NODES))) == (2, 2, 0, 0, 0)
