"""Removing what a file does not name, as far as no call depends on it.

A number or an account that has calls stays, out of service, so that its calls keep their owner; a price that
has been in effect, a plan or a subscription that calls were charged by, and a flow that calls went through
stay as well, for a charge or a call explains itself by them.
"""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.sql.elements import ColumnElement

from appliance.site.apply_prices import is_charged
from appliance.site.apply_routing import SITE_FILE
from appliance.site.costs import prune_costs
from appliance.site.merge import Action, Merge
from appliance.store import flows
from appliance.store.models import (
    Account,
    CalendarDay,
    Call,
    Charge,
    Flow,
    Hook,
    Line,
    Number,
    NumberList,
    NumberMove,
    Operator,
    Plan,
    Price,
    Queue,
    Region,
    Schedule,
    Subscription,
    Trunk,
)


def prune_absent(merge: Merge) -> None:
    """Remove what is absent, what refers before what is referred to."""
    _numbers(merge)
    _subscriptions(merge)
    _flows(merge)
    _queues(merge)
    _hooks(merge)
    _lines_and_trunks(merge)
    _rules(merge)
    _prices_and_plans(merge)
    prune_costs(merge)
    _operators(merge)
    _accounts(merge)


def _any(merge: Merge, *conditions: ColumnElement[bool]) -> bool:
    return bool(merge.session.scalar(select(exists().where(*conditions))))


def _numbers(merge: Merge) -> None:
    named = {part.number for part in merge.document.site.numbers}
    for row in merge.session.scalars(select(Number).order_by(Number.number)):
        if row.number in named:
            continue
        if _any(merge, Call.number == row.number):
            emptied: dict[str, object] = {
                "in_service": False,
                "flow_id": None,
                "line_ids": [],
                "overflow_id": None,
                "rules": {},
            }
            merge.update("number", row.number, row, emptied)
            merge.note(Action.KEPT, "number", row.number, "it has calls; out of service")
        else:
            merge.remove("number", row.number, row)
    merge.session.flush()


def _subscriptions(merge: Merge) -> None:
    named = {
        part.number: {subscription.starts_at.at for subscription in part.subscriptions}
        for part in merge.document.site.numbers
    }
    for row in merge.session.scalars(select(Subscription).order_by(Subscription.number, Subscription.starts_at)):
        # Those of a number that is kept stay with it.
        if row.number not in named or row.starts_at in named[row.number]:
            continue
        key = f"{row.number} {row.plan_code} {row.starts_at.isoformat()}"
        if is_charged(merge, row):
            merge.note(Action.KEPT, "subscription", key, "calls were charged by it")
        else:
            merge.remove("subscription", key, row)
    merge.session.flush()


def _flows(merge: Merge) -> None:
    named = {(part.account, part.name) for part in merge.document.site.flows}
    for row in merge.session.scalars(select(Flow).order_by(Flow.account_id, Flow.name)):
        if (row.account_id, row.name) in named:
            continue
        key = f"{row.account_id}/{row.name}"
        went_through = Call.flow.startswith(f"{row.name}@", autoescape=True)
        if _any(merge, Call.account_id == row.account_id, went_through):
            # A new flow of that name must go on counting, or NAME@1 would mean two graphs.
            cancelled = flows.cancel(merge.session, row, SITE_FILE, merge.now)
            is_published = flows.published(merge.session, row, merge.now) is not None
            if is_published:
                flows.publish(merge.session, row, None, merge.now, SITE_FILE, merge.now)
            if is_published or cancelled:
                merge.note(Action.CHANGED, "flow", key, "published")
            merge.note(Action.KEPT, "flow", key, "calls went through it; not published")
        else:
            merge.remove("flow", key, row)
    merge.session.flush()


def _queues(merge: Merge) -> None:
    """What callers' stays say of a queue they say by its id, which stays with them."""
    named = {part.id for part in merge.document.site.queues}
    for row in merge.session.scalars(select(Queue).order_by(Queue.id)):
        if row.id not in named:
            merge.remove("queue", row.id, row)
    merge.session.flush()


def _hooks(merge: Merge) -> None:
    """Messages that wait for one are given up; what became of others they say by its id."""
    named = {part.id for part in merge.document.site.hooks}
    for row in merge.session.scalars(select(Hook).order_by(Hook.id)):
        if row.id not in named:
            merge.remove("hook", row.id, row)
    merge.session.flush()


def _lines_and_trunks(merge: Merge) -> None:
    site = merge.document.site
    lines = {part.id for part in site.lines}
    for line in merge.session.scalars(select(Line).order_by(Line.id)):
        if line.id not in lines:
            merge.remove("line", line.id, line)
    merge.session.flush()
    trunks = {part.id for part in site.trunks}
    for trunk in merge.session.scalars(select(Trunk).order_by(Trunk.id)):
        if trunk.id not in trunks:
            merge.remove("trunk", trunk.id, trunk)
    merge.session.flush()


def _rules(merge: Merge) -> None:
    """Nothing refers to these any more: numbers and lines that stay have been emptied, or are in the file."""
    site = merge.document.site
    named: list[tuple[str, type[Schedule | NumberList | CalendarDay | Region], str, set[str]]] = [
        ("schedule", Schedule, "id", {part.id for part in site.schedules}),
        ("list", NumberList, "id", {part.id for part in site.lists}),
        ("calendar day", CalendarDay, "day", set(site.calendar)),
        ("region", Region, "prefix", set(site.regions)),
    ]
    for kind, table, key, there in named:
        for row in merge.session.scalars(select(table)):
            name = str(getattr(row, key))
            if name not in there:
                merge.remove(kind, name, row)
    merge.session.flush()


def _prices_and_plans(merge: Merge) -> None:
    named = {
        part.code: {(price.caller, price.effective_from.at) for price in part.prices}
        for part in merge.document.site.plans
    }
    for price in merge.session.scalars(select(Price).order_by(Price.plan_code, Price.effective_from)):
        if price.plan_code not in named or (price.caller, price.effective_from) in named[price.plan_code]:
            continue
        key = f"{price.plan_code} {price.caller} {price.effective_text}"
        if price.effective_from <= merge.now:
            merge.note(Action.KEPT, "price", key, "it is or was in effect")
        else:
            merge.remove("price", key, price)
    merge.session.flush()
    for plan in merge.session.scalars(select(Plan).order_by(Plan.code)):
        if plan.code in named:
            continue
        if _any(merge, Subscription.plan_code == plan.code) or _any(merge, Charge.plan_code == plan.code):
            merge.note(Action.KEPT, "plan", plan.code, "it is subscribed to, or calls were charged by it")
        else:
            merge.remove("plan", plan.code, plan)
    merge.session.flush()


def _operators(merge: Merge) -> None:
    if merge.document.site.operators is None:
        return
    named = {part.login for part in merge.document.site.operators}
    for row in merge.session.scalars(select(Operator).order_by(Operator.login)):
        if row.login not in named:
            merge.remove("operator", row.login, row)
    merge.session.flush()


def _accounts(merge: Merge) -> None:
    named = {part.id for part in merge.document.site.accounts}
    for row in merge.session.scalars(select(Account).order_by(Account.id)):
        if row.id in named:
            continue
        if _any(merge, Call.account_id == row.id) or _any(merge, Number.account_id == row.id):
            merge.note(Action.KEPT, "account", row.id, "it has calls; its numbers are out of service")
        elif _any(merge, NumberMove.from_account == row.id):
            merge.note(Action.KEPT, "account", row.id, "it had numbers, whose months may still be billed")
        elif _any(merge, Flow.account_id == row.id) or _any(merge, Operator.account_id == row.id):
            merge.note(Action.KEPT, "account", row.id, "it has flows or operators")
        else:
            merge.remove("account", row.id, row)
    merge.session.flush()
