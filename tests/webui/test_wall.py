"""No route without a login, except the few that are meant to be open."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.webui.conftest import SignIn
from webui.wall import OPEN

FILLED_IN = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "filename": "console.css",
    "recording_id": 1,
    "task_id": 1,
    "account": "east",
    "name": "bye",
}


def test_every_route_but_the_open_ones_needs_a_login(app: Flask) -> None:
    walked = set()
    with app.test_request_context():
        adapter = app.create_url_adapter(None) or app.url_map.bind("localhost")
        rules = list(app.url_map.iter_rules())
        paths = [adapter.build(rule.endpoint, {k: FILLED_IN[k] for k in rule.arguments}) for rule in rules]
    for rule, path in zip(rules, paths, strict=True):
        assert rule.methods is not None
        for method in rule.methods - {"OPTIONS", "HEAD"}:
            app.config["WTF_CSRF_ENABLED"] = False
            with app.test_client().open(path, method=method) as answer:
                answer.get_data()
            walked.add(rule.endpoint)
            if rule.endpoint in OPEN:
                continue
            if path.startswith("/api/"):
                assert answer.status_code == 401, (rule.endpoint, method)
            else:
                assert answer.status_code == 302, (rule.endpoint, method)
                assert answer.location.startswith("/sign-in"), (rule.endpoint, method)
    assert walked >= OPEN
    assert {"calls.listing", "calls.recording", "api_calls.list_calls", "openapi.spec"} <= walked


def test_only_these_are_open(app: Flask) -> None:
    assert {"session.login", "static", "health.healthz", "language.choose"} == OPEN


def test_an_address_that_does_not_exist_tells_a_stranger_nothing(app: Flask) -> None:
    assert app.test_client().get("/no/such/page").location.startswith("/sign-in")


def test_the_api_refuses_strangers_as_a_problem(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/calls")
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.get_json() == {"type": "about:blank", "title": "Unauthorized", "status": 401}


def test_a_part_of_a_page_sends_the_whole_page_to_sign_in(app: Flask) -> None:
    answer = app.test_client().get("/", headers={"HX-Request": "true", "HX-Target": "results"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/sign-in")


def test_after_signing_in_the_page_that_was_asked_for_opens(app: Flask) -> None:
    assert app.test_client().get("/?caller=139").location == "/sign-in?next=/?caller%3D139"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/queues",
        "/numbers",
        "/prompts",
        "/health",
        "/calls/" + FILLED_IN["uuid"],
        "/api/v1/calls",
    ],
)
def test_no_cache_keeps_a_page(sign_in: SignIn, path: str) -> None:
    assert sign_in().get(path).headers["Cache-Control"] == "private, no-store"
