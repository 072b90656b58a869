"""The live board: a page, a short conditional request, and what it says when nobody looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.config import Settings
from appliance.domain.live.calls import Stage
from appliance.live import read
from tests.support.live_state import Publishing, busy_board, call, published
from tests.webui.conftest import SignIn
from webui.views import live

NOW = datetime.now(UTC)


@pytest.fixture
def publishing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publishing]:
    """A box with a little of everything; each request sees what is published at its moment."""
    monkeypatch.setattr(read, "SHARED_S", 0.0)
    with published(settings.live_socket, busy_board(NOW)) as what:
        yield what


def test_a_page_shows_what_goes_on(sign_in: SignIn, publishing: Publishing) -> None:
    text = sign_in("admin").get("/live").text
    for words in ("139 1234 0009", "销售一部", "Talks", "Waits", "welcome", "phone not registered", "电信中继"):
        assert words in text, words
    assert "139 1234 0004" in text
    assert "西部物流" in text


def test_an_account_sees_its_own_alone(sign_in: SignIn, publishing: Publishing) -> None:
    for path in ("/live", "/live/board"):
        text = sign_in("desk").get(path).text
        assert "139 1234 0009" in text
        for foreign in ("139 1234 0004", "西部", "400-600-5678"):
            assert foreign not in text, (path, foreign)


def test_while_nothing_changes_the_answer_is_empty(sign_in: SignIn, publishing: Publishing) -> None:
    client, other = sign_in("desk"), sign_in("other")
    first = client.get("/live/board")
    tag = first.headers["ETag"]
    again = client.get("/live/board", headers={"If-None-Match": tag})
    assert (again.status_code, again.text, again.headers["ETag"]) == (304, "", tag)
    assert other.get("/live/board", headers={"If-None-Match": tag}).status_code == 200, "another's board"

    board = busy_board(NOW)
    publishing.board = replace(board, calls=board.calls[1:2])  # what the other company does changes nothing here
    theirs = other.get("/live/board").headers["ETag"]
    assert client.get("/live/board", headers={"If-None-Match": tag}).status_code == 200, "his calls have gone"
    publishing.board = replace(board, calls=(board.calls[1], call(7, Stage.FLOW, NOW)))
    assert other.get("/live/board", headers={"If-None-Match": theirs}).status_code == 304


def test_a_board_in_two_languages_is_two(sign_in: SignIn, publishing: Publishing) -> None:
    english, chinese = sign_in("desk"), sign_in("desk", "zh_Hans_CN")
    assert "Waits" in english.get("/live/board").text
    assert "排队中" in chinese.get("/live/board").text
    assert english.get("/live/board").headers["ETag"] != chinese.get("/live/board").headers["ETag"]


def test_a_switch_that_is_away_is_said_so(sign_in: SignIn, publishing: Publishing) -> None:
    publishing.away_since = datetime(2026, 11, 25, 2, 3, 4, tzinfo=UTC)
    publishing.board = replace(busy_board(NOW), calls=())
    text = sign_in().get("/live").text
    assert "The switch is away since 2026-11-25 10:03:04" in text


def test_a_look_that_is_old_is_shown_with_its_time(sign_in: SignIn, publishing: Publishing) -> None:
    """Whoever has it already is told, too, though what it says is the same."""
    client, slow = sign_in(), "The switch answers slowly: this is how it was at"
    fresh = client.get("/live/board")
    assert slow not in fresh.text
    publishing.at = datetime.now(UTC) - timedelta(seconds=4)
    old = client.get("/live/board", headers={"If-None-Match": fresh.headers["ETag"]})
    assert old.status_code == 200 and slow in old.text
    assert client.get("/live/board", headers={"If-None-Match": old.headers["ETag"]}).status_code == 304
    publishing.at = None
    again = client.get("/live/board", headers={"If-None-Match": old.headers["ETag"]})
    assert again.status_code == 200 and slow not in again.text


def test_nobody_publishes(sign_in: SignIn) -> None:
    client = sign_in()
    answer = client.get("/live")
    assert answer.status_code == 200
    assert "Nobody looks at the switch since" in answer.text
    assert client.get("/live/board").status_code == 200


def test_a_page_has_an_end(sign_in: SignIn, publishing: Publishing) -> None:
    many = tuple(call(n, Stage.QUEUE, NOW) for n in range(1, 231))
    publishing.board = replace(busy_board(NOW), calls=many)
    text = sign_in("desk").get("/live/board").text
    assert text.count("data-call=") == live.MOST_CALLS
    assert "and 30 more" in text


def test_what_a_caller_sends_is_shown_as_text(sign_in: SignIn, publishing: Publishing) -> None:
    bad = replace(call(1, Stage.FLOW, NOW), node="<script>alert(1)</script>", caller='"><i>x')
    publishing.board = replace(busy_board(NOW), calls=(bad,))
    text = sign_in("desk").get("/live").text
    assert "<script>alert" not in text
    assert '"><i>x' not in text


def test_the_api_tells_the_same(sign_in: SignIn, publishing: Publishing) -> None:
    client = sign_in("desk")
    answer = client.get("/api/v1/live")
    body = answer.get_json()
    assert set(body) == {"at", "switch", "calls", "queues", "lines", "trunks"}
    assert body["switch"] == {"up": True, "away_since": None}
    assert [one["caller"][-1] for one in body["calls"]] == ["9", "3", "2", "1"]
    talk = body["calls"][0]
    assert (talk["stage"], talk["lines"], talk["recorded"], talk["account"]) == (
        "talking",
        ["sales-1"],
        True,
        "east",
    )
    began = datetime.fromisoformat(talk["started_at"])
    assert abs(began - (NOW - timedelta(minutes=9))) < timedelta(seconds=1)
    (queue,) = body["queues"]
    assert queue["callers"][0]["expected_s"] == 240
    assert [one["state"] for one in body["lines"]] == ["talking", "ringing", "resting", "unregistered"]
    assert [(one["id"], one["channels"], one["max_channels"]) for one in body["trunks"]] == [
        ("telecom", 6, 0),
        ("unicom", 0, 0),
    ]
    whole = sign_in("admin").get("/api/v1/live/trunks").get_json()["trunks"][0]
    assert (whole["channels"], whole["max_channels"]) == (8, 30)
    for part in ("calls", "queues", "lines", "trunks"):
        assert client.get(f"/api/v1/live/{part}").get_json()[part] == body[part]
    again = client.get("/api/v1/live", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_api_says_that_nobody_publishes(sign_in: SignIn) -> None:
    answer = sign_in().get("/api/v1/live/calls")
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert "nobody publishes the live state since" in answer.get_json()["detail"]
