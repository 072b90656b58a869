"""Accounts, trunks, lines, queues, flows and numbers of a file into the store.

Each step flushes: the next refers to it.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import select

from appliance.domain.flow import same
from appliance.site.credit import stored_credit
from appliance.site.flow_part import FlowPart
from appliance.site.merge import Action, Merge
from appliance.store import flows
from appliance.store.models import Account, Flow, Line, Number, NumberMove, Queue, Trunk

#: Who published what a site file says.
SITE_FILE = "site-file"


def merge_accounts(merge: Merge) -> None:
    """Enterprises."""
    stored = {row.id: row for row in merge.session.scalars(select(Account))}
    for part in merge.document.site.accounts:
        keys = part.talk_keys.stored() if part.talk_keys is not None else {}
        billing = part.billing.model_dump(exclude_defaults=True)
        credit = stored_credit(part.credit)
        values = {"name": part.name, "max_calls": part.max_calls, "talk_keys": keys, "billing": billing}
        values["credit"] = credit
        merge.put("account", part.id, stored.get(part.id), partial(Account, id=part.id), values)
    merge.session.flush()


def merge_trunks(merge: Merge) -> None:
    """Carriers' peers; a landing number that a stored trunk maps elsewhere is a fault."""
    site = merge.document.site
    named = {part.id for part in site.trunks}
    stored = {row.id: row for row in merge.session.scalars(select(Trunk))}
    elsewhere = {
        landed: (number, row.id)
        for row in stored.values()
        if row.id not in named and not merge.prune
        for landed, number in row.landing.items()
    }
    for index, part in enumerate(site.trunks):
        for written, kept, number in part.landed():
            other, trunk = elsewhere.get(kept, (number, ""))
            if other != number:
                path = ("trunks", index, "landing", written)
                merge.faults.append(
                    merge.document.finding(path, "stored-landing", value=written, other=other, trunk=trunk)
                )
        registration = part.registration.model_dump(exclude_defaults=True) if part.registration else {}
        values = part.model_dump(exclude={"id", "landing", "registration"}) | {
            "landing": {kept: number for _, kept, number in part.landed()},
            "registration": registration,
        }
        merge.put("trunk", part.id, stored.get(part.id), partial(Trunk, id=part.id), values)
    merge.session.flush()


def merge_lines(merge: Merge) -> None:
    """Bound lines. A phone's secret is no part of the file: it stays as long as the line is a phone."""
    stored = {row.id: row for row in merge.session.scalars(select(Line))}
    for part in merge.document.site.lines:
        values = part.model_dump(exclude={"id", "account", "trunk", "schedule"}) | {
            "account_id": part.account,
            "trunk_id": part.trunk,
            "schedule_id": part.schedule,
            "skills": sorted(set(part.skills)),
            "record": part.record,
        }
        if part.kind != "phone":
            values["phone_secret"] = ""
        merge.put("line", part.id, stored.get(part.id), partial(Line, id=part.id), values)
    merge.session.flush()


def merge_queues(merge: Merge) -> None:
    """Busy-line queues."""
    stored = {row.id: row for row in merge.session.scalars(select(Queue))}
    for part in merge.document.site.queues:
        values = part.model_dump(exclude={"id", "account", "lines"}) | {
            "account_id": part.account,
            "line_ids": list(part.lines),
        }
        merge.put("queue", part.id, stored.get(part.id), partial(Queue, id=part.id), values)
    merge.session.flush()


def merge_flows(merge: Merge) -> None:
    """Flows; a graph that differs from the published one becomes the next version, and is published."""
    stored = _flows(merge)
    for part in merge.document.site.flows:
        row = stored.get((part.account, part.name))
        key = f"{part.account}/{part.name}"
        if row is None:
            row = Flow(account_id=part.account, name=part.name)
            merge.add("flow", key, row)
            merge.session.flush()
        _publish(merge, row, part, key)
    merge.session.flush()


def _flows(merge: Merge) -> dict[tuple[str, str], Flow]:
    return {(row.account_id, row.name): row for row in merge.session.scalars(select(Flow))}


def _publish(merge: Merge, row: Flow, part: FlowPart, key: str) -> None:
    published, graph = flows.published(merge.session, row, merge.now), part.graph()
    if published is not None and same(published.graph, graph):
        return
    made = flows.add_version(merge.session, row, graph, SITE_FILE, merge.now)
    # What was to come was meant to follow another graph.
    cancelled = flows.cancel(merge.session, row, SITE_FILE, merge.now)
    flows.publish(merge.session, row, made.version, merge.now, SITE_FILE, merge.now)
    told = f"version {made.version}" + (f"; {cancelled} later publications cancelled" if cancelled else "")
    merge.note(Action.PUBLISHED, "flow", key, told)


def merge_numbers(merge: Merge) -> None:
    """400 numbers."""
    known = _flows(merge)
    stored = {row.number: row for row in merge.session.scalars(select(Number))}
    for part in merge.document.site.numbers:
        values = {
            "account_id": part.account,
            "name": part.name,
            "flow_id": known[part.account, part.flow].id if part.flow else None,
            "line_ids": list(part.lines),
            "strategy": part.strategy,
            "fail_over": sorted(part.fail_over),
            "overflow_id": known[part.account, part.overflow].id if part.overflow else None,
            "rules": part.rules.stored(),
            "whisper": part.whisper,
            "talk_keys": part.talk_keys.stored() if part.talk_keys is not None else None,
            "record": part.record,
            "record_notice": part.record_notice,
            "notice_prompt": part.notice_prompt,
            "retention_days": part.retention_days,
            "in_service": part.in_service,
        }
        row = stored.get(part.number)
        if row is not None and row.account_id != part.account:
            # Whoever had it when a month began pays its minimum.
            merge.session.add(
                NumberMove(number=row.number, from_account=row.account_id, to_account=part.account, at=merge.now)
            )
        merge.put("number", part.number, row, partial(Number, number=part.number), values)
    merge.session.flush()
