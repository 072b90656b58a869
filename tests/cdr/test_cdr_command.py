"""``appliance cdr``: the loop, its faults, its end, and one call shown."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from appliance import bootstrap, config
from appliance.cdr.collect import collect_once
from appliance.cli import cdr as command
from appliance.cli.cdr import Collector, cdr
from appliance.errors import ApplianceError, RatingError, StoreError
from appliance.rating.run import rate_all
from appliance.store.journal import Journal
from appliance.store.models import Charge, LegCost
from appliance.store.unit import Store
from tests.cdr.spooled import caller_leg, left, line_leg, put, put_bytes, put_calls, stored
from tests.support.process import Process

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def spool(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The spool of a box; the settings come from the environment, as for the command."""
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", database_url)
    monkeypatch.setenv("APPLIANCE_COLLECT_INTERVAL_S", "0.02")
    # The logger would keep the runner's error stream, which is closed behind it.
    monkeypatch.setattr(bootstrap, "configure_logging", lambda: None)
    return tmp_path / "spool"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cdr, arguments)


def charged(store: Store) -> dict[str, str]:
    with store.reading() as session:
        return {row.call_uuid: row.reason for row in session.scalars(select(Charge))}


def wait_until(what: Any, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def test_once(spool: Path, store: Store) -> None:
    put_calls(spool, ["one"])
    put_bytes(spool, "a_bad.cdr.json", b"[]")
    result = run("collect", "--once")
    assert result.output.splitlines()[-2:] == [
        "calls stored: 1, files set aside: 1",
        "set aside a_bad.cdr.json: no variables in it",
    ]
    assert (result.exit_code, list(stored(store)), left(spool)) == (0, ["one"], [])
    assert charged(store) == {"one": "reject:no-subscription"}


def test_once_makes_the_spool(spool: Path) -> None:
    assert run("collect", "--once").output == "calls stored: 0, files set aside: 0\n"
    assert spool.is_dir()


def test_a_spool_that_cannot_be_made(spool: Path) -> None:
    spool.write_text("a file")
    result = run("collect", "--once")
    assert isinstance(result.exception, StoreError) and "cannot be made" in str(result.exception)


def test_a_database_that_is_not_set_up(spool: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    assert isinstance(run("collect", "--once").exception, StoreError)


def test_a_call_is_shown(spool: Path) -> None:
    put_calls(spool, ["one"])
    run("collect", "--once")
    assert run("show", "one").output.splitlines() == [
        "call       one",
        "number     4008001234",
        "account    east",
        "caller     13800138000 (mobile)",
        "outcome    answered NORMAL_CLEARING",
        "started    2026-11-22 12:00:00.000+08:00",
        "answered   2026-11-22 12:00:01.000+08:00",
        "joined     2026-11-22 12:00:10.000+08:00",
        "ended      2026-11-22 12:00:40.000+08:00",
        "billed     39.000 s",
        "talked     20.000 s",
        "tried      sales=answered",
        "line       sales",
        "leg caller 2026-11-22 12:00:00.000+08:00 to 2026-11-22 12:00:40.000+08:00 NORMAL_CLEARING",
        "leg line   2026-11-22 12:00:05.000+08:00 to 2026-11-22 12:00:30.000+08:00 NORMAL_CLEARING",
        "charge     reject:no-subscription",
    ]


def test_a_call_that_is_not_rated_is_shown(spool: Path, store: Store) -> None:
    put(spool, caller_leg("one", answer_uepoch="0", bridge_uepoch="0", gw_caller="", sip_from_user="anonymous"))
    collect_once(spool, store, bootstrap.utc_now)
    shown = run("show", "one").output
    assert "caller     withheld (mobile)" in shown and "charge     not rated yet" in shown
    assert "answered  " not in shown


def test_a_call_that_is_not_there(spool: Path) -> None:
    result = run("show", "none")
    assert isinstance(result.exception, ApplianceError) and str(result.exception) == "no such call: none"


def test_the_loop_collects_and_ends_with_sigterm(spool: Path, store: Store) -> None:
    with Process([sys.executable, "-m", "appliance", "cdr", "collect"], cwd=PROJECT) as collector:
        collector.wait_for_line(r"^READY spool=", 60)
        put_calls(spool, ["one"])
        wait_until(lambda: "one" in charged(store))
        put(spool, line_leg("two"))
        put(spool, caller_leg("two"))
        wait_until(lambda: len(charged(store)) == 2 and not left(spool))
        collector.send_signal(signal.SIGTERM)
        assert collector.wait(20) == 0
        assert "Traceback" not in collector.output


def collector(store: Store) -> Collector:
    settings = config.load()
    return Collector(settings, store, Journal(settings.journal_file))


def looped(collecting: Collector) -> threading.Thread:
    thread = threading.Thread(target=collecting.run)
    thread.start()
    return thread


def test_the_loop_outlives_a_database_that_is_gone(
    spool: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.mkdir()
    monkeypatch.setattr(command, "_AFTER_A_FAULT_S", 0.01)
    put_calls(spool, ["one"])
    asked: list[int] = []

    def gone(*args: Any, **named: Any) -> Any:
        asked.append(1)
        if len(asked) < 4:
            raise StoreError("unreachable")
        return collect_once(*args, **named)

    monkeypatch.setattr(command, "collect_once", gone)
    collecting = collector(store)
    thread = looped(collecting)
    try:
        wait_until(lambda: "one" in charged(store))
    finally:
        collecting.stop()
        thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize("fault", [RatingError("a wrong price book"), KeyError("a fault of ours")])
def test_a_fault_of_rating_keeps_no_call_from_being_stored(
    spool: Path, store: Store, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    put_calls(spool, ["one"])

    def broken(*args: Any, **named: Any) -> Any:
        raise fault

    collecting = collector(store)
    with monkeypatch.context() as patched:
        patched.setattr(command, "rate_calls", broken)
        patched.setattr(command, "rate_all", broken)
        assert collecting.collect().stored == ("one",)
    assert (list(stored(store)), left(spool), charged(store)) == (["one"], [], {})
    collecting.collect()
    assert charged(store) == {}  # not asked again at once
    monkeypatch.setattr(time, "monotonic", lambda: 10.0**9)
    collecting.collect()
    assert list(charged(store)) == ["one"]


def test_calls_that_a_killed_collector_left_unrated_are_rated_at_the_start(spool: Path, store: Store) -> None:
    put_calls(spool, ["one"])
    collect_once(spool, store, bootstrap.utc_now)
    assert charged(store) == {}
    collector(store).collect()
    assert list(charged(store)) == ["one"]
    assert rate_all(store, bootstrap.utc_now) == (0, 0, 0)
    assert costed(store) == ["one-line"]


def test_legs_are_costed_as_they_come(spool: Path, store: Store) -> None:
    put_calls(spool, ["one"])
    collector(store).collect()
    assert costed(store) == ["one-line"] and list(charged(store)) == ["one"]


def costed(store: Store) -> list[str]:
    with store.reading() as session:
        return list(session.scalars(select(LegCost.leg_uuid)))
