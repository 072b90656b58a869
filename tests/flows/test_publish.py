"""Drafts, checks and publications: what calls take from when on, and how it goes back."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from appliance.errors import FlowError, MediaError
from appliance.flows.publish import FlowFaults
from appliance.store.models import FlowDraft, FlowPublication, FlowVersion, Line
from appliance.store.unit import Store
from tests.flows.publishing import (
    MINUTE,
    NOW,
    NUMBER,
    enters,
    publish,
    publisher,
    revision_of,
    says,
    states,
    table,
    taken,
    told,
)

ONLY_SQLITE = pytest.mark.parametrize("kind", ["sqlite"])
BROKEN: dict[str, Any] = {"start": "gone", "nodes": {"bye": {"type": "hangup", "cause": "BOREDOM"}, "x": 5}}
LATER = NOW + timedelta(hours=1)


def faults_of(store: Store, graph: dict[str, Any], name: str = "welcome") -> set[tuple[str, str]]:
    """(node, field) of the faults with which a graph is refused."""
    who = publisher(store)
    who.save(name, graph)
    with pytest.raises(FlowFaults) as refused:
        who.publish(name)
    return {(fault.node, fault.field) for fault in refused.value.faults}


def test_a_draft_may_have_faults_and_is_refused_by_node_and_field(site: Store) -> None:
    before = revision_of(site)
    publisher(site, by="li").save("welcome", BROKEN)
    assert faults_of(site, BROKEN) == {("", "start"), ("bye", "cause"), ("x", "")}
    assert taken(site) == 1 and revision_of(site) == before, "calls notice nothing"
    with site.reading() as session:
        (draft,) = session.scalars(select(FlowDraft))
        assert (draft.graph, draft.based_on, draft.edited_by, draft.edited_at) == (BROKEN, 1, "wang", NOW)
        assert len(session.scalars(select(FlowVersion)).all()) == 2
    state = states(site)["welcome"]
    assert (state.published, state.draft_at, state.draft_by) == (1, NOW, "wang")


@ONLY_SQLITE
def test_what_is_published_now_is_taken_at_once(site: Store) -> None:
    before = revision_of(site)
    assert publish(site, says("second"), note="夏季") == 2
    assert revision_of(site) > before, "handlers read again"
    route = table(site).numbers[NUMBER]
    assert route.flow is not None and route.flow.label == "welcome@2" and route.in_service
    assert taken(site, NOW - MINUTE) == 1
    assert [(one.version, one.at, one.made_by, one.note) for one in told(site)] == [
        (2, NOW, "wang", "夏季"),
        (1, NOW - MINUTE, "site-file", ""),
    ]
    assert states(site)["welcome"].draft_at is None, "the draft is published and gone"
    with pytest.raises(FlowError, match="has no draft"):
        publisher(site).publish("welcome")


def test_what_is_published_at_a_time_is_taken_from_then_on(site: Store) -> None:
    before = revision_of(site)
    assert publish(site, says("later"), at=NOW) == 2
    publisher(site).save("welcome", says("winter"))
    assert publisher(site).publish("welcome", at=LATER) == 3
    assert revision_of(site) == before + 2
    assert [taken(site, at) for at in (NOW, LATER - MINUTE / 60, LATER, LATER + MINUTE)] == [2, 2, 3, 3]
    assert states(site)["welcome"].to_come == ((LATER, 3),)
    assert states(site, at=LATER)["welcome"].to_come == ()


@pytest.mark.parametrize("past", [NOW, NOW - MINUTE])
@ONLY_SQLITE
def test_nothing_is_published_in_the_past(site: Store, past: Any) -> None:
    who = publisher(site)
    who.save("welcome", says("second"))
    with pytest.raises(FlowError, match="is over"):
        who.publish("welcome", at=past)
    assert len(told(site)) == 1 and states(site)["welcome"].draft_at == NOW


def test_a_draft_that_is_the_same_as_a_version_is_that_version(site: Store) -> None:
    assert publish(site, says("second")) == 2
    assert publish(site, says("first"), NOW + MINUTE) == 1
    assert taken(site, NOW + MINUTE) == 1
    swapped = {"nodes": {"bye": {"prompt": "second", "type": "hangup"}}, "start": "bye"}
    assert publish(site, swapped, NOW + 2 * MINUTE) == 2
    assert [one.version for one in told(site)] == [2, 1, 2, 1]
    with site.reading() as session:
        assert len(session.scalars(select(FlowVersion)).all()) == 3


@ONLY_SQLITE
def test_the_order_of_cases_makes_another_version(site: Store) -> None:
    """The first that fits is taken: the same cases in another order are another flow."""
    made = []
    for cases in ({"138*": "a", "1380*": "b"}, {"1380*": "b", "138*": "a"}):
        switch = {"type": "switch", "variable": "caller", "cases": cases, "other": "b"}
        nodes = {"sw": switch, "a": {"type": "hangup"}, "b": {"type": "hangup", "cause": "USER_BUSY"}}
        made.append(publish(site, {"start": "sw", "nodes": nodes}))
    assert made == [2, 3]
    with site.reading() as session:
        (kept,) = session.scalars(select(FlowVersion).where(FlowVersion.version == 3))
        assert list(kept.graph["nodes"]["sw"]["cases"]) == ["1380*", "138*"]


@ONLY_SQLITE
def test_going_back_to_the_version_before(site: Store) -> None:
    publish(site, says("second"))
    before = revision_of(site)
    assert publisher(site, NOW + MINUTE).roll_back("welcome", note="出错") == 1
    assert (taken(site), taken(site, NOW + MINUTE)) == (2, 1) and revision_of(site) > before
    assert (told(site)[0].version, told(site)[0].note) == (1, "出错")
    # Once more: what calls took before is the second one.
    assert publisher(site, NOW + 2 * MINUTE).roll_back("welcome") == 2


def test_going_back_after_several_and_to_a_named_one(site: Store) -> None:
    for serial, prompt in enumerate(("second", "third", "fourth")):
        publish(site, says(prompt), NOW + serial * MINUTE)
    at = NOW + timedelta(minutes=10)
    assert publisher(site, at).roll_back("welcome") == 3
    assert publisher(site, at + MINUTE).roll_back("welcome", 1) == 1
    assert taken(site, at + MINUTE) == 1
    with pytest.raises(FlowError, match="no version 9"):
        publisher(site, at).roll_back("welcome", 9)


@ONLY_SQLITE
def test_going_back_passes_over_what_was_cancelled_or_the_same(site: Store) -> None:
    publish(site, says("second"))
    publish(site, says("second"), NOW + MINUTE)
    publisher(site, NOW + MINUTE).save("welcome", says("third"))
    publisher(site, NOW + MINUTE).publish("welcome", at=NOW + 2 * MINUTE)
    publisher(site, NOW + MINUTE).cancel("welcome")
    assert publisher(site, NOW + 3 * MINUTE).roll_back("welcome") == 1


@ONLY_SQLITE
def test_there_is_nothing_to_go_back_to(site: Store) -> None:
    with pytest.raises(FlowError, match="no other version before"):
        publisher(site).roll_back("welcome")
    publisher(site).save("fresh", says("first"))
    with pytest.raises(FlowError, match="had no other version before"):
        publisher(site).roll_back("fresh")


@ONLY_SQLITE
def test_going_back_cancels_what_was_to_come(site: Store) -> None:
    publish(site, says("second"))
    publisher(site, NOW + MINUTE).save("welcome", says("third"))
    publisher(site, NOW + MINUTE).publish("welcome", at=LATER)
    assert publisher(site, NOW + 2 * MINUTE, by="li").roll_back("welcome") == 1
    assert taken(site, LATER + MINUTE) == 1
    (cancelled,) = [one for one in told(site) if one.cancelled_at]
    assert (cancelled.version, cancelled.cancelled_at, cancelled.cancelled_by) == (3, NOW + 2 * MINUTE, "li")


@ONLY_SQLITE
def test_a_version_whose_line_is_gone_does_not_come_back(site: Store) -> None:
    publish(site, {"start": "r", "nodes": {"r": {"type": "ring", "lines": ["a", "b"]}}})
    publish(site, says("third"), NOW + MINUTE)
    publisher(site, NOW + MINUTE).save("welcome", says("fourth"))
    publisher(site, NOW + MINUTE).publish("welcome", at=LATER)
    with site.work() as session:
        session.execute(delete(Line).where(Line.id == "b"))
        session.commit()
    before = revision_of(site)
    with pytest.raises(FlowFaults) as refused:
        publisher(site, NOW + 2 * MINUTE).roll_back("welcome", 2)
    (fault,) = refused.value.faults
    assert (fault.text(), fault.text("zh")) == ("r.lines: there is no line b", "r.lines: 没有线路 b")
    assert refused.value.findings == ["r.lines: 没有线路 b", "    r.lines: there is no line b"]
    assert taken(site, NOW + 2 * MINUTE) == 3 and revision_of(site) == before
    assert states(site, at=NOW + 2 * MINUTE)["welcome"].to_come == ((LATER, 4),), "nothing was cancelled"


def test_a_flow_that_is_withdrawn_takes_its_number_out_of_service_and_comes_back(site: Store) -> None:
    publisher(site).save("welcome", says("second"))
    publisher(site).publish("welcome", at=LATER)
    before = revision_of(site)
    publisher(site).withdraw("welcome", note="停用")
    assert revision_of(site) > before
    assert taken(site) is None and taken(site, LATER) is None
    assert not table(site).numbers[NUMBER].in_service
    assert states(site)["welcome"].published is None
    assert (told(site)[1].version, told(site)[1].note) == (None, "停用")
    assert publisher(site, NOW + MINUTE).roll_back("welcome") == 1
    assert table(site, NOW + MINUTE).numbers[NUMBER].in_service


def test_what_is_to_come_is_cancelled_and_counted(site: Store) -> None:
    for hours in (1, 2):
        publisher(site).save("welcome", says(f"in-{hours}"))
        publisher(site).publish("welcome", at=NOW + timedelta(hours=hours))
    before = revision_of(site)
    assert publisher(site, by="li").cancel("welcome") == 2
    assert revision_of(site) > before
    assert publisher(site).cancel("welcome") == 0
    assert taken(site, NOW + timedelta(hours=3)) == 1
    assert [(one.version, one.cancelled_by) for one in told(site)] == [(3, "li"), (2, "li"), (1, "")]


@ONLY_SQLITE
def test_what_is_not_there(site: Store) -> None:
    who = publisher(site)
    for act in (who.publish, who.roll_back, who.withdraw, who.cancel):
        for name in ("nothing", "secret"):  # the second one is another enterprise's
            with pytest.raises(FlowError, match=f"the account demo has no flow {name}"):
                act(name)
    with pytest.raises(FlowError, match="there is no account nobody"):
        publisher(site, account="nobody").save("welcome", says("first"))


@ONLY_SQLITE
@pytest.mark.parametrize("name", ["", "a b", "a@1", "a;b", "流程", "x" * 41, "../x"])
def test_what_no_flow_and_no_node_can_be_called(site: Store, name: str) -> None:
    """Records and places are written with these names: ``NAME@VERSION``, ``NODE=EXIT;NODE=EXIT``."""
    with pytest.raises(FlowError, match="not a flow's name"):
        publisher(site).save(name, says("first"))
    graph = {"start": name, "nodes": {name: {"type": "hangup"}}}
    assert faults_of(site, graph) == {(name, "")}


THEIRS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "line": ({"type": "ring", "lines": ["a", "theirs"]}, "lines", "there is no line theirs", "没有线路 theirs"),
    "queue": ({"type": "queue", "queue": "foreign"}, "queue", "there is no queue foreign", "没有队列 foreign"),
    "queue and skill": (
        {"type": "queue", "queue": "foreign", "skill": "french"},
        "queue",
        "there is no queue foreign",
        "没有队列 foreign",
    ),
    "schedule": (
        {"type": "hours", "schedule": "nights", "open": "bye", "closed": "bye"},
        "schedule",
        "there is no schedule nights",
        "没有时间表 nights",
    ),
    "list": (
        {"type": "vip", "list": "shops", "yes": "bye", "no": "bye"},
        "list",
        "there is no list shops",
        "没有名单 shops",
    ),
    "flow": (
        {"type": "flow", "flow": "secret", "next": "bye"},
        "flow",
        "there is no published flow secret",
        "没有已发布的流程 secret",
    ),
    "skill": (
        {"type": "queue", "queue": "support", "skill": "french"},
        "skill",
        "no line of the queue has the skill french",
        "队列中没有具备技能 french 的线路",
    ),
    "place": (
        {"type": "region", "cases": {"上海": "bye", "境外": "bye", "月球": "bye"}, "other": "bye"},
        "cases.月球",
        "there is no place called 月球",
        "没有名为 月球 的地区",
    ),
}


@ONLY_SQLITE
@pytest.mark.parametrize("case", THEIRS)
def test_what_another_enterprise_has_is_as_if_it_were_not_there(site: Store, case: str) -> None:
    node, field, english, chinese = THEIRS[case]
    nodes = {"n": node, "bye": {"type": "hangup"}}
    if field not in ("lines", "queue", "skill"):
        graph = {"start": "n", "nodes": nodes}
    else:
        graph = {"start": "n", "nodes": {"n": node | {"after": "bye"}, "bye": nodes["bye"]}}
    (fault,) = publisher(site).check("welcome", graph)
    assert (fault.node, fault.field, fault.en, fault.zh) == ("n", field, english, chinese)


@ONLY_SQLITE
def test_what_is_the_enterprises_own_is_found(site: Store) -> None:
    nodes = {
        "sub": {"type": "flow", "flow": "helper", "next": "h"},
        "h": {"type": "hours", "schedule": "office", "open": "v", "closed": "v"},
        "v": {"type": "vip", "list": "vip", "yes": "q", "no": "p"},
        "p": {"type": "region", "cases": {"上海": "q", "境外": "r"}, "other": "r"},
        "q": {"type": "queue", "queue": "support", "skill": "english", "nobody": "r"},
        "r": {"type": "ring", "lines": ["a", "b"]},
    }
    publish(site, says("first"), name="helper")
    assert publisher(site).check("welcome", {"start": "sub", "nodes": nodes}) == []


@ONLY_SQLITE
def test_prompts_have_to_be_there_and_to_be_sound(site: Store) -> None:
    def find_prompt(account: str, name: str) -> Path | None:
        assert account == "demo"
        if name == "noise":
            raise MediaError("/prompts/noise.wav")
        return None

    for prompt, field_text in (
        ("gone", ("bye.prompt: there is no prompt gone", "bye.prompt: 没有提示音 gone")),
        ("noise", ("bye.prompt: cannot be played: /prompts/noise.wav", "bye.prompt: 无法播放：/prompts/noise.wav")),
    ):
        (fault,) = publisher(site, find_prompt=find_prompt).check("welcome", says(prompt))
        assert (fault.text(), fault.text("zh")) == field_text


@ONLY_SQLITE
def test_flows_that_enter_each_other_are_refused(site: Store) -> None:
    assert faults_of(site, enters("welcome")) == {("in", "flow")}
    publish(site, says("first"), name="third")
    publish(site, enters("third"), name="second")
    publish(site, enters("second"))
    with pytest.raises(FlowFaults) as refused:
        publish(site, enters("welcome"), NOW + MINUTE, name="third")
    (fault,) = refused.value.faults
    assert fault.text() == "in.flow: third would be entered again from within itself"
    assert fault.text("zh") == "in.flow: third 会再次进入自己"
    assert taken(site, NOW + MINUTE, "third") == 1


@ONLY_SQLITE
def test_a_flow_is_checked_beside_those_of_its_time(site: Store) -> None:
    """Two new flows can be put up for the same time, and make no ring then."""
    publisher(site).save("helper", says("help"))
    publisher(site).publish("helper", at=LATER)
    publisher(site).save("welcome", enters("helper"))
    with pytest.raises(FlowFaults, match="there is no published flow helper"):
        publisher(site).publish("welcome")
    assert publisher(site).publish("welcome", at=LATER) == 2
    publisher(site).save("helper", enters("welcome"))
    with pytest.raises(FlowFaults, match="entered again"):
        publisher(site).publish("helper", at=LATER + MINUTE)


def at_once(acts: list[Any]) -> list[BaseException]:
    """Everybody at the same moment; what went wrong."""
    gate, wrong = threading.Barrier(len(acts)), []

    def run(act: Any) -> None:
        gate.wait()
        try:
            act()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_two_who_publish_at_once_make_a_version_each(site: Store) -> None:
    """Each has a flow's draft before him; the other one's is neither lost nor numbered alike."""
    count = 6

    def act(serial: int) -> None:
        who = publisher(site, by=f"p{serial}")
        who.save("welcome", says(f"prompt-{serial}"))
        try:
            who.publish("welcome")
        except FlowError as error:
            # Somebody else published what was the draft then: his own, or this one.
            assert "has no draft" in str(error)

    assert at_once([lambda serial=serial: act(serial) for serial in range(count)]) == []
    with site.reading() as session:
        versions = session.scalars(select(FlowVersion).where(FlowVersion.version > 1)).all()
        published = session.scalars(
            select(FlowPublication.version).where(FlowPublication.version > 1).order_by(FlowPublication.id)
        ).all()
        left = session.scalars(select(FlowDraft)).all()
    assert len({one.version for one in versions}) == len(versions) == len({str(one.graph) for one in versions})
    assert len(published) == len(versions) and set(published) == {one.version for one in versions}, "each one once"
    assert taken(site) == published[-1], "the last one is taken"
    assert left == [], "the last to save publishes it himself, or somebody after him"


def test_two_versions_of_different_flows_are_both_there(site: Store) -> None:
    names = [f"flow-{serial}" for serial in range(4)]
    before = revision_of(site)
    assert at_once([lambda name=name: publish(site, says("first"), name=name) for name in names]) == []
    assert {name: taken(site, name=name) for name in names} == dict.fromkeys(names, 1)
    assert revision_of(site) == before + 4


def test_who_was_kept_waiting_has_the_last_word(site: Store) -> None:
    """He came first, and another one was let in before him."""
    seconds = timedelta(seconds=3)
    assert publish(site, says("third"), NOW + seconds) == 2
    assert publish(site, says("fourth"), NOW) == 3
    assert taken(site, NOW + seconds) == 3
    assert publisher(site).roll_back("welcome") == 2
    publisher(site).withdraw("welcome")
    assert taken(site, NOW + seconds) is None
    assert [one.version for one in told(site)] == [None, 2, 3, 2, 1]
    assert not any(one.cancelled_at for one in told(site))


@ONLY_SQLITE
def test_a_clock_that_was_set_back_does_not_put_off_what_is_published(site: Store) -> None:
    publish(site, says("second"), NOW + timedelta(days=400))
    publish(site, says("third"))
    assert taken(site) == 3


def test_who_publishes_while_another_goes_back(site: Store) -> None:
    publish(site, says("second"))
    publisher(site, NOW + MINUTE).save("welcome", says("third"))
    acts = [
        lambda: publisher(site, NOW + 2 * MINUTE).publish("welcome"),
        lambda: publisher(site, NOW + 2 * MINUTE).roll_back("welcome", 1),
    ]
    assert at_once(acts) == []
    history = [one.version for one in told(site)]
    assert set(history[:2]) == {1, 3}
    assert taken(site, NOW + 2 * MINUTE) == history[0]
