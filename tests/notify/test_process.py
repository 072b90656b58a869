"""The sender's process with a real receiver: what calls hand over arrives, once, signed, in order."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.notify.known import KnownHooks
from appliance.notify.webhook import signature
from appliance.store.journal_file import JournalFile
from appliance.store.models import Notification
from appliance.store.outbox import kept
from appliance.store.outbox_sending import SendingOutbox
from appliance.store.unit import Store
from tests.http.server import HttpServer, http_server
from tests.notify.sending import SECRET, SendingBox, received, site
from tests.support.process import Process


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as made:
        made.answers |= {"/crm": (200, {}), "/other": (204, b""), "/down": (500, {"why": "down"})}
        yield made


@pytest.fixture
def box(tmp_path: Path, server: HttpServer) -> SendingBox:
    made = SendingBox(tmp_path / "state")
    made.apply(site({name: server.url(f"/{name}") for name in ("crm", "other", "down")}))
    return made


def until(condition: Callable[[], bool], within_s: float = 40.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stored(box: SendingBox) -> dict[str, bool]:
    with Store(box.database_url) as store, store.reading() as session:
        return {one.id: one.sent for one in session.query(Notification)}


def ended_by(sender: Process, number: int) -> int | None:
    os.kill(sender.pid, number)
    until(lambda: sender.returncode is not None)
    return sender.returncode


def test_two_senders_at_once_send_each_message_once_and_in_order(box: SendingBox, server: HttpServer) -> None:
    ours, others = [f"a{number:02}" for number in range(25)], [f"b{number:02}" for number in range(25)]
    box.put(["bad"], "down")
    box.put(ours, "crm")
    with box.sender() as one, box.sender() as other:
        box.put(others, "other")
        until(lambda: len(server.asked) >= 51)
        time.sleep(1.0)  # a second one of any would come now
        assert received(server, "/crm") == ours and received(server, "/other") == others
        asked = next(one for one in server.asked if one.line.startswith("POST /crm "))
        own = signature(SECRET, asked.headers["gateway400-timestamp"], asked.body)
        assert asked.headers["gateway400-signature"] == own
        until(lambda: stored(box) == dict.fromkeys([*ours, *others], True))
        waiting = {message.message.id: message.said for message in kept(box.journal, ended=False)}
        assert waiting == {"bad": 'HTTP 500 {"why": "down"}'}, "which held nobody up"
        for sender in (one, other):
            assert ended_by(sender, signal.SIGTERM) == 0, sender.output
            assert SECRET not in sender.output and str(server.port) not in sender.output
    assert box.journal.stat().st_mode & 0o777 == 0o600


def test_a_start_while_the_database_is_away_sends(box: SendingBox, server: HttpServer) -> None:
    database = Path(box.database_url.removeprefix("sqlite:///"))
    with closing(JournalFile(box.journal)) as file, Store(box.database_url) as store:
        KnownHooks(store, SendingOutbox(file, "before")).refresh()
    away = database.rename(database.with_name("elsewhere"))
    box.put(["1"], "crm")
    with box.sender():
        until(lambda: received(server, "/crm") == ["1"])
        away.rename(database)
        until(lambda: stored(box) == {"1": True})
