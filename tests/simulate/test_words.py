"""Its answers in words, Chinese and English."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from appliance.domain.admission import Rule, Step, Verdict
from appliance.domain.called import Refused
from appliance.domain.flow import HangUp
from appliance.domain.hunt import Choice, Skip
from appliance.domain.numbers import Caller, CallerKind
from appliance.domain.places import Place
from appliance.domain.refusal import Refusal
from appliance.domain.routing import Line
from appliance.domain.walk import Left, Visit, Walk
from appliance.simulate import words
from appliance.simulate.route import Answer, Question
from appliance.simulate.words import REFUSALS, in_words
from tests.calls.scenarios import table
from tests.simulate.asked import NOW, ask


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


def test_a_queue_in_words(session: Session) -> None:
    zh, en = both(in_words(ask(session, "4008000054", busy=["a", "b"], keys=["2"])))
    assert en[-9:] == [
        "taken",
        "flow: exits@1",
        "wait: queue short",
        "passes over a: busy",
        "other: queue quiet",
        "passes over a: busy",
        "passes over b: busy",
        "waits in the queue",
        "price: no plan",
    ]
    assert zh[-7:-5] == ["wait：队列 short", "跳过 a：忙"] and zh[-2] == "在队列中等待"


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
