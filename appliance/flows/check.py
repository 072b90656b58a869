"""What is wrong with a graph of an enterprise: in itself, and in what it names of the site."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain import flow as flows
from appliance.domain.flow.chinese import in_chinese
from appliance.domain.flow.ways import entering_rings
from appliance.domain.names import MOST, is_id
from appliance.domain.places import Place, plain
from appliance.errors import MediaError
from appliance.reference.regions import Regions
from appliance.store.models import Hook, Line, NumberList, Queue, Region, Schedule

#: (account, prompt) → its file, or None; ``MediaError``: the file cannot be played.
FindPrompt = Callable[[str, str], Path | None]


@dataclass(frozen=True, slots=True)
class FlowFault:
    """A fault: the node (empty: the graph itself), the field or exit, and what is wrong, in both languages."""

    node: str
    field: str
    en: str
    zh: str

    def text(self, language: str = "en") -> str:
        """``NODE.FIELD: what``."""
        where = ".".join(filter(None, (self.node, self.field)))
        what = self.zh if language == "zh" else self.en
        return f"{where}: {what}" if where else what


_MISSING: Mapping[flows.Section, tuple[str, str]] = {
    flows.Section.PROMPT: ("there is no prompt {0}", "没有提示音 {0}"),
    flows.Section.LINE: ("there is no line {0}", "没有线路 {0}"),
    flows.Section.QUEUE: ("there is no queue {0}", "没有队列 {0}"),
    flows.Section.SCHEDULE: ("there is no schedule {0}", "没有时间表 {0}"),
    flows.Section.LIST: ("there is no list {0}", "没有名单 {0}"),
    flows.Section.HOOK: ("there is no hook {0}", "没有消息通道 {0}"),
    flows.Section.FLOW: ("there is no published flow {0}", "没有已发布的流程 {0}"),
}


def check(
    session: Session,
    account: str,
    name: str,
    graph: Mapping[str, Any],
    published: Mapping[str, flows.Flow],
    find_prompt: FindPrompt,
) -> list[FlowFault]:
    """Every fault of a graph that is to be published as ``name``.

    What belongs to another account is as if it were not there.

    :param published: the account's published flows by name.
    """
    flow, faults = flows.parse(name, 0, graph)
    if flow is None:
        return [FlowFault(one.node, one.field, one.what, in_chinese(one.what)) for one in faults]
    found = [
        *_names(flow),
        *_references(session, account, flow, published, find_prompt),
        *_queues(session, account, flow),
        *_places(session, flow),
    ]
    for node_id in entering_rings(name, {**published, name: flow}):
        found.append(
            FlowFault(
                node_id, "flow", f"{name} would be entered again from within itself", f"{name} 会再次进入自己"
            )
        )
    return found


def _names(flow: flows.Flow) -> Iterator[FlowFault]:
    """A call's record and its place in the flow are written with these names."""
    en = f"not a node's name (letters, digits, . _ -, at most {MOST})"
    zh = f"不是合法的节点名（字母、数字、. _ -，最多 {MOST} 个）"
    return (FlowFault(node_id, "", en, zh) for node_id in flow.nodes if not is_id(node_id))


def _references(
    session: Session, account: str, flow: flows.Flow, published: Mapping[str, flows.Flow], find_prompt: FindPrompt
) -> Iterator[FlowFault]:
    known: dict[flows.Section, set[str]] = {
        flows.Section.LINE: set(session.scalars(select(Line.id).where(Line.account_id == account))),
        flows.Section.QUEUE: set(session.scalars(select(Queue.id).where(Queue.account_id == account))),
        flows.Section.SCHEDULE: set(session.scalars(select(Schedule.id).where(Schedule.account_id == account))),
        flows.Section.LIST: set(session.scalars(select(NumberList.id).where(NumberList.account_id == account))),
        flows.Section.HOOK: set(session.scalars(select(Hook.id).where(Hook.account_id == account))),
        flows.Section.FLOW: {*published, flow.name},
    }
    for node_id, field, section, name in flow.references():
        if section is flows.Section.PROMPT:
            yield from _prompt(account, node_id, field, name, find_prompt)
        elif name not in known[section]:
            en, zh = _MISSING[section]
            yield FlowFault(node_id, field, en.format(name), zh.format(name))


def _prompt(account: str, node_id: str, field: str, name: str, find_prompt: FindPrompt) -> Iterator[FlowFault]:
    try:
        if find_prompt(account, name) is None:
            en, zh = _MISSING[flows.Section.PROMPT]
            yield FlowFault(node_id, field, en.format(name), zh.format(name))
    except MediaError as error:
        yield FlowFault(node_id, field, f"cannot be played: {error}", f"无法播放：{error}")


def _queues(session: Session, account: str, flow: flows.Flow) -> Iterator[FlowFault]:
    """What nodes ask of their queues; that these are there is said elsewhere (``_references``)."""
    for node_id, node in flow.nodes.items():
        queue = session.get(Queue, node.queue) if isinstance(node, flows.Enqueue) else None
        if queue is None or queue.account_id != account or not isinstance(node, flows.Enqueue):
            continue
        if node.skill and not _has_skill(session, queue, node.skill):
            yield FlowFault(
                node_id,
                "skill",
                f"no line of the queue has the skill {node.skill}",
                f"队列中没有具备技能 {node.skill} 的线路",
            )
        key = (queue.callback or {}).get("key", "")
        if key in node.keys:
            yield FlowFault(
                node_id,
                f"keys.{key}",
                f"the queue {queue.id} calls back by the key {key}, which this node leads elsewhere",
                f"队列 {queue.id} 以按键 {key} 登记回拨，而此节点的该按键另有去向",
            )


def _has_skill(session: Session, queue: Queue, skill: str) -> bool:
    lines = session.scalars(select(Line).where(Line.id.in_(queue.line_ids)))
    return any(skill in line.skills for line in lines)


def _places(session: Session, flow: flows.Flow) -> Iterator[FlowFault]:
    cases = [
        (node_id, case)
        for node_id, node in flow.nodes.items()
        if isinstance(node, flows.Region)
        for case in node.cases
    ]
    if not cases:
        return
    own = {
        row.prefix: Place(row.province, (row.city,) if row.city else ()) for row in session.scalars(select(Region))
    }
    regions = Regions(own)
    for node_id, case in cases:
        if plain(case) != "境外" and not regions.knows(case):
            yield FlowFault(node_id, f"cases.{case}", f"there is no place called {case}", f"没有名为 {case} 的地区")
