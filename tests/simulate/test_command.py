"""``appliance route explain`` and ``appliance route refusals``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from appliance import bootstrap, cli
from appliance.cli.route import route
from appliance.domain.calendar import SHANGHAI
from appliance.domain.refusal import Refusal
from appliance.simulate.words import REFUSALS
from appliance.store.journal import Journal, Started
from appliance.store.models import Call
from appliance.store.unit import Store
from tests.simulate.asked import NOW


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Store) -> Path:
    """The settings of a box with the scenarios' site."""
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", str(site.url))
    monkeypatch.delenv("APPLIANCE_CONFIG", raising=False)
    return tmp_path


def said(*words_: str) -> str:
    """What the command prints; it must go well."""
    result = CliRunner().invoke(route, words_)
    assert result.exit_code == 0, result.output
    return result.stdout


def run(*words_: str) -> Result:
    """The whole program, as a person calls it."""

    @click.command(context_settings={"ignore_unknown_options": True})
    def program() -> None:
        cli.main()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["appliance", *words_])
        return CliRunner().invoke(program)


def test_a_call_explained(box: Path) -> None:
    out = said("explain", "--number", "4008000029", "--caller", "02188886666", "--at", "2026-11-25 10:00")
    chinese, english = out.split("\n\n")
    assert chinese.splitlines() == [
        "02188886666（固话，上海）拨打 4008000029，2026-11-25 10:00:00 星期三",
        "  中继：通过  trunk=t",
        "  号码：通过  number=4008000029",
        "  并发：通过  calls=1/5",
        "  每分钟呼叫：通过  calls=0 limit=5",
        "  黑名单：通过",
        "  白名单：通过",
        "  主叫频次：通过  calls=0 limit=1 minutes=60",
        "  余额：无此规则",
        "  接入密码：通过",
        "  节假日：通过  schedule=office",
        "  时间表：通过  schedule=office",
        "  地区：通过  place=上海",
        "  默认：通过",
        "结果：受理",
        "  振铃：a",
        "价格：没有套餐",
    ]
    assert len(english.splitlines()) == len(chinese.splitlines())
    assert list(box.iterdir()) == [], "nothing is made"


def test_a_call_through_a_menu_explained(box: Path) -> None:
    out = said(
        *("explain", "--number", "02161234567", "--caller", "anonymous", "--keys", "- 9 1", "--busy", "a"),
        *("--busy", "b", "--at", "2026-11-25T10:00:30+08:00"),
    )
    assert out.split("\n\n")[1].splitlines()[-7:] == [
        "  menu: menu main, keys -, 9, 1",
        "  sales:",
        "    passes over a: busy",
        "    passes over b: busy",
        "  sorry: plays sorry",
        "  hung up",
        "price: no plan",
    ]


def test_calls_before_are_taken_into_account(box: Path) -> None:
    journal = Journal(box / "journal.db")
    for uuid in ("1", "2"):
        journal.call_started(Started(uuid, NOW, "4008000023", "demo", "t", "13800138000", True))
    question = ("explain", "--number", "4008000023", "--caller", "013800138000", "--at")
    assert "refused: caller calls too often (too-frequent)" in said(*question, "2026-11-25 10:05")
    assert "taken" in said(*question, "2026-11-25 10:11")
    assert "taken" in said(*question, "2026-11-25 10:00"), "later calls are not before it"
    journal.close()


def test_now_is_when_nothing_is_said_of_it(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "utc_now", lambda: datetime(2026, 10, 1, 2, tzinfo=UTC))
    out = said("explain", "--number", "4008000025", "--caller", "13800138000")
    assert "2026-10-01 10:00:00" in out and "refused: holiday (holiday)" in out
    assert "unanswered, plays closed-holiday and hangs up" in out


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2026-11-25 10:00", "Wed 2026-11-25 10:00:00"),
        ("2026-11-25T10:00:30", "Wed 2026-11-25 10:00:30"),
        ("2026-11-25 10:00Z", "Wed 2026-11-25 18:00:00"),
        ("2026-11-25 10:00+00:00", "Wed 2026-11-25 18:00:00"),
        ("2026-11-25", "Wed 2026-11-25 00:00:00"),
        ("2000-01-01", "Sat 2000-01-01 00:00:00"),
        ("2099-12-31 23:59:59-14:00", "Fri 2100-01-01 21:59:59"),
    ],
)
def test_times_as_they_may_be_written(box: Path, at: str, shown: str) -> None:
    assert shown in said("explain", "--number", "4008000022", "--caller", "13800138000", "--at", at)


@pytest.mark.parametrize("at", ["tomorrow", "", "10:00", "2026-02-30", "2026-11-25 25:00", "11-25 10:00"])
def test_a_time_that_is_none(box: Path, at: str) -> None:
    for command in (("explain", "--number", "4008000022", "--caller", "1", "--at"), ("refusals", "--since")):
        done = run("route", *command, at)
        assert (done.exit_code, done.stdout) == (2, "")
        assert f"{at}: not a time (2026-11-25 10:00)" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("at", ["1999-12-31 23:59", "2100-01-01", "0001-01-01"])
def test_a_time_beyond_all_calendars(box: Path, at: str) -> None:
    done = run("route", "explain", "--number", "4008000022", "--caller", "1", "--at", at)
    assert done.exit_code == 2 and f"{at}: not in 2000 to 2099" in done.stderr


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--busy", "zebra"], "appliance: there is no line zebra\n"),
        (["--busy", "a", "--busy", "x", "--busy", "y"], "appliance: there is no line x\nthere is no line y\n"),
        (["--trunk", "zebra"], "appliance: there is no trunk zebra\n"),
    ],
)
def test_what_is_not_there_is_said(box: Path, more: list[str], says: str) -> None:
    done = run("route", "explain", "--number", "4008000022", "--caller", "13800138000", *more)
    assert (done.exit_code, done.stdout, done.stderr) == (3, "", says)


@pytest.mark.parametrize("arguments", [["--number", "4008000022"], ["--caller", "1"], ["--others", "-1"], ["--x"]])
def test_a_question_that_is_not_whole(box: Path, arguments: list[str]) -> None:
    done = run("route", "explain", *arguments)
    assert done.exit_code == 2 and "Usage: appliance route explain" in done.stderr


def test_a_number_that_is_not_ours_is_an_answer_like_another(box: Path) -> None:
    out = said("explain", "--number", "4001112222", "--caller", "13800138000", "--trunk", "t")
    assert out.split("\n\n")[1].splitlines()[1:] == [
        "  trunk: passed  trunk=t",
        "  number: refused",
        "refused: not a number of this box (unknown-number)",
        "  unanswered, plays number-unknown and hangs up",
    ]


def test_a_database_that_is_not_there(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", f"sqlite:///{box}/none.db")
    for command in (["explain", "--number", "4008000022", "--caller", "1"], ["refusals"]):
        done = run("route", *command)
        assert (done.exit_code, done.stdout) == (4, "")
        assert done.stderr.startswith("appliance: database ") and "Traceback" not in done.stderr
    assert list(box.iterdir()) == []


def refuse(store: Store, outcomes: Sequence[tuple[Any, ...]]) -> None:
    """Stored calls: number, outcome, beginning, and by what."""
    with store.work() as session:
        for serial, (number, outcome, at, *because) in enumerate(outcomes):
            made = {"number": number, "outcome": outcome, "because": "".join(because)}
            session.add(Call(uuid=str(serial), started_at=at, ended_at=at, collected_at=at, **made))
        session.commit()


def test_refusals_counted(box: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", str(store.url))
    monkeypatch.setattr(bootstrap, "utc_now", lambda: NOW)
    midnight = datetime(2026, 11, 25, tzinfo=SHANGHAI)
    yesterday = midnight - timedelta(microseconds=1)
    refuse(
        store,
        [
            ("4008001234", "refused:holiday", midnight),
            ("4008001234", "refused:holiday", NOW - timedelta(seconds=1)),
            ("4008001234", "refused:black-listed", midnight),
            ("4008005678", "refused:holiday", midnight),
            ("", "refused:unknown-trunk", midnight),
            ("4008005678", "refused:of-another-version", midnight),
            ("4008001234", "answered", midnight),
            ("4008001234", "failed:user-busy", midnight),
            ("4008001234", "refused:holiday", yesterday),
            ("4008001234", "refused:holiday", NOW),
        ],
    )
    assert said("refusals").splitlines() == [
        "     2  4008001234    holiday           节假日  (holiday)",
        "     1  -             unknown-trunk     来源不是任何中继  (comes from no trunk)",
        "     1  4008001234    black-listed      在黑名单中  (black-listed)",
        "     1  4008005678    holiday           节假日  (holiday)",
        "     1  4008005678    ?                 ?  (?)",
        "     6  in all",
    ]
    assert said("refusals", "--since", "2026-11-24", "--until", "2026-11-25").splitlines() == [
        "     1  4008001234    holiday           节假日  (holiday)",
        "     1  in all",
    ]
    assert said("refusals", "--since", "2026-11-25 10:00", "--until", "2026-11-25 10:00:01").endswith("1  in all\n")
    assert said("refusals", "--since", "2026-11-26", "--until", "2026-11-25") == "     0  in all\n"


def test_refused_calls_that_a_flow_took_are_counted_beside_the_others(
    box: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", str(store.url))
    refuse(
        store,
        [
            ("4008001234", "answered", NOW, "out-of-hours schedule=office"),
            ("4008001234", "failed:user-busy", NOW, "out-of-hours schedule=office"),
            ("4008001234", "abandoned:menu", NOW, "out-of-hours schedule=nights"),
            ("4008005678", "ended:menu", NOW, "holiday"),
            ("4008001234", "refused:holiday", NOW, "schedule=office"),
            # No refusals: lines that were passed over, a reason of another version, nothing at all.
            ("4008001234", "failed:normal-temporary-failure", NOW, "holiday=off-schedule b=busy"),
            ("4008001234", "answered", NOW, "too-nice because=x"),
            ("4008001234", "answered", NOW),
        ],
    )
    assert said("refusals", "--since", "2026-11-25", "--until", "2026-11-26").splitlines() == [
        "     1  4008001234    holiday           节假日  (holiday)",
        "     3  4008001234    out-of-hours      非工作时间  (out of hours)  由流程受理 (taken by a flow)",
        "     1  4008005678    holiday           节假日  (holiday)  由流程受理 (taken by a flow)",
        "     5  in all",
    ]


def test_every_refusal_is_counted_in_its_words(box: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", str(store.url))
    refuse(store, [("4008001234", f"refused:{reason}", NOW) for reason in Refusal])
    out = said("refusals", "--since", "2026-11-25", "--until", "2026-11-26")
    for reason in Refusal:
        assert f"{reason:<16}  {REFUSALS[reason][0]}  ({REFUSALS[reason][1]})" in out
    assert out.endswith(f"{len(Refusal):>6}  in all\n")
