"""A site of two enterprises, and its flows published."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from appliance.domain.calendar import SHANGHAI
from appliance.domain.routing import RoutingTable
from appliance.flows.publish import FlowFaults, Publisher
from appliance.site.apply import apply
from appliance.site.named import FindPrompt
from appliance.store.queries import Scope, reading
from appliance.store.queries.flows import FlowState, PublicationView, flow_states, history
from appliance.store.routing import load_table, revision
from appliance.store.unit import Store
from tests.site.texts import document, every_prompt

NOW = datetime(2026, 11, 25, 10, tzinfo=SHANGHAI)
MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)
#: For what does not depend on the database.
ONLY_SQLITE = pytest.mark.parametrize("kind", ["sqlite"])
NUMBER = "4008001234"
SITE = f"""version: 1
accounts: [{{id: demo, name: 示范企业}}, {{id: other, name: 别家}}]
trunks: [{{id: t, accept: [127.0.0.1], proxy: "127.0.0.1:5090", caller_id: pass}}]
lines:
  - {{id: a, account: demo, number: "02160000001", kind: landline, trunk: t, skills: [english]}}
  - {{id: b, account: demo, number: "02160000002", kind: landline, trunk: t}}
  - {{id: theirs, account: other, number: "02160000003", kind: landline, trunk: t}}
queues:
  - {{id: support, account: demo, lines: [a, b]}}
  - {{id: foreign, account: other, lines: [theirs]}}
schedules: [{{id: office, account: demo}}, {{id: nights, account: other}}]
lists: [{{id: vip, account: demo}}, {{id: shops, account: other}}]
flows:
  - {{name: welcome, account: demo, start: bye, nodes: {{bye: {{type: hangup, prompt: first}}}}}}
  - {{name: secret, account: other, start: bye, nodes: {{bye: {{type: hangup, prompt: first}}}}}}
numbers:
  - {{number: "{NUMBER}", account: demo, flow: welcome, record: "off"}}
  - {{number: "4008005678", account: other, flow: secret, record: "off"}}
"""


def apply_site(store: Store, text: str = SITE, at: datetime = NOW - MINUTE) -> None:
    """What calls take of ``welcome`` is then version 1, since a minute."""
    apply(store, document(text), now=at)


def publisher(
    store: Store,
    at: datetime = NOW,
    account: str = "demo",
    find_prompt: FindPrompt = every_prompt,
    by: str = "wang",
) -> Publisher:
    """Who publishes, at that time."""
    return Publisher(store, account, find_prompt, by, at)


def says(prompt: str) -> dict[str, Any]:
    """A graph that says something and hangs up."""
    return {"start": "bye", "nodes": {"bye": {"type": "hangup", "prompt": prompt}}}


def enters(flow: str) -> dict[str, Any]:
    """A graph that goes through another flow."""
    return {"start": "in", "nodes": {"in": {"type": "flow", "flow": flow}}}


def publish(store: Store, graph: dict[str, Any], at: datetime = NOW, name: str = "welcome", **options: Any) -> int:
    """Save and publish a graph; its version."""
    who = publisher(store, at)
    who.save(name, graph)
    return who.publish(name, **options)


def table(store: Store, at: datetime = NOW) -> RoutingTable:
    """What calls go by at that time."""
    with store.reading() as session:
        return load_table(session, at)


def taken(store: Store, at: datetime = NOW, name: str = "welcome") -> int | None:
    """The version that calls take at that time."""
    flow = table(store, at).flows_of("demo").get(name)
    return flow.version if flow is not None else None


def revision_of(store: Store) -> int:
    """How often what calls go by has changed."""
    with store.reading() as session:
        return revision(session)


def told(store: Store, name: str = "welcome", account: str = "demo") -> list[PublicationView]:
    """The flow's history."""
    with reading(store, Scope(account)) as reader:
        return list(history(reader, name))


def states(store: Store, account: str | None = "demo", at: datetime = NOW) -> dict[str, FlowState]:
    """What the list says of each flow."""
    with reading(store, Scope(account)) as reader:
        return {state.name: state for state in flow_states(reader, at)}


def faults_of(store: Store, graph: dict[str, Any], name: str = "welcome") -> set[tuple[str, str]]:
    """(node, field) of the faults with which a graph is refused."""
    who = publisher(store)
    who.save(name, graph)
    with pytest.raises(FlowFaults) as refused:
        who.publish(name)
    return {(fault.node, fault.field) for fault in refused.value.faults}
