"""Flows' lookups: whatever a system does, a call gets a value, in time."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.domain.breaker import Limits
from appliance.domain.lookup import Failed, Found, NotFound, Outcome, Request, Why
from appliance.domain.template import filled, in_url
from appliance.http import lookup as module
from appliance.http.client import Client
from appliance.http.lookup import HttpLookup, Lookup
from appliance.http.names import Names
from tests.http.server import IN_TIME_S, HttpServer
from tests.support.ports import free_tcp_port

WANTED = {"level": "customer.level"}
VIP = Found({"level": "VIP"})
LIMITS = Limits(3, timedelta(seconds=30))


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 27, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def later(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lookup(client: Client, clock: Clock) -> HttpLookup:
    return HttpLookup(client, LIMITS, clock.now)


def test_what_is_known_is_found(server: HttpServer, lookup: Lookup) -> None:
    url = filled(server.url("/good?caller={caller}"), {"caller": "+86 138&x"}, in_url)
    assert lookup.ask(Request(url, account="demo"), WANTED) == VIP
    asked = server.asked[-1]
    assert asked.line == "GET /good?caller=%2B86%20138%26x HTTP/1.1" and asked.body == b""
    assert asked.headers["accept"] == "application/json"


def test_a_question_may_be_posted(server: HttpServer, lookup: Lookup) -> None:
    request = Request(server.url("/good"), "POST", {"X-Key": "k"}, '{"号码": "1"}')
    assert lookup.ask(request, WANTED) == VIP
    asked = server.asked[-1]
    assert asked.line.startswith("POST") and asked.body.decode() == '{"号码": "1"}'
    assert asked.headers["content-type"] == "application/json" and asked.headers["x-key"] == "k"
    form = Request(server.url("/good"), "POST", {"content-type": "application/x-www-form-urlencoded"}, "a=1")
    assert lookup.ask(form, WANTED) == VIP
    assert server.asked[-1].headers["content-type"] == "application/x-www-form-urlencoded"


BEHAVIOURS: list[tuple[str, Outcome]] = [
    ("/missing", NotFound()),
    ("/huge", Failed(Why.TOO_LARGE)),
    ("/endless", Failed(Why.TOO_LARGE)),
    ("/redirect", Failed(Why.STATUS, 302)),
    ("/fault", Failed(Why.STATUS, 500)),
    ("/garbage", Failed(Why.GARBAGE)),
    ("/no-json", Failed(Why.GARBAGE)),
    ("/zipped", Failed(Why.GARBAGE)),
    ("/closes", Failed(Why.GARBAGE)),
    ("/closes-early", Failed(Why.GARBAGE)),
]


@pytest.mark.parametrize(("path", "outcome"), BEHAVIOURS, ids=[path for path, _ in BEHAVIOURS])
def test_whatever_a_system_does_is_a_value(server: HttpServer, lookup: Lookup, path: str, outcome: Outcome) -> None:
    assert lookup.ask(Request(server.url(path), timeout_s=20), WANTED) == outcome


@pytest.mark.parametrize("path", ["/slow", "/drip-head", "/drip-body"])
def test_however_slow_a_system_is_it_is_over_in_time(server: HttpServer, lookup: Lookup, path: str) -> None:
    """None of them would ever end."""
    began = time.monotonic()
    assert lookup.ask(Request(server.url(path), timeout_s=0.5), WANTED) == Failed(Why.TIMEOUT)
    assert time.monotonic() - began < IN_TIME_S


@pytest.mark.parametrize(
    "request_",
    [
        Request("http://127.0.0.1/", "DELETE"),
        Request("file:///etc/passwd"),
        Request("http://[:::]/"),
        Request("nonsense"),
        Request("http://127.0.0.1:1/", headers={"X": "a\r\nb"}),
        Request("http://127.0.0.1:1/", headers={"X": "\ud800\r"}),
    ],
)
def test_what_is_no_question_is_not_asked(lookup: Lookup, request_: Request) -> None:
    for _ in range(LIMITS.failures + 1):
        assert lookup.ask(request_, WANTED) == Failed(Why.BAD_REQUEST)


def test_the_appliance_itself_is_not_asked(clock: Clock) -> None:
    lookup = HttpLookup(Client(Names()), LIMITS, clock.now)
    for _ in range(LIMITS.failures + 1):
        assert lookup.ask(Request("http://127.0.0.1:8021/"), WANTED) == Failed(Why.FORBIDDEN)


def fail(lookup: Lookup, server: HttpServer, account: str = "demo", times: int = LIMITS.failures) -> None:
    for _ in range(times):
        assert lookup.ask(Request(server.url("/fault"), account=account), WANTED) == Failed(Why.STATUS, 500)


def test_who_fails_in_a_row_is_left_alone_and_then_tried_once(
    server: HttpServer, lookup: HttpLookup, clock: Clock
) -> None:
    good, bad = Request(server.url("/good"), account="demo"), Request(server.url("/fault"), account="demo")
    fail(lookup, server, times=2)
    assert lookup.ask(good, WANTED) == VIP
    fail(lookup, server)
    begun = server.begun
    assert lookup.ask(good, WANTED) == Failed(Why.RESTING)
    clock.later(29.9)
    assert lookup.ask(good, WANTED) == Failed(Why.RESTING)
    assert server.begun == begun
    clock.later(0.1)
    assert lookup.ask(bad, WANTED) == Failed(Why.STATUS, 500), "the trial"
    assert lookup.ask(good, WANTED) == Failed(Why.RESTING)
    clock.later(30)
    assert lookup.ask(good, WANTED) == VIP, "the next trial"
    assert lookup.ask(good, WANTED) == VIP
    assert lookup._breakers == {}


def test_others_are_asked_meanwhile(server: HttpServer, lookup: Lookup) -> None:
    fail(lookup, server)
    assert lookup.ask(Request(server.url("/good"), account="demo"), WANTED) == Failed(Why.RESTING)
    assert lookup.ask(Request(server.url("/good"), account="other"), WANTED) == VIP


def test_a_caller_whom_nobody_knows_is_no_failure(server: HttpServer, lookup: Lookup) -> None:
    for _ in range(LIMITS.failures + 1):
        assert lookup.ask(Request(server.url("/missing"), account="demo"), WANTED) == NotFound()
    server.answers["/refused"] = (400, {})
    for _ in range(LIMITS.failures + 1):
        refused = lookup.ask(Request(server.url("/refused"), account="demo"), WANTED)
        assert refused == Failed(Why.STATUS, 400), "whoever keys nonsense in must not shut the system off"


def test_a_trial_that_is_broken_off_ends(
    server: HttpServer, lookup: HttpLookup, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(lookup, server)
    clock.later(30)

    def breaks_off(order: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(lookup._client, "exchange", breaks_off)
        with pytest.raises(KeyboardInterrupt):
            lookup.ask(Request(server.url("/good"), account="demo"), WANTED)
    assert lookup.ask(Request(server.url("/good"), account="demo"), WANTED) == Failed(Why.RESTING)
    clock.later(30)
    assert lookup.ask(Request(server.url("/good"), account="demo"), WANTED) == VIP


def test_no_more_systems_are_remembered_than_there_is_room_for(
    lookup: HttpLookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_BREAKERS", 2)
    port = free_tcp_port()
    for account in "abc":
        assert lookup.ask(Request(f"http://127.0.0.1:{port}/", account=account), {}) == Failed(Why.UNREACHABLE)
    assert [account for account, _ in lookup._breakers] == ["b", "c"]


def test_the_log_tells_nothing_of_the_caller(server: HttpServer, lookup: Lookup) -> None:
    with capture_logs() as logs:
        lookup.ask(Request(server.url("/fault?caller=13800138000"), account="demo"), WANTED)
    assert [(entry["event"], entry["reason"], entry["status"]) for entry in logs] == [
        ("lookup failed", "status", 500)
    ]
    assert "13800138000" not in str(logs)


def test_other_calls_go_on_while_lookups_wait(server: HttpServer) -> None:
    """In a process as the handlers' is: fifty callers wait for systems that do not answer, or whose names nobody
    finds, and no other greenlet waits for it."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.http.beside", server.url("/slow"), server.url("/drip-body")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told = dict(word.split("=") for word in done.stdout.splitlines()[-1].split())
    assert told["timeouts"] == "50" and float(told["took_s"]) < 30
    # What is measured is tens of milliseconds; a lookup that blocked would hold everybody for its two seconds.
    assert float(told["longest_ms"]) < 1800, done.stdout
