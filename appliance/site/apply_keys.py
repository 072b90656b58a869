"""Keys of queues held against the flows that are stored and not in the file: published by hand, now or to come."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from appliance.domain import flow as graphs
from appliance.site.merge import Merge
from appliance.store import flows
from appliance.store.models import Flow


def check_callback_keys(merge: Merge) -> None:
    """A queue's callback key that a stored flow's node leads elsewhere is a fault of the file. After
    ``merge_flows``: what the file says of a flow has been published, and is checked there."""
    site = merge.document.site
    keys = {part.id: part.callback.key for part in site.queues if part.callback is not None}
    if not keys:
        return
    index = {part.id: at for at, part in enumerate(site.queues)}
    named = {(part.account, part.name) for part in site.flows}
    for row in merge.session.scalars(select(Flow).order_by(Flow.account_id, Flow.name)):
        if (row.account_id, row.name) in named or merge.prune:
            continue
        for node_id, queue in sorted(set(_clashes(merge, row, keys))):
            path = ("queues", index[queue], "callback", "key")
            told = {"flow": f"{row.account_id}/{row.name}", "node": node_id}
            merge.faults.append(
                merge.document.finding(path, "callback-key-of-flow", value=keys[queue], queue=queue, **told)
            )


def _clashes(merge: Merge, row: Flow, keys: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(node, queue) of the versions that calls take, or will."""
    taken = flows.published(merge.session, row, merge.now)
    coming = [
        flows.version(merge.session, row, one.version)
        for one in flows.publications(merge.session, row)
        if one.at > merge.now and one.cancelled_at is None and one.version is not None
    ]
    for version in filter(None, [taken, *coming]):
        flow, _ = graphs.parse(row.name, version.version, version.graph)
        for node_id, node in flow.nodes.items() if flow is not None else ():
            if isinstance(node, graphs.Enqueue) and keys.get(node.queue) in node.keys:
                yield node_id, node.queue
