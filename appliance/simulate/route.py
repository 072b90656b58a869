"""Who calls what, when, with which lines busy → which rule, which lines, what price.

The same rules as for a call, over the same routing and the same past; nothing is written and no switch is asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from appliance.domain import admission
from appliance.domain.admission import Facts, Funded, Load, Step, decide
from appliance.domain.affordable import Limit
from appliance.domain.calendar import DayKinds
from appliance.domain.called import Incoming, Invite, Refused, identify
from appliance.domain.credit import Unfunded
from appliance.domain.flow import Flow
from appliance.domain.hunt import Choice
from appliance.domain.numbers import Caller
from appliance.domain.places import Place
from appliance.domain.pricing import Assessment, MeteredCall, Unratable, assess
from appliance.domain.refusal import ENDINGS, Refusal
from appliance.domain.routing import RoutingTable, Trunk
from appliance.domain.walk import Walk, walk
from appliance.errors import SiteError
from appliance.simulate.world import Hunting, place_in, world_of
from appliance.store import past
from appliance.store.journal import Journal
from appliance.store.plans import load_book
from appliance.store.routing import load_table

#: What a password's rule says once the caller has keyed one.
_KEYED = frozenset({admission.Verdict.PASSED, admission.Verdict.REFUSED})


#: What there is for a call: how long it may last for it, or why there is nothing; None: nobody counts.
Money = Callable[[str, str, str], Limit | Unfunded | None]


def unlimited_money(number: str, account: str, caller_kind: str) -> Limit | Unfunded | None:
    """Nobody counts."""
    return None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    :param at: when, with an offset.
    :param trunk: id of the trunk that the call comes by; empty: the first that brings calls to the number.
    :param busy: ids of lines that are taken.
    :param keys: what is pressed at each asking of a menu.
    :param password: what is keyed when a password is asked for; None: the right one.
    :param others: other calls at once: on the trunk, to the account, to the number.
    """

    number: str
    caller: str
    at: datetime
    trunk: str = ""
    busy: Collection[str] = ()
    keys: Sequence[str] = ()
    password: str | None = None
    others: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What would become of the call.

    :param refused: why it is not taken; None: it is.
    :param prompt: what a refused caller hears; empty: nothing.
    :param answered: a refused caller is answered first.
    :param flow: the flow that takes the call, if one does; its way is ``walk``.
    :param direct: the lines of a number without a flow.
    :param price: by what it is charged, if it can be; with its subscription's plan.
    """

    question: Question
    caller: Caller
    place: Place | None
    trail: tuple[Step, ...]
    refused: Refused | None = None
    prompt: str = ""
    answered: bool = False
    flow: Flow | None = None
    walk: Walk | None = None
    direct: Choice | None = None
    price: Assessment | Unratable | None = None


def explain(
    question: Question,
    session: Session,
    journal: Journal,
    public_day: DayKinds,
    home_area_code: str = "",
    dice: random.Random | None = None,
    money: Money = unlimited_money,
) -> Answer:
    """Answer a question by the stored site.

    :param money: what there is for a call now, by number, account and kind of caller (reseller mode).
    :raises SiteError: the trunk or a line that is named is not there.
    """
    table = load_table(session, question.at)
    _check(question, table)
    found = _identified(question, table, home_area_code)
    place = place_in(table, found.caller)
    if isinstance(found, Refused):
        return Answer(question, found.caller, place, _unknown(found), found, prompt=ENDINGS[found.reason].prompt)

    day_kind = table.day_kinds(public_day)
    facts = Facts(
        now=question.at,
        day_kind=day_kind,
        place_of=lambda caller: place,
        load=_load(question, found, journal),
        password=_password(question, found),
        fund=lambda: _funded(money(found.route.number, found.route.account, found.caller.kind.value)),
    )
    decision = decide(found, table, facts)
    hunting = Hunting(
        question.at,
        question.busy,
        found,
        table,
        journal,
        day_kind,
        dice or random.Random(),  # noqa: S311 - no secret
    )
    answer = Answer(question, found.caller, place, decision.trail, price=_price(question, found, session))
    if decision.refused is None:
        return _taken(answer, found, hunting, home_area_code)
    treatment = found.route.rules.treatment(decision.refused.reason)
    answer = replace(answer, refused=decision.refused)
    if treatment.flow is not None:
        return _through(answer, treatment.flow, found, hunting, home_area_code)
    usual = ENDINGS[decision.refused.reason].prompt
    # For a password the call had been answered.
    keyed = any(step.rule is admission.Rule.PASSWORD and step.verdict in _KEYED for step in decision.trail)
    locked = facts.load.password_locked_until is not None
    return replace(answer, prompt=treatment.prompt or usual, answered=treatment.answer or (keyed and not locked))


def _funded(found: Limit | Unfunded | None) -> Funded | Unfunded | None:
    return Funded(found.seconds, found.amount) if isinstance(found, Limit) else found


def _check(question: Question, table: RoutingTable) -> None:
    if question.trunk and table.trunk(question.trunk) is None:
        raise SiteError([f"there is no trunk {question.trunk}"])
    unknown = [line for line in question.busy if line not in table.lines]
    if unknown:
        raise SiteError([f"there is no line {line}" for line in unknown])


def _identified(question: Question, table: RoutingTable, home_area_code: str) -> Incoming | Refused:
    """By the trunk that is named, else by the first that brings calls to the number."""
    trunks = [trunk for trunk in table.trunks if trunk.accept and question.trunk in ("", trunk.id)]
    refused: Refused | None = None
    for trunk in trunks:
        found = identify(_invite(question, trunk), replace(table, trunks=(trunk,)), home_area_code)
        if isinstance(found, Incoming):
            return found
        refused = refused or found
    # No trunk brings calls at all, or none knows the number.
    nowhere = Invite("0.0.0.0", 0, question.number, caller_number=question.caller)  # noqa: S104 - no socket
    return refused or identify(nowhere, replace(table, trunks=()), home_area_code)


def _invite(question: Question, trunk: Trunk) -> Invite:
    """An INVITE as it would come by the trunk."""
    source, _, port = (
        trunk.accept[0].partition(":") if trunk.accept[0].count(":") == 1 else (trunk.accept[0], "", "")
    )
    uri = f"sip:{question.number}@trunk"
    return Invite(
        address=source.partition("/")[0],
        port=int(port or 5060),
        request_user=question.number,
        to_user=question.number,
        diversion=f"<{uri}>",
        history_info=f"<{uri}>",
        caller_number=question.caller,
    )


def _unknown(refused: Refused) -> tuple[Step, ...]:
    """The trail of a call for which there is no number to ask."""
    if refused.reason is Refusal.UNKNOWN_TRUNK:
        return (Step(admission.Rule.TRUNK, admission.Verdict.REFUSED, {}, refused.reason),)
    return (
        Step(admission.Rule.TRUNK, admission.Verdict.PASSED, {"trunk": refused.trunk}),
        Step(admission.Rule.NUMBER, admission.Verdict.REFUSED, {}, refused.reason),
    )


def _load(question: Question, call: Incoming, journal: Journal) -> Load:
    count = question.others + 1
    # What came at the very instant came after the question's call, too.
    before = question.at - timedelta(microseconds=1)
    return past.with_past(Load(count, count, count), call, journal, question.at, until=before)


def _password(question: Question, call: Incoming) -> str | None:
    if question.password is None:
        return next(iter(call.route.rules.passwords), None)
    return question.password


def _taken(answer: Answer, call: Incoming, hunting: Hunting, home_area_code: str) -> Answer:
    route = call.route
    if route.flow is not None:
        return _through(answer, route.flow, call, hunting, home_area_code)
    direct = hunting.choice(route.number, route.hunt)
    answer = replace(answer, direct=direct)
    if direct.rounds or route.overflow is None:
        return answer
    return _through(answer, route.overflow, call, hunting, home_area_code)


def _through(answer: Answer, flow: Flow, call: Incoming, hunting: Hunting, home_area_code: str) -> Answer:
    world = world_of(call, answer.place, hunting, home_area_code)
    return replace(answer, flow=flow, walk=walk(flow, answer.question.keys, world))


def _price(question: Question, call: Incoming, session: Session) -> Assessment | Unratable:
    """By what a call of one minute that is answered now would be charged."""
    number, at = call.route.number, question.at
    asked = MeteredCall("", number, call.caller.kind.value, at, at, 60, 60)
    return assess(asked, load_book(session, {number}))
