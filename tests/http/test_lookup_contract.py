"""What a call may rely on, whoever answers: the real lookup and the scripted one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.domain.breaker import Limits
from appliance.domain.lookup import Failed, Found, NotFound, Request
from appliance.http.client import Client
from appliance.http.lookup import HttpLookup, Lookup
from tests.http.server import HttpServer
from tests.support.outside import FakeLookup

ANSWERS: dict[str, tuple[int, object]] = {
    "/vip": (200, {"customer": {"level": "VIP", "name": "张\r\n三"}, "count": 3}),
    "/nobody": (200, {"customer": None}),
    "/none": (404, {}),
    "/broken": (500, {}),
    "/list": (200, [1]),
}


@pytest.fixture(params=["http", "fake"])
def lookup(request: pytest.FixtureRequest, server: HttpServer, client: Client) -> Lookup:
    if request.param == "fake":
        return FakeLookup({server.url(path): answer for path, answer in ANSWERS.items()})
    server.answers |= ANSWERS
    return HttpLookup(client, Limits(), lambda: datetime.now(UTC))


WANTED = {"level": "customer.level", "name": "customer.name", "count": "count", "none": "customer.none"}


def test_found_has_every_variable_as_a_short_text(lookup: Lookup, server: HttpServer) -> None:
    found = lookup.ask(Request(server.url("/vip")), WANTED)
    assert found == Found({"level": "VIP", "name": "张 三", "count": "3", "none": ""})


@pytest.mark.parametrize("path", ["/nobody", "/none"])
def test_nobody_is_found(lookup: Lookup, server: HttpServer, path: str) -> None:
    assert lookup.ask(Request(server.url(path)), WANTED) == NotFound()


@pytest.mark.parametrize("path", ["/broken", "/list"])
def test_what_fails_is_a_value(lookup: Lookup, server: HttpServer, path: str) -> None:
    assert isinstance(lookup.ask(Request(server.url(path)), WANTED), Failed)
    assert isinstance(lookup.ask(Request("http://nowhere.invalid/", timeout_s=2), WANTED), Failed)
