"""Those who watch: one snapshot for all of a process, nobody sees another's, and a publisher may be away."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.domain.live.calls import Stage
from appliance.live import read as module
from appliance.live.read import LiveSource
from appliance.live.snapshot import Snapshot, read, scoped, written
from tests.support.live_state import NAMES, busy_board, call, published

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)


def clock() -> datetime:
    return datetime.now(UTC)


def snapshot(at: datetime = NOW) -> Snapshot:
    return read(written(busy_board(NOW), NAMES, at, None))


def test_what_is_written_is_read() -> None:
    seen = snapshot()
    assert seen.at == NOW
    assert [one["uuid"][-1] for one in seen.calls] == ["9", "4", "3", "2", "1"]
    assert seen.calls[0]["started_at"] == "2026-11-25T01:51:00+00:00"
    assert seen.names["queues"] == {"hotline": "售后热线"}
    away = read(written(busy_board(NOW), NAMES, NOW, NOW - timedelta(minutes=1)))
    assert (away.switch_up, away.switch_since) == (False, NOW - timedelta(minutes=1))


def test_the_same_state_has_the_same_version_whenever_it_was_seen() -> None:
    assert snapshot(NOW).version == snapshot(NOW + timedelta(seconds=9)).version
    changed = written(replace(busy_board(NOW), calls=(call(1, Stage.TALKING, NOW),)), NAMES, NOW, None)
    assert read(changed).version != snapshot().version


def test_an_account_sees_its_own_and_nothing_else() -> None:
    seen = scoped(snapshot(), "west")
    assert [one["account"] for one in seen.calls] == ["west"]
    assert [one["id"] for one in seen.lines] == ["west-1"]
    assert seen.queues == []
    assert [(one["id"], one["channels"], one["max_calls"]) for one in seen.trunks] == [
        ("telecom", {"west": 2}, 0),
        ("unicom", {"west": 0}, 0),
    ]
    assert seen.names == {
        "trunks": {"telecom": "电信中继"},
        "accounts": {"west": "西部物流"},
        "lines": {"west-1": "西部调度"},
        "numbers": {},
        "queues": {},
    }
    assert scoped(snapshot(), None) == snapshot()


def test_what_others_do_changes_no_version_of_mine() -> None:
    board = busy_board(NOW)
    fewer = replace(board, calls=tuple(one for one in board.calls if one.account != "east"))
    mine = [scoped(read(written(one, NAMES, NOW, None)), "west").version for one in (board, fewer)]
    theirs = [scoped(read(written(one, NAMES, NOW, None)), "east").version for one in (board, fewer)]
    assert mine[0] == mine[1]
    assert theirs[0] != theirs[1]


def test_many_who_ask_at_once_ask_the_publisher_once(tmp_path: Path) -> None:
    with published(tmp_path / "s", busy_board(NOW)) as what:
        source = LiveSource(tmp_path / "s", clock)
        found: list[int] = []
        threads = [
            threading.Thread(target=lambda n=n: found.append(len(source.latest("west" if n % 2 else None).calls)))
            for n in range(50)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert sorted(found) == [1] * 25 + [5] * 25
        assert what.asked <= 3  # one, unless this machine takes more than a moment for them


def test_nobody_publishes_and_somebody_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.05)
    monkeypatch.setattr(module, "SHARED_S", 0.0)
    source = LiveSource(tmp_path / "s", clock)
    away = source.latest(None)
    assert (away.published, away.switch_up, away.calls) == (False, False, ())
    time.sleep(0.1)
    assert source.latest("west") == away, "since the first time"
    with published(tmp_path / "s", busy_board(NOW)) as what:
        time.sleep(0.1)
        assert source.latest(None).published
        what.board = None  # it runs, and knows nothing yet
        assert not source.latest(None).published
    time.sleep(0.1)
    later = source.latest(None)
    assert not later.published
    assert later.at > away.at


@pytest.mark.parametrize("said", [b"", b"x", b"[]", b"{}", b'{"at": 1, "version": 2, "switch": {"since": null}}'])
def test_what_is_no_snapshot_is_refused(said: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(said)
