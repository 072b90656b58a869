"""What a flow refers to has to be there, and to be the enterprise's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.errors import FlowError, MediaError
from appliance.flows.publish import FlowFaults
from appliance.store.unit import Store
from tests.flows.publishing import (
    LATER,
    MINUTE,
    NOW,
    ONLY_SQLITE,
    enters,
    faults_of,
    publish,
    publisher,
    says,
    taken,
)


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
