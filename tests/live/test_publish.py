"""The publisher: looks only while somebody watches, says what it cannot see, and holds nobody up."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from appliance.live.publish import EVERY_S

SCRIPT = """
from gevent import monkey; monkey.patch_all()
import gevent, json, sys, socket, time
from datetime import UTC, datetime
from gevent.event import Event
from gevent.server import StreamServer
from appliance.domain.live.board import Known
from appliance.domain.routing import Line, RoutingTable, Trunk
from appliance.errors import StoreError, SwitchGone
from appliance.live import publish
from appliance.live.publish import Publisher
from appliance.live.read import fetched
from appliance.live.snapshot import read
from appliance.reference.workdays import day_kind
from appliance.store.names import Names
from pathlib import Path
from tests.live.test_look import FakeSwitch, row, FACTS

publish.IDLE_S = 1.2

class Switch(FakeSwitch):
    away = False
    closed = 0
    def ask(self, command):
        if self.away:
            raise SwitchGone("nobody listens")
        return super().ask(command)
    def close(self):
        self.closed += 1

switch = Switch()
switch.rows = [row("a-1", application="playback")]
switch.variables = {"a-1": {"gw_facts": FACTS}}
table = RoutingTable(1, (Trunk("t", (), proxy="x:1"),), {"a": Line("a", "east", "02160000001", "t")}, {})
faults = []

def known():
    if faults:
        raise faults.pop()
    return Known(table, datetime.now(UTC), day_kind)

publisher = Publisher(switch, known, lambda: Names(lines={"a": "A"}), lambda: datetime.now(UTC))
path = Path(sys.argv[1])
listener = gevent.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(str(path)); listener.listen(64)
server = StreamServer(listener, publisher.serve); server.start()
stop = Event()
running = gevent.spawn(publisher.run, stop)
seen = {}

def lists():
    found = sum("show" in one for one in switch.asked)
    switch.asked = []
    return found

gevent.sleep(0.8)
seen["asked while nobody watches"] = lists()

began = time.monotonic()
texts = [job.get() for job in [gevent.spawn(fetched, path) for _ in range(50)]]
seen["fifty at once"] = [len(set(texts)), lists(), time.monotonic() - began]
seen["first"] = json.loads(texts[0])

began = time.monotonic()
for _ in range(6):
    gevent.sleep(0.25)
    fetched(path)
seen["looks while watched"] = [lists(), time.monotonic() - began]

switch.away = True
gevent.sleep(0.9)
first = read(fetched(path))
gevent.sleep(0.9)
second = read(fetched(path))
seen["away"] = [first.switch_up, len(first.calls), first.lines[0]["state"]]
same = first.switch_since == second.switch_since and first.version == second.version
seen["still away"] = [same, second.at > first.at]
switch.away = False
gevent.sleep(0.9)
back = read(fetched(path))
seen["back"] = [back.switch_up, back.switch_since, len(back.calls), back.calls[0]["since"]]

lists(); before = switch.closed
gevent.sleep(2.5)
seen["closed when idle"] = switch.closed > before
lists(); gevent.sleep(1.0)
seen["looks when idle"] = lists()

faults.append(StoreError("no routing was read yet"))
gevent.sleep(0.1)
seen["without routing"] = len(fetched(path)) > 0  # the look after the one that failed
faults.append(RuntimeError("a fault of ours"))
seen["after a fault"] = read(fetched(path)).switch_up

# Somebody who asks and does not read holds up nobody else.
deaf = gevent.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM); deaf.connect(str(path))
seen["beside a deaf one"] = read(fetched(path)).switch_up

stop.set(); running.join(3)
seen["ended"] = running.dead
server.stop()
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What became of a publisher in a process of its own: gevent patches whoever imports it."""
    folder: Path = tmp_path_factory.mktemp("publish")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(folder / "live.sock")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nobody_watches_and_the_switch_is_left_alone(seen: dict[str, object]) -> None:
    assert seen["asked while nobody watches"] == 0
    assert seen["closed when idle"] is True
    assert seen["looks when idle"] == 0


def test_fifty_who_watch_cost_as_much_as_one(seen: dict[str, object]) -> None:
    different, looks, took_s = seen["fifty at once"]  # type: ignore[misc]
    # Two a second, however long a busy machine takes for the fifty.
    assert 1 <= different <= looks <= 2 + took_s / EVERY_S < 50
    looks, watched_s = seen["looks while watched"]  # type: ignore[misc]
    assert 2 <= looks <= 1 + watched_s / EVERY_S


def test_what_is_published(seen: dict[str, object]) -> None:
    first = seen["first"]
    assert isinstance(first, dict)
    assert first["switch"] == {"up": True, "since": None}
    (call,) = first["calls"]
    assert (call["uuid"], call["account"], call["stage"], call["node"]) == ("a-1", "east", "flow", "welcome")
    assert call["since"] is None, "nobody looked before"
    assert first["lines"][0]["state"] == "free"
    assert first["names"]["lines"] == {"a": "A"}


def test_a_switch_that_is_away_is_said_to_be_since_when(seen: dict[str, object]) -> None:
    assert seen["away"] == [False, 0, "unknown"]
    assert seen["still away"] == [True, True]
    assert seen["back"] == [True, None, 1, None]


def test_a_look_that_fails_is_followed_by_another(seen: dict[str, object]) -> None:
    assert seen["without routing"] is True
    assert seen["after a fault"] is True


def test_who_does_not_read_holds_up_nobody(seen: dict[str, object]) -> None:
    assert seen["beside a deaf one"] is True
    assert seen["ended"] is True
