"""Flows on real calls: nodes of many kinds on the way to a line, a mark after the talk, versions during calls."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import select

from appliance import bootstrap
from appliance.flows.publish import Publisher
from appliance.store.models import Call
from appliance.store.unit import Store
from appliance.testphone import LineScript, OutgoingCall, Phone
from tests.e2e.live import NUMBER, LiveBox, live_box, site_text

FRONT: dict[str, Any] = {
    "start": "id",
    "nodes": {
        "id": {
            "type": "collect",
            "prompt": "tone-1750",
            "variable": "customer",
            "least": 4,
            "most": 6,
            "next": "told",
            "silence": "bye",
            "wrong": "bye",
        },
        "told": {"type": "say", "what": "digits", "value": "{customer}", "next": "which"},
        "which": {"type": "switch", "variable": "customer", "cases": {"47*": "where"}, "other": "bye"},
        "where": {"type": "region", "cases": {"北京": "help"}, "other": "bye"},
        "help": {"type": "flow", "flow": "helping", "next": "bye"},
        "bye": {"type": "hangup", "prompt": "tone-1000"},
    },
}
HELPING: dict[str, Any] = {
    "start": "ring",
    "nodes": {
        "ring": {"type": "ring", "lines": ["first"], "failed": "back", "after": "rate"},
        "rate": {"type": "survey", "prompt": "tone-800", "next": "back"},
        "back": {"type": "return"},
    },
}


def publisher(box: LiveBox, store: Store) -> Publisher:
    find_prompt = bootstrap.prompt_library(box.settings).find_playable
    return Publisher(store, "acme", find_prompt, "test", bootstrap.utc_now())


class Crm(BaseHTTPRequestHandler):
    """Another system: who calls is a gold customer."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"customer": {"level": "gold"}}')

    def do_POST(self) -> None:
        self.asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def crm() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Crm) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def box(switch: str, crm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    folder: Path = tmp_path_factory.mktemp(f"flows-{switch}")
    site = site_text(1, 2).replace(':1"', ':@A@"').replace(':2"', ':@B@"')
    hook = f"id: crm, account: acme, kind: webhook, url: 'http://{crm}/told', secret: not-told-to-anybody"
    site += f"hooks:\n  - {{{hook}}}\n"
    with live_box(folder, switch, site=site, http_allow=crm) as running:
        store = Store(running.settings.database_url)
        for name, graph in (("helping", HELPING), ("front", FRONT)):
            publisher(running, store).save(name, graph)
            publisher(running, store).publish(name)
        time.sleep(1.5)
        yield running


async def keyed(call: OutgoingCall, digits: str) -> None:
    await call.answered(10)
    await call.hears(1750, 10)
    for digit in digits:
        await call.press(digit)
        await asyncio.sleep(0.15)


def stored_call(box: LiveBox, caller: str) -> Call:
    box.stored_of(caller)
    with Store(box.settings.database_url).reading() as session:
        return session.scalars(select(Call).where(Call.caller == caller)).one()


async def test_a_call_through_nodes_of_many_kinds(box: LiveBox) -> None:
    caller = "13800138001"
    async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.2, say=900.0)) as line:
        call = await phone.dial(NUMBER, box.sip, caller=caller)
        await keyed(call, "4711#")
        leg = await line.incoming(30)
        await call.hears(900, 10)
        await leg.hangup()
        await call.hears(800, 10)
        await call.press("4")
        await call.hears(1000, 10)
        await call.ended(10)
    stored = await asyncio.to_thread(stored_call, box, caller)
    assert (stored.outcome, stored.line_id, stored.mark) == ("answered", "first", "4")
    assert stored.keys == "id=4711;help>helping@1:rate=4"
    assert stored.way == (
        "id=next;told=next;which=cases.47*;where=cases.北京;help=enter;"
        "help>helping@1:ring=after;help>helping@1:rate=next;help>helping@1:back=return"
    )
    assert stored.joined_at is not None and stored.bridged_ms < stored.bill_ms - 1000, "the survey is no talk"


async def test_calls_finish_on_their_version_and_later_ones_take_the_next(box: LiveBox) -> None:
    store = Store(box.settings.database_url)
    short = {"start": "bye", "nodes": {"bye": {"type": "hangup", "prompt": "tone-500"}}}
    async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.2, say=900.0)):
        before = await phone.dial(NUMBER, box.sip, caller="13800138002")
        await before.answered(10)
        soon = publisher(box, store)
        soon.save("front", short)
        version = soon.publish("front", at=soon.now + timedelta(seconds=2))
        await asyncio.sleep(4)
        await keyed(before, "4711#")
        await before.hears(900, 10)
        await before.hangup()
        after = await phone.dial(NUMBER, box.sip, caller="13800138003")
        await after.hears(500, 10)
        await after.ended(10)
        publisher(box, store).roll_back("front")
        await asyncio.sleep(1.5)
        again = await phone.dial(NUMBER, box.sip, caller="13800138004")
        await keyed(again, "1111#")
        await again.hears(1000, 10)
        await again.ended(10)
    labels = {}
    for caller in ("13800138002", "13800138003", "13800138004"):
        labels[caller] = (await asyncio.to_thread(stored_call, box, caller)).flow
    first = labels["13800138002"]
    assert labels == {"13800138002": first, "13800138003": f"front@{version}", "13800138004": first}
    assert first != f"front@{version}"


async def test_another_system_is_asked_and_told_and_a_message_is_left(box: LiveBox, crm: str) -> None:
    graph = {
        "start": "ask",
        "nodes": {
            "ask": {
                "type": "lookup",
                "url": f"http://{crm}/customer?n={{caller}}",
                "values": {"level": "customer.level"},
                "found": "which",
                "failed": "bye",
            },
            "which": {"type": "switch", "variable": "level", "cases": {"gold": "tell"}, "other": "bye"},
            "tell": {"type": "message", "hook": "crm", "text": "{caller} ({level}) 来电", "next": "mail"},
            "mail": {"type": "voicemail", "prompt": "tone-700", "max_s": 20, "next": "bye"},
            "bye": {"type": "hangup", "prompt": "tone-1000"},
        },
    }
    store, caller = Store(box.settings.database_url), "13800138005"
    publisher(box, store).save("front", graph)
    publisher(box, store).publish("front")
    await asyncio.sleep(1.5)
    Crm.asked.clear()
    async with Phone() as phone:
        call = await phone.dial(NUMBER, box.sip, caller=caller)
        await call.answered(10)
        await call.hears(700, 10)
        await call.hears(1000, 10)  # the tone before a message
        await asyncio.sleep(0.5)
        call.say(440.0)
        await asyncio.sleep(4)
        await call.press("#")
        await call.hears(1000, 15)
        await call.ended(10)
    stored = await asyncio.to_thread(stored_call, box, caller)
    assert (stored.outcome, stored.way) == (
        "ended:message",
        "ask=found;which=cases.gold;tell=next;mail=next",
    )
    assert Crm.asked[0] == f"/customer?n={caller}"
    (told,) = map(json.loads, await told_within(10))
    assert told["text"] == f"{caller} (gold) 来电"
    assert stored.messages.startswith("messages/")


async def told_within(seconds: float) -> list[str]:
    """What the other system was told, as soon as it was told anything."""
    for _ in range(int(seconds * 10)):
        if len(Crm.asked) > 1:
            break
        await asyncio.sleep(0.1)
    return Crm.asked[1:]
