"""The simulator against calls: what it says would become of a call is what the call steps do with it.

Each chain of ``tests/scenarios/calls.txt`` is carried out on a scripted leg; before each of its calls the simulator
is asked the same, over the same routing and the same journal.
"""

from __future__ import annotations

import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import bootstrap, cli
from appliance.calls.answer import take
from appliance.calls.desk import Desk
from appliance.cli.route import route
from appliance.domain.admission import MOST_GUESSES, Rule, Step, Verdict
from appliance.domain.calendar import SHANGHAI
from appliance.domain.called import Refused
from appliance.domain.flow import HangUp, Menu, Play
from appliance.domain.hunt import Choice, Hunt, Skip, Strategy
from appliance.domain.numbers import Caller, CallerKind
from appliance.domain.outcome import Disposition
from appliance.domain.places import Place
from appliance.domain.refusal import ENDINGS, Refusal
from appliance.domain.routing import CalledFrom, Line
from appliance.domain.walk import Left, Visit, Walk
from appliance.errors import SiteError
from appliance.reference.workdays import day_kind
from appliance.simulate import words
from appliance.simulate.route import Answer, Question, explain
from appliance.simulate.words import REFUSALS, in_words
from appliance.site import check, read
from appliance.site.apply import apply
from appliance.store import schema
from appliance.store.journal import Journal, Started
from appliance.store.models import Call, FlowVersion
from appliance.store.routing import load_table
from appliance.store.unit import Store
from tests.calls.scenarios import FOLDER, Clock, Scenario, chains, desk, leg_of, remember_talk, table
from tests.contract.fake import FakeLeg

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)  # a Wednesday, ten in Shanghai
#: Where a trunk's INVITEs come from in the table of scenarios.
TRUNKS = {"127.0.0.1": "t", "127.0.0.2": "thin"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The scenarios' site, stored; with it a plan by time, one by call, and a price for mobiles alone."""
    url = f"sqlite:///{tmp_path_factory.mktemp('site')}/appliance.db"
    schema.upgrade(url)
    text = (FOLDER / "site.yaml").read_text(encoding="utf-8") + PLANS
    for number, plan in SUBSCRIBED.items():
        old = f'{{number: "{number}", '
        assert text.count(old) == 1
        text = text.replace(old, f'{old}subscriptions: [{{plan: {plan}, starts_at: "{SINCE}"}}], ')
    file = Path(url.removeprefix("sqlite:///")).parent / "site.yaml"
    file.write_text(text, encoding="utf-8")
    document = check.load(file, lambda account, name: Path(f"/prompts/{name}.wav"))
    with schema.opened(url) as store:
        apply(store, document, now=NOW)
        yield store


SINCE = "2026-01-01T00:00:00+08:00"
SUBSCRIBED = {"4008000022": "minutes", "4008000023": "calls", "4008000024": "mobiles"}
PLANS = f"""
plans:
  - {{code: minutes, name: 按时, charge_by: time, meter: answer, prices: [
      {{effective_from: "{SINCE}", per_minute: 0.11, connect_fee: 0.5}}]}}
  - {{code: calls, name: 按次, charge_by: call, meter: answer, prices: [
      {{effective_from: "{SINCE}", per_call: 1.5}}]}}
  - {{code: mobiles, name: 手机, charge_by: time, meter: bridge, prices: [
      {{effective_from: "{SINCE}", caller: mobile, per_minute: 0.2}}]}}
"""


@pytest.fixture
def session(site: Store) -> Iterator[Session]:
    with site.reading() as reading:
        yield reading


# -- Against calls ---------------------------------------------------------------------------------------------


def cannot_be_asked(row: Scenario) -> str:
    """Why a question cannot express a row; empty: it can."""
    if row.gone_at:
        return "the caller hangs up"
    if row.address not in TRUNKS:
        return "it comes from no trunk"
    if set(row.ends.values()) - {Disposition.BUSY, Disposition.FULL}:
        return "a line ends otherwise than busy"
    if len({row.others.get(realm, 0) for realm in limited(row)}) > 1:
        return "others are there on some of the realms that are limited only"
    return ""


def busy_lines(row: Scenario) -> set[str]:
    """Lines that are busy, by whichever trunk they are reached."""
    return {end.partition("@")[0] for end in row.ends}


def limited(row: Scenario) -> set[str]:
    """The realms in which the row's call is counted."""
    known = table()
    called = known.numbers.get(row.number)
    trunk = known.trunk(TRUNKS[row.address])
    assert trunk is not None
    most = {
        "trunk": trunk.max_calls,
        "account": known.account_max_calls.get(called.account, 0) if called else 0,
        "number": called.rules.max_calls if called else 0,
    }
    return {realm for realm, limit in most.items() if limit}


def question_of(row: Scenario) -> Question:
    called = table().numbers.get(row.number)
    passwords = called.rules.passwords if called else frozenset()
    # What is pressed first answers for the password: the first right one of three, else the last.
    tries = [*row.presses, "", "", ""][:3] if passwords else []
    keyed = next((key for key in tries if key in passwords), tries[-1] if tries else "")
    realms = limited(row)
    return Question(
        number=row.number,
        caller=row.caller or "13800138000",
        at=row.moment,
        trunk=TRUNKS[row.address],
        busy=sorted(busy_lines(row)),
        # A caller who presses no more is silent.
        keys=[] if passwords else [*row.presses, *[""] * 9],
        password=keyed,
        others=row.others.get(min(realms), 0) if realms else 0,
    )


def rounds_of(leg: FakeLeg) -> list[list[str]]:
    """What was rung, round after round."""
    return [step[1].split("+") for step in leg.did if step[0] == "connect"]


def heard(leg: FakeLeg) -> list[str]:
    """Announcements, by their names."""
    return [step[1].removesuffix(".wav") for step in leg.did if step[0] == "play"]


def ids(choice: Choice) -> list[list[str]]:
    return [[line.id for line in lines] for lines in choice.rounds]


class OnlyAsks:
    """A journal that is looked into and never written."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        if name in ("call_started", "line_rung", "talked"):
            return lambda *told: None
        return getattr(self._journal, name)


def rung_in_vain(row: Scenario, tools: Desk) -> list[list[str]]:
    """What the call would ring before any overflow if every line were busy; nothing remembers it."""
    leg = leg_of(row)
    leg.lines = dict.fromkeys(table().lines, Disposition.BUSY)
    only_asks: Any = OnlyAsks(tools.journal)
    take(leg, replace(tools, journal=only_asks, dice=random.Random(1)))
    rounds: list[list[str]] = []
    for step in leg.did:
        if step[0] == "answer" and rounds:
            break  # an overflow answers once the lines have failed
        if step[0] == "connect":
            rounds.append(step[1].split("+"))
    return rounds


def agree_on_refusal(answer: Answer, leg: FakeLeg) -> None:
    """Refused or not, for the same reason and by the same facts, with the same announcement or flow."""
    if answer.refused is None:
        assert leg.told["taken"] == "yes" and not leg.told["outcome"].startswith("refused:")
        assert answer.trail[-1] == Step(Rule.DEFAULT, Verdict.PASSED)
        return
    reason, because = answer.refused.reason, answer.refused.because
    assert leg.told.get("taken", reason) == reason  # not told where there was no number to ask
    assert answer.trail[-1].refusal is reason and answer.direct is None
    if answer.flow is not None:
        assert leg.told["because"] == f"{reason} {because}"
        return
    assert (leg.told["outcome"], leg.told.get("because", "")) == (f"refused:{reason}", because)
    assert (leg.ended_with, heard(leg)) == (ENDINGS[reason].cause, [answer.prompt])
    assert answer.answered is (("answer",) in leg.did)


def agree_on_lines(answer: Answer, leg: FakeLeg, row: Scenario, in_vain: list[list[str]]) -> None:
    """The lines of a number without a flow, in the same rounds, and why others are not among them."""
    assert answer.direct is not None
    hunt, busy = table().numbers[row.number].hunt, busy_lines(row)
    off = {line: why for line, why in answer.direct.skipped.items() if why is not Skip.BUSY}
    assert set(hunt.lines) == {line for lines in in_vain for line in lines} | set(off)
    assert set(answer.direct.skipped) - set(off) == busy & set(hunt.lines) - set(off)
    said = ids(answer.direct)
    idle = [kept for lines in in_vain if (kept := [line for line in lines if line not in busy])]
    if hunt.strategy in (Strategy.RANDOM, Strategy.WEIGHT):
        assert sorted(said) == sorted(idle)
        return
    assert said == idle
    assert rounds_of(leg)[: len(in_vain)] == in_vain[: len(rounds_of(leg))]
    if said:
        assert leg.joined in said[0]
    if not in_vain:
        assert leg.told["because"] == " ".join(f"{line}={why}" for line, why in off.items())


def agree_on_flow(answer: Answer, leg: FakeLeg) -> None:
    """The same flow, along the same prompts and keys to the same node and the same end."""
    assert (answer.flow.label if answer.flow else None) == leg.told.get("flow")
    if answer.walk is None:
        assert answer.flow is None
        return
    visits = answer.walk.visits
    assert visits[-1].node_id == leg.told["node"]
    taken = [(visit.node_id, visit.keys[-1], visit.node) for visit in visits if isinstance(visit.node, Menu)]
    chosen = [f"{node_id}={key}" for node_id, key, menu in taken if key in menu.keys]
    assert ";".join(chosen) == leg.told.get("keys", "")
    asked = sum(len(visit.keys) for visit in visits)
    assert asked == sum(step[0] == "collect" for step in leg.did)
    prompts = [visit.node.prompt for visit in visits if isinstance(visit.node, Play | HangUp) and visit.node.prompt]
    assert [name for name in heard(leg) if name in prompts] == prompts
    assert (answer.walk.left is Left.JOINED) is bool(leg.joined)
    if leg.joined:
        assert visits[-1].choice is not None and leg.joined in ids(visits[-1].choice)[0]


#: Chains of which a row at least can be put as a question; ``test_most_calls_can_be_asked`` counts the rest.
ASKABLE = [chain for chain in chains() if not all(map(cannot_be_asked, chain))]


@pytest.mark.parametrize("chain", ASKABLE, ids=lambda chain: chain[0].name.replace(" ", "-"))
def test_what_is_said_of_a_call_is_what_becomes_of_it(chain: list[Scenario], session: Session) -> None:
    reasons = [cannot_be_asked(row) for row in chain]
    clock = Clock()
    tools = desk(clock)
    for at, (row, cannot) in enumerate(zip(chain, reasons, strict=True)):
        clock.now = row.moment
        leg = leg_of(row, at)
        if cannot:
            take(leg, tools)
        else:
            # Both are asked before the call is written down.
            answer = explain(question_of(row), session, tools.journal, day_kind)
            in_vain = rung_in_vain(row, tools) if answer.direct is not None else []
            take(leg, tools)
            agree_on_refusal(answer, leg)
            agree_on_flow(answer, leg)
            if answer.direct is not None:
                agree_on_lines(answer, leg, row, in_vain)
        if leg.joined:
            remember_talk(tools.journal, leg, clock.now)


def test_most_calls_can_be_asked() -> None:
    asked = Counter(cannot_be_asked(row) for chain in chains() for row in chain)
    assert asked[""] >= 270
    assert len(ASKABLE) >= 190
    assert set(asked) == {
        "",
        "the caller hangs up",
        "it comes from no trunk",
        "a line ends otherwise than busy",
        "others are there on some of the realms that are limited only",
    }


# -- What is asked ---------------------------------------------------------------------------------------------


def ask(session: Session, number: str, caller: str = "13800138000", **more: Any) -> Answer:
    """Asked over an empty journal."""
    journal = Journal(Path("/nowhere/journal.db"), reads_only=True)
    question = Question(number, caller, more.pop("at", NOW), **more)
    return explain(question, session, journal, day_kind, dice=random.Random(1))


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


def put(store: Store, text: str) -> None:
    """A site of an account ``demo`` and what the text says."""
    whole = f"version: 1\naccounts: [{{id: demo, name: 示范企业}}]\n{text}\n".encode()
    document = read.parse(whole, "site.yaml")
    assert check.check(document, lambda account, name: Path(f"/prompts/{name}.wav")) == []
    apply(store, document, now=NOW)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of this version that is only copied."""
    file = tmp_path_factory.mktemp("migrated") / "appliance.db"
    schema.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def store(migrated: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    shutil.copy(migrated, tmp_path / "appliance.db")
    with schema.opened(f"sqlite:///{tmp_path}/appliance.db") as made:
        yield made


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


def test_a_stored_flow_that_would_go_round_for_ever_takes_no_calls(store: Store) -> None:
    """The check refuses it; that of an older version did not."""
    flow = "{name: main, account: demo, start: ring, nodes: {ring: {type: ring, lines: [a]}}}"
    put(store, f"{TWO_LINES}flows: [{flow}]\nnumbers: [{{number: 4008001234, account: demo, flow: main}}]")
    with store.work() as session:
        version = session.scalars(select(FlowVersion)).one()
        version.graph = {"start": "ring", "nodes": {"ring": {"type": "ring", "lines": ["a"], "failed": "ring"}}}
        session.commit()
    with store.reading() as session:
        answer, known = ask(session, "4008001234"), load_table(session)
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
    for number in range(MOST_GUESSES):
        at = NOW - timedelta(minutes=number + 1)
        journal.call_started(Started(str(number), at, "4008000024", "demo", "t", "13800138000", False, wrong))
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


# -- In words --------------------------------------------------------------------------------------------------


def both(said: Iterable[words.Words]) -> tuple[list[str], list[str]]:
    """Chinese and English, line by line; none stands there in the other's place."""
    lines = list(said)
    for line in lines:
        assert line.en and line.zh != line.en and not line.zh.isascii()
    return [line.zh for line in lines], [line.en for line in lines]


LINE = Line("a", "demo", "02160000001", "t")
CALLER = Caller("13800138000", CallerKind.MOBILE)


def answered(**more: Any) -> Answer:
    return Answer(Question("4008001234", "13800138000", NOW), CALLER, Place("北京", ("北京",)), (), **more)


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("rule", Rule)
def test_every_word_of_a_rule_is_said_in_both_languages(rule: Rule, verdict: Verdict) -> None:
    step = Step(rule, verdict, {"calls": "3", "limit": "2", "empty": ""})
    (zh,), (en,) = both(list(in_words(replace(answered(), trail=(step,))))[1:2])
    assert zh.endswith("  calls=3 limit=2") and en.endswith("  calls=3 limit=2") and en.isascii()


def test_no_two_rules_verdicts_or_reasons_have_the_same_words() -> None:
    for said in (words._RULES, words._VERDICTS, words.REFUSALS, words._SKIPS, words._LEFT):
        for language in (0, 1):
            assert len({pair[language] for pair in said.values()}) == len(said)
    assert [set(words._RULES), set(words._VERDICTS), set(words.REFUSALS)] == [set(Rule), set(Verdict), set(Refusal)]
    assert [set(words._SKIPS), set(words._LEFT)] == [set(Skip), set(Left)]
    assert set(words._KINDS) == set(CallerKind)


@pytest.mark.parametrize("reason", Refusal)
@pytest.mark.parametrize(("answer", "free"), [(False, "unanswered"), (True, "answered")])
def test_every_refusal_and_what_is_heard_then(reason: Refusal, answer: bool, free: str) -> None:
    refused = Refused(reason, CALLER)
    zh, en = both(in_words(answered(refused=refused, prompt="sorry", answered=answer)))
    assert zh[1] == f"结果：拒绝，{REFUSALS[reason][0]}（{reason}）"
    assert en[1:] == [
        f"refused: {REFUSALS[reason][1]} ({reason})",
        f"{free}, then plays sorry and hangs up".replace("unanswered, then", "unanswered,"),
    ]
    silent_zh, silent_en = both(in_words(answered(refused=refused, answered=answer)))
    assert silent_en[2:] == ["hung up without an announcement"] and len(silent_zh) == 3


def test_a_refused_call_that_a_flow_takes(session: Session) -> None:
    answer = ask(session, "4008000030", at=datetime(2026, 11, 25, 4, tzinfo=UTC))
    zh, en = both(in_words(answer))
    assert en[-7:] == [
        "refused: out of hours (out-of-hours)",
        "flow: duty@1",
        "say: plays duty",
        "ring:",
        "rings: c",
        "a line answers",
        "price: no plan",
    ]
    assert zh[-7:-5] == ["结果：拒绝，非工作时间（out-of-hours）", "流程：duty@1"]


@pytest.mark.parametrize("why", Skip)
def test_every_reason_why_a_line_is_passed_over(why: Skip) -> None:
    zh, en = both(in_words(answered(direct=Choice((), {"a": why}))))
    assert en[1:] == ["taken", f"passes over a: {words._SKIPS[why][1]}", "no line: hung up"]
    assert zh[2] == f"跳过 a：{words._SKIPS[why][0]}"


@pytest.mark.parametrize("left", Left)
def test_every_end_of_a_walk(left: Left) -> None:
    flow = table().numbers["4008001234"].flow
    assert flow is not None
    choice = Choice(((LINE, replace(LINE, id="b")), (replace(LINE, id="c"),)), {"d": Skip.BUSY})
    keys = ("", "9", "1")
    visits = [Visit(node, flow.nodes[node]) for node in ("news", "bye")]
    visits += [Visit("menu", flow.nodes["menu"], keys), Visit("menu", flow.nodes["menu"])]
    visits += [Visit("sales", flow.nodes["sales"], choice=choice), Visit("x", HangUp())]
    zh, en = both(in_words(answered(flow=flow, walk=Walk(tuple(visits), left))))
    assert en[1:] == [
        "taken",
        "flow: main@1",
        "news: plays news",
        "bye: plays bye",
        "menu: menu main, keys -, 9, 1",
        "menu: menu main, keys -",
        "sales:",
        "rings: a+b → c",
        "passes over d: busy",
        "x: plays -",
        words._LEFT[left][1],
    ]
    assert zh[8] == "振铃：a+b → c" and zh[-1] == words._LEFT[left][0]


@pytest.mark.parametrize(
    ("caller", "kind", "place", "zh", "en"),
    [
        ("13800138000", "mobile", Place("北京", ("北京",)), "13800138000（手机，北京）", "(mobile, 北京)"),
        ("051261234567", "fixed", Place("江苏", ("苏州",)), "051261234567（固话，江苏苏州）", "(fixed, 江苏苏州)"),
        ("+14155550100", "overseas", Place("境外"), "+14155550100（境外）", "(overseas, 境外)"),
        ("", "unknown", None, "anonymous（未知）", "anonymous (unknown) calls"),
    ],
)
def test_who_calls(caller: str, kind: str, place: Place | None, zh: str, en: str) -> None:
    asked = Question("4008001234", caller or "anonymous", datetime(2026, 11, 28, 16, 30, 5, tzinfo=UTC))
    first = next(in_words(Answer(asked, Caller(caller, CallerKind(kind)), place, ())))
    assert first.zh == f"{zh}拨打 4008001234，2026-11-29 00:30:05 星期日"
    assert en in first.en and first.en.endswith(" calls 4008001234, Sun 2026-11-29 00:30:05 (Asia/Shanghai)")


@pytest.mark.parametrize(
    ("number", "caller", "zh", "en"),
    [
        (
            "4008000022",
            "13800138000",
            "价格：套餐 按时（minutes），每分钟 0.11 元，接通费 0.50 元",
            "price: plan minutes (按时), 0.11 yuan a minute, connect fee 0.50 yuan",
        ),
        (
            "4008000023",
            "02188886666",
            "价格：套餐 按次（calls），每次 1.50 元，接通费 0.00 元",
            "price: plan calls (按次), 1.50 yuan a call, connect fee 0.00 yuan",
        ),
        (
            "4008000024",
            "13800138000",
            "价格：套餐 手机（mobiles），每分钟 0.20 元，接通费 0.00 元",
            "price: plan mobiles (手机), 0.20 yuan a minute, connect fee 0.00 yuan",
        ),
        ("4008000024", "02188886666", "价格：套餐没有适用的价格", "price: the plan has no price for it"),
        ("4008000025", "13800138000", "价格：没有套餐", "price: no plan"),
    ],
    ids=["by-time", "by-call", "for-mobiles", "not-for-others", "no-plan"],
)
def test_prices(session: Session, number: str, caller: str, zh: str, en: str) -> None:
    assert list(in_words(ask(session, number, caller)))[-1] == words.Words(zh, en)


def test_before_a_subscription_begins_there_is_no_plan(session: Session) -> None:
    answer = ask(session, "4008000022", at=datetime(2025, 12, 31, 15, 59, tzinfo=UTC))
    assert list(in_words(answer))[-1].en == "price: no plan"


# -- The command -----------------------------------------------------------------------------------------------


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
