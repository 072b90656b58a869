"""What the simulator says of questions that no scenario holds."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.calls.answer import take
from appliance.domain.admission import Rule, Step, Verdict
from appliance.domain.affordable import Limit
from appliance.domain.credit import Unfunded
from appliance.domain.hunt import Hunt, Skip, Strategy
from appliance.domain.pin import OF_A_CALLER
from appliance.domain.refusal import ENDINGS, Refusal
from appliance.domain.routing import CalledFrom
from appliance.domain.walk import Left
from appliance.errors import SiteError
from appliance.reference.workdays import day_kind
from appliance.simulate.route import Answer, Question, explain
from appliance.store.journal import Journal, Started
from appliance.store.models import FlowVersion
from appliance.store.models import Queue as QueueRow
from appliance.store.routing import load_table
from appliance.store.tries import Try, of_passwords
from appliance.store.unit import Store
from appliance.store.waitlist import Waitlist
from tests.calls.scenarios import desk, table
from tests.contract.fake import FakeLeg
from tests.simulate.asked import NOW, ask, ids, put


def test_without_a_trunk_it_comes_by_the_first_that_brings_calls_to_the_number(session: Session) -> None:
    assert ask(session, "4008000022").trail[0] == Step(Rule.TRUNK, Verdict.PASSED, {"trunk": "t"})
    assert ask(session, "4008000022", trunk="thin").trail[0].values == {"trunk": "thin"}
    # Of a number that none of them knows as well.
    assert ask(session, "4008009999").trail[0].values == {"trunk": "t"}


@pytest.mark.parametrize(
    "number", ["4008001234", "400-800-1234", "+86 400 800 1234", "02161234567", "+862161234567"]
)
def test_a_number_however_it_is_dialled(session: Session, number: str) -> None:
    answer = ask(session, number)
    assert answer.refused is None and answer.flow is not None and answer.flow.label == "main@1"
    assert answer.walk is not None and answer.walk.left is Left.ASKED


def test_a_landing_number_of_another_trunk_is_no_number(session: Session) -> None:
    answer = ask(session, "02161234567", trunk="thin")
    assert answer.refused is not None and answer.refused.reason is Refusal.UNKNOWN_NUMBER


@pytest.mark.parametrize(
    "number", ["4001112222", "", "'; DROP TABLE calls; --", "４００８００１２３４", "sip:4008001234"]
)
def test_a_number_that_is_not_ours(session: Session, number: str) -> None:
    answer = ask(session, number)
    assert answer.refused is not None and answer.refused.reason is Refusal.UNKNOWN_NUMBER
    assert [(step.rule, step.verdict) for step in answer.trail] == [
        (Rule.TRUNK, Verdict.PASSED),
        (Rule.NUMBER, Verdict.REFUSED),
    ]
    assert (answer.prompt, answer.price, answer.direct, answer.flow) == ("number-unknown", None, None, None)


def test_a_trunk_or_a_line_that_is_not_there(session: Session) -> None:
    with pytest.raises(SiteError, match=r"^there is no trunk carrier$"):
        ask(session, "4008000022", trunk="carrier")
    with pytest.raises(SiteError) as caught:
        ask(session, "4008000022", busy=["a", "z", "y"])
    assert caught.value.findings == ["there is no line z", "there is no line y"]


def test_a_box_that_nobody_may_call(store: Store) -> None:
    put(store, "trunks: [{id: out, proxy: 127.0.0.1:5060, caller_id: pass}]")
    with store.reading() as session:
        for trunk in ("", "out"):
            answer = ask(session, "4008001234", trunk=trunk)
            assert answer.refused is not None and answer.refused.reason is Refusal.UNKNOWN_TRUNK
            assert answer.trail == (Step(Rule.TRUNK, Verdict.REFUSED, {}, Refusal.UNKNOWN_TRUNK),)
            assert answer.prompt == ""


@pytest.mark.parametrize("accept", ["10.0.0.0/8", "10.0.0.1", "10.0.0.1:5070", "fd00::/8", "fd00::1"])
def test_a_trunk_of_any_kind_brings_calls(store: Store, accept: str) -> None:
    for place in CalledFrom:
        landing = "{'02161234567': 4008001234}"
        trunk = f"{{id: in, accept: ['{accept}'], called_from: [{place}], landing: {landing}}}"
        put(store, f"trunks: [{trunk}]\nnumbers: [{{number: 4008001234, account: demo, in_service: false}}]")
        with store.reading() as session:
            for number in ("4008001234", "400-800-1234", "+864008001234", "02161234567"):
                answer = ask(session, number)
                assert answer.refused is not None and answer.refused.reason is Refusal.OUT_OF_SERVICE


def test_other_calls_at_once(session: Session) -> None:
    for others, reason in ((0, None), (1, None), (2, Refusal.NUMBER_FULL)):
        answer = ask(session, "4008000020", others=others)
        assert (answer.refused.reason if answer.refused else None) is reason
    refused = ask(session, "4008000020", trunk="thin", others=2).refused
    assert refused is not None and refused.reason is Refusal.TRUNK_FULL


@pytest.mark.parametrize(
    ("password", "reason"),
    [(None, None), ("1234", None), ("4321", Refusal.WRONG_PASSWORD), ("", Refusal.WRONG_PASSWORD)],
)
def test_without_a_password_the_right_one_is_keyed(
    session: Session, password: str | None, reason: Refusal | None
) -> None:
    answer = ask(session, "4008000024", password=password)
    assert (answer.refused.reason if answer.refused else None) is reason


def test_busy_lines_are_passed_over(session: Session) -> None:
    answer = ask(session, "4008000008", busy=["a"])
    assert answer.direct is not None and ids(answer.direct) == [["b"]]
    assert (dict(answer.direct.skipped), answer.flow) == ({"a": Skip.BUSY}, None)
    answer = ask(session, "4008000008", busy=["a", "b"])
    assert answer.direct is not None and ids(answer.direct) == []
    assert answer.flow is not None and answer.flow.label == "duty@1" and answer.walk is not None
    assert [visit.node_id for visit in answer.walk.visits] == ["say", "ring"]
    assert answer.walk.left is Left.JOINED
    answer = ask(session, "4008000008", busy=["a", "b", "c"])
    assert answer.walk is not None and answer.walk.left is Left.HUNG_UP


TWO_LINES = """
trunks: [{id: t, accept: [127.0.0.1], proxy: "127.0.0.1:5060", caller_id: pass}]
lines:
  - {id: a, account: demo, number: 02160000001, kind: landline, trunk: t}
  - {id: b, account: demo, number: 02160000002, kind: landline, trunk: t}
"""


def test_a_busy_line_ends_the_hunt_where_that_does_not_lead_on(store: Store) -> None:
    put(
        store, f"{TWO_LINES}numbers: [{{number: 4008001234, account: demo, lines: [a, b], fail_over: [no-answer]}}]"
    )
    with store.reading() as session:
        for busy, rounds in (([], [["a"], ["b"]]), (["a"], []), (["b"], [["a"]])):
            answer = ask(session, "4008001234", busy=busy)
            assert answer.direct is not None and ids(answer.direct) == rounds
            assert dict(answer.direct.skipped) == dict.fromkeys(busy, Skip.BUSY)


def queue_lines(answer: Answer, node_id: str = "wait") -> tuple[list[list[str]], dict[str, Skip]]:
    """The lines that a queue rings at once, and why it passes over others."""
    assert answer.walk is not None
    choice = next(visit.choice for visit in answer.walk.visits if visit.node_id == node_id)
    assert choice is not None
    return ids(choice), dict(choice.skipped)


def left(answer: Answer) -> Left | None:
    return answer.walk.left if answer.walk else None


def test_a_queue_serves_at_once_or_he_waits(session: Session) -> None:
    answer = ask(session, "4008000053")
    assert (queue_lines(answer), left(answer)) == (([["a"], ["b"]], {}), Left.JOINED)
    answer = ask(session, "4008000053", busy=["a"])
    assert (queue_lines(answer), left(answer)) == (([["b"]], {"a": Skip.BUSY}), Left.JOINED)
    answer = ask(session, "4008000053", busy=["a", "b"])
    assert (queue_lines(answer), left(answer)) == (([], {"a": Skip.BUSY, "b": Skip.BUSY}), Left.QUEUED)
    answer = ask(session, "4008000061")
    assert queue_lines(answer) == ([["a", "b"]], {})


def test_keys_lead_out_of_a_queue(session: Session) -> None:
    for keys, nodes, end in (
        (["*"], ["wait", "bye"], Left.HUNG_UP),
        (["9", "*"], ["wait", "bye"], Left.HUNG_UP),
        (["1", "0"], ["wait", "say", "wait", "ring"], Left.JOINED),
        (["9"], ["wait"], Left.QUEUED),
        ([], ["wait"], Left.QUEUED),
    ):
        answer = ask(session, "4008000054", busy=["a"], keys=keys)
        assert answer.walk is not None and left(answer) is end
        assert [visit.node_id for visit in answer.walk.visits] == nodes


def test_only_lines_with_the_skill_serve(session: Session) -> None:
    answer = ask(session, "4008000057")
    others = {"a": Skip.NO_SKILL, "early": Skip.NO_SKILL}
    assert (queue_lines(answer), left(answer)) == (([["english"]], others), Left.JOINED)
    assert left(ask(session, "4008000057", busy=["a"])) is Left.JOINED
    assert left(ask(session, "4008000057", busy=["english"])) is Left.QUEUED
    afternoon = NOW + timedelta(hours=3)
    answer = ask(session, "4008000071", at=afternoon)
    why = {"a": Skip.NO_SKILL, "english": Skip.NO_SKILL, "early": Skip.OFF_SCHEDULE}
    assert (queue_lines(answer), left(answer)) == (([], why), Left.NO_LINE)


def test_lines_at_which_nobody_is_signed_in_do_not_serve(session: Session, tmp_path: Path) -> None:
    with contextlib.closing(Journal(tmp_path / "journal.db")) as journal:
        waitlist = Waitlist(journal.file)
        for signed_in, busy, end in (
            (False, [], Left.NO_LINE),
            (True, [], Left.JOINED),
            (True, ["a"], Left.QUEUED),
        ):
            waitlist.sign("a", NOW, signed_in=signed_in)
            answer = explain(Question("4008000055", "13800138000", NOW, busy=busy), session, journal, day_kind)
            assert left(answer) is end
            assert queue_lines(answer)[0] == ([["a"]] if end is Left.JOINED else [])


def test_nobody_leads_on_to_the_next_queue(session: Session) -> None:
    answer = ask(session, "4008000056", at=NOW + timedelta(hours=3))
    assert answer.walk is not None and left(answer) is Left.JOINED
    assert [visit.node_id for visit in answer.walk.visits] == ["french", "few"]
    assert queue_lines(answer, "few") == ([["rare"]], {})


def test_a_queue_that_somebody_took_out_of_the_database_has_nobody(store: Store) -> None:
    queues = "queues: [{id: q, account: demo, lines: [a], announce_seconds: 0}]"
    flow = "{name: main, account: demo, start: wait, nodes: {wait: {type: queue, queue: q}}}"
    put(
        store,
        f"{TWO_LINES}{queues}\nflows: [{flow}]\nnumbers: [{{number: 4008001234, account: demo, flow: main}}]",
    )
    with store.reading() as session:
        assert left(ask(session, "4008001234")) is Left.JOINED
    with store.work() as session:
        session.delete(session.scalars(select(QueueRow)).one())
        session.commit()
    with store.reading() as session:
        answer, known = ask(session, "4008001234"), load_table(session, datetime.now(UTC))
    assert (queue_lines(answer), left(answer)) == (([], {}), Left.NO_LINE)
    leg = FakeLeg()
    take(leg, desk(routing=lambda: known))
    assert leg.told["outcome"] == "failed:queue-nobody" and leg.ended_with == "NO_ANSWER"


def test_a_queue_s_turns_are_looked_at_and_not_taken(session: Session, tmp_path: Path) -> None:
    with contextlib.closing(Journal(tmp_path / "journal.db")) as journal:
        journal.line_rung("queue/turns", ["a"], NOW)
        for _ in range(2):
            answer = explain(Question("4008000062", "13800138000", NOW), session, journal, day_kind)
            assert queue_lines(answer) == ([["b"], ["c"], ["a"]], {})


def test_a_stored_flow_that_would_go_round_for_ever_takes_no_calls(store: Store) -> None:
    """The check refuses it; that of an older version did not."""
    flow = "{name: main, account: demo, start: ring, nodes: {ring: {type: ring, lines: [a]}}}"
    put(store, f"{TWO_LINES}flows: [{flow}]\nnumbers: [{{number: 4008001234, account: demo, flow: main}}]")
    with store.work() as session:
        version = session.scalars(select(FlowVersion)).one()
        version.graph = {"start": "ring", "nodes": {"ring": {"type": "ring", "lines": ["a"], "failed": "ring"}}}
        session.commit()
    with store.reading() as session:
        answer, known = ask(session, "4008001234"), load_table(session, datetime.now(UTC))
    assert answer.refused is not None and answer.refused.reason is Refusal.OUT_OF_SERVICE
    leg = FakeLeg()
    take(leg, desk(routing=lambda: known))
    assert leg.ended_with == ENDINGS[Refusal.OUT_OF_SERVICE].cause


def test_the_boxs_own_calendar_and_places_go_before_the_public_ones(store: Store) -> None:
    site = """
trunks: [{id: t, accept: [127.0.0.1], proxy: "127.0.0.1:5060", caller_id: pass}]
lines: [{id: a, account: demo, number: 02160000001, kind: landline, trunk: t}]
schedules: [{id: office, account: demo, week: {mon-sun: ["00:00-24:00"]}}]
numbers: [{number: 4008001234, account: demo, lines: [a], rules: {schedule: office, regions_only: [上海]}}]
"""
    asked = {"caller": "19912340000", "at": datetime(2026, 10, 1, 2, tzinfo=UTC)}
    put(store, site)
    with store.reading() as session:
        answer = ask(session, "4008001234", **asked)
        assert str(answer.place) == "河北唐山"
        assert answer.refused is not None and answer.refused.reason is Refusal.HOLIDAY
    put(store, f'{site}calendar: {{"2026-10-01": workday}}')
    with store.reading() as session:
        answer = ask(session, "4008001234", **asked)
        assert answer.refused is not None and answer.refused.because == "place=河北唐山"
    put(store, f'{site}calendar: {{"2026-10-01": workday}}\nregions: {{"1991234": 上海, "0512": 上海}}')
    with store.reading() as session:
        assert ask(session, "4008001234", **asked).refused is None
        assert ask(session, "4008001234", "051261234567", at=asked["at"]).refused is None


def test_calls_of_the_question_s_own_instant_and_later_are_not_before_it(
    site: Store, session: Session, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal.db")
    for second, uuid in ((-61, "old"), (-60, "edge"), (-59, "a"), (-1, "b"), (0, "now"), (1, "later")):
        at = NOW.timestamp() + second
        journal.call_started(
            Started(uuid, datetime.fromtimestamp(at, UTC), "4008000021", "demo", "t", "13800138000", True)
        )
    found = explain(Question("4008000021", "13800138000", NOW), session, journal, day_kind)
    assert found.refused is not None and found.refused.because == "calls=2 limit=2"
    journal.close()


def test_who_guessed_too_often_is_neither_asked_nor_answered(session: Session, tmp_path: Path) -> None:
    journal, wrong = Journal(tmp_path / "journal.db"), Refusal.WRONG_PASSWORD
    for number in range(OF_A_CALLER.allowed):
        at = NOW - timedelta(minutes=number + 1)
        Try(journal.file, of_passwords("4008000024", "13800138000"), at)
    for caller, password, refused, answered in (
        ("13800138000", None, True, False),
        ("13800138000", "1", True, False),
        ("02188886666", None, False, False),
        ("02188886666", "1", True, True),  # answered to ask for it
    ):
        found = explain(Question("4008000024", caller, NOW, password=password), session, journal, day_kind)
        assert (found.refused is not None and found.refused.reason is wrong) is refused
        assert found.answered is answered
    journal.close()


def test_nothing_is_written(site: Store, session: Session, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    for number in table().numbers:
        for busy in ([], ["a", "b", "c"]):
            explain(Question(number, "13800138000", NOW, busy=busy, keys=["1"]), session, journal, day_kind)
    asked = journal.started_between(NOW.replace(year=2000), NOW.replace(year=2099))
    assert asked == [] and journal.uses("4008000001", Hunt((), Strategy.ROTATE), "", "", {}, NOW).lines == {}
    journal.close()


@pytest.mark.parametrize(
    ("found", "verdict", "refused"),
    [
        (None, Verdict.NONE, None),
        (Limit(120, 2_000_000), Verdict.PASSED, None),
        (Unfunded(Refusal.NO_CREDIT, 0), Verdict.REFUSED, Refusal.NO_CREDIT),
    ],
)
def test_money_is_asked_for_and_none_is_held(
    session: Session, found: Limit | Unfunded | None, verdict: Verdict, refused: Refusal | None
) -> None:
    journal = Journal(Path("/nowhere/journal.db"), reads_only=True)
    question = Question("4008000023", "13800138000", NOW)
    answer = explain(question, session, journal, day_kind, money=lambda number, account, kind: found)
    (step,) = [one for one in answer.trail if one.rule is Rule.BALANCE]
    assert step.verdict is verdict
    assert (answer.refused.reason if answer.refused else None) is refused
    assert answer.prompt == ("no-credit" if refused else "")
