"""What queues can get wrong between them and the rest of a file, and what nodes that lead into them can."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.domain import flow as flows
from appliance.site.check_rules import check_of_account
from appliance.site.findings import Finding, Path
from appliance.site.named import FindPrompt, check_lines, check_prompt
from appliance.site.read import Document
from appliance.site.schema import QueuePart

#: What a caller is told when he comes, and what ``domain.speech`` puts his position and the wait together of.
ANNOUNCED = (
    "queue-busy",
    "queue-place",
    "queue-place-end",
    "queue-wait",
    "queue-minutes",
    "queue-soon",
    *(f"n-{number}" for number in (*range(11), "2-liang", 100)),
)
#: What is said to a caller who asks to be called back, as he is, and to the line.
OF_CALLBACKS = (
    *("queue-callback", "callback-number", "callback-confirm", "callback-cannot", "callback-overseas"),
    *("callback-not-kept", "callback-thanks", "callback-line", "callback-press-1", "callback-unreached"),
    *("callback-gone", "callback-greeting", "n-1-yao", *(f"n-{digit}" for digit in range(10))),
)
#: Only where another number may be keyed.
OF_OTHER_NUMBERS = ("callback-other", "callback-enter")


def check_queues(document: Document, find_prompt: FindPrompt) -> Iterator[Finding]:
    """Faults of the queues themselves."""
    accounts = {account.id for account in document.site.accounts}
    for index, part in enumerate(document.site.queues):
        path: Path = ("queues", index)
        if part.account not in accounts:
            yield document.finding((*path, "account"), "unknown-account", value=part.account)
        yield from check_lines(document, (*path, "lines"), part.lines, part.account)
        yield from check_prompt(document, (*path, "music"), part.account, part.music, find_prompt)
        if part.announce_seconds:
            for name in ANNOUNCED:
                here = (*path, "announce_seconds")
                yield from check_prompt(document, here, part.account, name, find_prompt)
        yield from _callback(document, path, part, find_prompt)


def _callback(document: Document, path: Path, part: QueuePart, find_prompt: FindPrompt) -> Iterator[Finding]:
    terms = part.callback
    if terms is None:
        return
    here = (*path, "callback")
    if terms.schedule is not None:
        schedules = {one.id: one for one in document.site.schedules}
        there = (*here, "schedule")
        yield from check_of_account(document, there, "schedule", terms.schedule, schedules, part.account)
    if not any(trunk.proxy and trunk.caller_number for trunk in document.site.trunks):
        yield document.finding(here, "callback-without-trunk")
    for name in (*OF_CALLBACKS, *(OF_OTHER_NUMBERS if terms.other_number else ())):
        if part.announce_seconds and name in ANNOUNCED:
            continue  # said already
        yield from check_prompt(document, here, part.account, name, find_prompt)


def check_queue_nodes(document: Document, path: Path, account: str, graph: flows.Flow) -> Iterator[Finding]:
    """Faults of the nodes of a flow in which callers wait; ``path`` is the flow's."""
    queues = {part.id: part for part in document.site.queues}
    for node_id, node in graph.nodes.items():
        if not isinstance(node, flows.Enqueue):
            continue
        here = (*path, "nodes", node_id)
        queue = queues.get(node.queue)
        if queue is None:
            yield document.finding((*here, "queue"), "unknown-queue", value=node.queue)
        elif queue.account != account:
            owner = queue.account
            yield document.finding(
                (*here, "queue"), "queue-of-another", value=node.queue, owner=owner, account=account
            )
        elif node.skill and not _has_skill(document, queue, node.skill):
            yield document.finding((*here, "skill"), "queue-without-skill", value=node.skill, queue=node.queue)
        elif queue.callback is not None and queue.callback.key in node.keys:
            key = queue.callback.key
            yield document.finding((*here, "keys", key), "callback-key-taken", value=key, queue=node.queue)


def _has_skill(document: Document, queue: QueuePart, skill: str) -> bool:
    return any(skill in line.skills for line in document.site.lines if line.id in queue.lines)
