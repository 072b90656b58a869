"""What flows can get wrong: their graphs, and what their nodes name of the rest of a file."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.domain import flow as flows
from appliance.domain.flow.ways import entering_rings
from appliance.domain.names import is_id, is_prompt_name
from appliance.site.check_queues import check_queue_nodes
from appliance.site.check_rules import check_of_account, check_place, known_regions
from appliance.site.findings import Finding, Path
from appliance.site.flow_part import FlowPart
from appliance.site.named import FindPrompt, check_hook, check_line, check_prompt
from appliance.site.read import Document
from appliance.site.values import ID_LIMIT


def check_flows(document: Document, find_prompt: FindPrompt) -> Iterator[Finding]:
    """Faults of the flows."""
    accounts = {account.id for account in document.site.accounts}
    graphs: dict[int, flows.Flow] = {}
    for index, part in enumerate(document.site.flows):
        path: Path = ("flows", index)
        if part.account not in accounts:
            yield document.finding((*path, "account"), "unknown-account", value=part.account)
        for name in part.nodes:
            if not is_id(name):
                here = (*path, "nodes", name)
                yield document.finding(here, "not-a-node-name", value=name[:80], limit=ID_LIMIT)
        graph, faults = flows.parse(part.name, 1, part.graph())
        for fault in faults:
            yield document.finding(_graph_path(path, fault), "flow", what=fault.what)
        if graph is not None:
            graphs[index] = graph
            yield from _references(document, path, part, graph, find_prompt)
            yield from check_queue_nodes(document, path, part.account, graph)
            yield from _places(document, path, graph)
    yield from _rings(document, graphs)


def _graph_path(path: Path, fault: flows.Fault) -> Path:
    """Where a fault of the graph stands; ``keys.1`` is a key inside a field."""
    field = tuple(fault.field.split(".", 1)) if fault.field else ()
    return (*path, "nodes", fault.node, *field) if fault.node else (*path, *field)


def _references(
    document: Document, path: Path, part: FlowPart, graph: flows.Flow, find_prompt: FindPrompt
) -> Iterator[Finding]:
    site = document.site
    lines = {line.id: line for line in site.lines}
    lists = {one.id: one for one in site.lists}
    schedules = {one.id: one for one in site.schedules}
    named = {one.name for one in site.flows if one.account == part.account}
    for node_id, field, section, name in graph.references():
        here = (*path, "nodes", node_id, field)
        match section:
            case flows.Section.PROMPT if not is_prompt_name(name):
                yield document.finding(here, "not-a-prompt-name", value=name[:80])
            case flows.Section.PROMPT:
                yield from check_prompt(document, here, part.account, name, find_prompt)
            case flows.Section.LINE:
                yield from check_line(document, lines, here, name, part.account)
            case flows.Section.SCHEDULE:
                yield from check_of_account(document, here, "schedule", name, schedules, part.account)
            case flows.Section.LIST:
                yield from check_of_account(document, here, "list", name, lists, part.account)
            case flows.Section.HOOK:
                yield from check_hook(document, here, name, part.account)
            case flows.Section.FLOW if name not in named:
                yield document.finding(here, "unknown-flow", value=name, account=part.account)


def _places(document: Document, path: Path, graph: flows.Flow) -> Iterator[Finding]:
    regions = known_regions(document)
    for node_id, node in graph.nodes.items():
        if isinstance(node, flows.Region):
            for case in node.cases:
                yield from check_place(document, (*path, "nodes", node_id, "cases", case), case, regions)


def _rings(document: Document, graphs: dict[int, flows.Flow]) -> Iterator[Finding]:
    """Flows that enter themselves, by others or at once."""
    for index, graph in graphs.items():
        account = document.site.flows[index].account
        own = {one.name: one for at, one in graphs.items() if document.site.flows[at].account == account}
        for node_id in entering_rings(graph.name, own):
            yield document.finding(("flows", index, "nodes", node_id, "flow"), "flow-ring", value=graph.name)
