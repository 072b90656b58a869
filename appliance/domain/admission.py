"""Is the call taken? The rules in their order; the first refusal wins, and each rule leaves a step in the trail.

``decide`` is pure: the call and the table, and as ``Facts`` what the rules want to know beyond them. A rule that
needs the caller's password ends the decision with ``asks``; the same facts with the password go through once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from appliance.domain import money
from appliance.domain.calendar import SHANGHAI, DayKinds, Standing, standing
from appliance.domain.called import Incoming, Refused
from appliance.domain.credit import Unfunded
from appliance.domain.lists import find
from appliance.domain.numbers import Caller, CallerKind
from appliance.domain.places import Place, lies_in
from appliance.domain.refusal import Refusal
from appliance.domain.routing import NumberRoute, RoutingTable

#: The place of a caller from another country, as rules name it.
OVERSEAS = Place("境外")


class Rule(StrEnum):
    """The rules, in the order in which they are asked."""

    TRUNK = "trunk"
    NUMBER = "number"
    CONCURRENCY = "concurrency"
    CALL_RATE = "call-rate"
    BLACK_LIST = "black-list"
    WHITE_LIST = "white-list"
    FREQUENCY = "frequency"
    BALANCE = "balance"
    PASSWORD = "password"  # noqa: S105 - a rule's name
    HOLIDAY = "holiday"
    SCHEDULE = "schedule"
    REGION = "region"
    DEFAULT = "default"


class Verdict(StrEnum):
    """What a rule said."""

    PASSED = "passed"
    #: The number has no such rule.
    NONE = "none"
    #: It has, but it does not concern the caller.
    NOT_CONCERNED = "not-concerned"
    #: The caller is on a white list.
    LISTED = "listed"
    #: Of no matter to a caller on a white list.
    SKIPPED = "skipped"
    ASKS = "asks"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Step:
    """One rule's word. ``values`` are what it went by: plain facts for people, in no fixed language."""

    rule: Rule
    verdict: Verdict
    values: Mapping[str, str] = field(default_factory=dict)
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What is going on as the call comes. Counts of calls at once have this one among them, the others do not."""

    trunk: int = 1
    account: int = 1
    number: int = 1
    last_minute: int = 0
    by_caller: int = 0
    #: The caller has keyed too many wrong ones: until then he is not asked. None: he is.
    password_locked_until: datetime | None = None


#: A call that comes when nothing else is going on.
ALONE = Load()


@dataclass(frozen=True, slots=True)
class Funded:
    """Money is held for the call: it may last ``seconds``, and come to ``amount`` (millionths of a yuan)."""

    seconds: int
    amount: int


def unlimited() -> Funded | Unfunded | None:
    """Of a box, or an account, whose calls nobody refuses for money."""
    return None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules want to know beyond call and table.

    :param now: with an offset.
    :param place_of: where a caller calls from, None: nobody knows.
    :param password: the keys that the caller pressed; None: not asked yet.
    :param fund: has money held for the call, once no rule before refuses it; None: it needs none.
    """

    now: datetime
    day_kind: DayKinds
    place_of: Callable[[Caller], Place | None]
    load: Load = ALONE
    password: str | None = None
    fund: Callable[[], Funded | Unfunded | None] = unlimited


@dataclass(frozen=True, slots=True)
class Decision:
    """``refused`` None: the call is taken, or ``asks``: once the caller has keyed a password."""

    trail: tuple[Step, ...]
    refused: Refused | None = None
    asks: bool = False


def decide(call: Incoming, table: RoutingTable, facts: Facts) -> Decision:
    """Ask every rule; first refusal wins."""
    trail = [Step(Rule.TRUNK, Verdict.PASSED, {"trunk": call.trunk.id})]
    vip = False
    for rule in _RULES:
        step = rule(call, table, facts)
        if vip and step.rule in _VIP_SKIPS and step.verdict is not Verdict.NONE:
            step = Step(step.rule, Verdict.SKIPPED)
        vip |= step.verdict is Verdict.LISTED
        trail.append(step)
        if step.verdict is Verdict.ASKS:
            return Decision(tuple(trail), asks=True)
        if step.refusal is not None:
            return Decision(tuple(trail), _refused(call, step.refusal, step.values))
    return Decision((*trail, Step(Rule.DEFAULT, Verdict.PASSED)))


def _refused(call: Incoming, reason: Refusal, values: Mapping[str, str]) -> Refused:
    because = " ".join(f"{name}={value}" for name, value in values.items())
    return Refused(reason, call.caller, call.trunk.id, call.route.number, call.route.account, because)


def _step(rule: Rule, wanted: bool, refusal: Refusal | None, **values: str) -> Step:
    """The word of a rule that refuses with ``refusal``, or (None) lets pass; NONE where it is not wanted at all."""
    if not wanted:
        return Step(rule, Verdict.NONE)
    return Step(rule, Verdict.PASSED if refusal is None else Verdict.REFUSED, values, refusal)


def _number(call: Incoming, table: RoutingTable, facts: Facts) -> Step:
    refusal = None if call.route.in_service else Refusal.OUT_OF_SERVICE
    return _step(Rule.NUMBER, True, refusal, number=call.route.number)


def _concurrency(call: Incoming, table: RoutingTable, facts: Facts) -> Step:
    limits = (
        (facts.load.trunk, call.trunk.max_calls, Refusal.TRUNK_FULL),
        (facts.load.account, table.account_max_calls.get(call.route.account, 0), Refusal.ACCOUNT_FULL),
        (facts.load.number, call.route.rules.max_calls, Refusal.NUMBER_FULL),
    )
    for count, most, refusal in limits:
        if most and count > most:
            return _step(Rule.CONCURRENCY, True, refusal, calls=str(count), limit=str(most))
    shown = [f"{count}/{most}" for count, most, _ in limits if most]
    return _step(Rule.CONCURRENCY, bool(shown), None, calls=" ".join(shown))


def _call_rate(call: Incoming, table: RoutingTable, facts: Facts) -> Step:
    most, count = call.route.rules.calls_per_minute, facts.load.last_minute
    refusal = Refusal.CALL_RATE if count >= most else None
    return _step(Rule.CALL_RATE, most > 0, refusal, calls=str(count), limit=str(most))


def black_listed(caller: Caller, route: NumberRoute, table: RoutingTable) -> tuple[str, str] | None:
    """(list, entry) of the number's first black list that means somebody."""
    return find([table.lists[name] for name in route.rules.black_lists if name in table.lists], caller)


def _black_list(call: Incoming, table: RoutingTable, facts: Facts) -> Step:
    found = black_listed(call.caller, call.route, table)
    if found is None:
        return _step(Rule.BLACK_LIST, bool(call.route.rules.black_lists), None)
    return _step(Rule.BLACK_LIST, True, Refusal.BLACK_LISTED, list=found[0], entry=found[1])


def is_vip(call: Incoming, table: RoutingTable) -> bool:
    """Whether the caller is on a white list of the number."""
    return _white_list_entry(call, table) is not None


def _white_list_entry(call: Incoming, table: RoutingTable) -> tuple[str, str] | None:
    names = call.route.rules.white_lists
    return find([table.lists[name] for name in names if name in table.lists], call.caller)


def _white_list(call: Incoming, table: RoutingTable, facts: Facts) -> Step:
    """Nobody is refused for not being on any."""
    found = _white_list_entry(call, table)
    if found is None:
        return _step(Rule.WHITE_LIST, bool(call.route.rules.white_lists), None)
    return Step(Rule.WHITE_LIST, Verdict.LISTED, {"list": found[0], "entry": found[1]})


def _frequency(call: Incoming, table: RoutingTable, facts: Facts) -> Step:
    limit, count = call.route.rules.caller_limit, facts.load.by_caller
    if limit is None:
        return Step(Rule.FREQUENCY, Verdict.NONE)
    # Callers without a number cannot be told apart: one of them must not keep out the others.
    if not call.caller.number:
        return Step(Rule.FREQUENCY, Verdict.NOT_CONCERNED)
    refusal = Refusal.TOO_FREQUENT if count >= limit.calls else None
    return _step(
        Rule.FREQUENCY, True, refusal, calls=str(count), limit=str(limit.calls), minutes=str(limit.minutes)
    )


def _balance(call: Incoming, table: RoutingTable, facts: Facts) -> Step:
    """Whoever is on a white list is paid for as anybody else."""
    found = facts.fund()
    if found is None:
        return Step(Rule.BALANCE, Verdict.NONE)
    if isinstance(found, Unfunded):
        return _step(Rule.BALANCE, True, found.refusal, left=money.yuan(found.left))
    return _step(Rule.BALANCE, True, None, seconds=str(found.seconds), held=money.yuan(found.amount))


def _password(call: Incoming, table: RoutingTable, facts: Facts) -> Step:
    passwords, until = call.route.rules.passwords, facts.load.password_locked_until
    if passwords and until is not None:
        told = until.astimezone(SHANGHAI).isoformat(timespec="seconds")
        return _step(Rule.PASSWORD, True, Refusal.WRONG_PASSWORD, locked_until=told)
    if passwords and facts.password is None:
        return Step(Rule.PASSWORD, Verdict.ASKS)
    refusal = None if facts.password in passwords else Refusal.WRONG_PASSWORD
    return _step(Rule.PASSWORD, bool(passwords), refusal)


def _holiday(call: Incoming, table: RoutingTable, facts: Facts) -> Step:
    schedule = table.schedules.get(call.route.rules.schedule)
    if schedule is None:
        return Step(Rule.HOLIDAY, Verdict.NONE)
    closed = standing(schedule, facts.now, facts.day_kind) is Standing.HOLIDAY
    return _step(Rule.HOLIDAY, True, Refusal.HOLIDAY if closed else None, schedule=schedule.id)


def _schedule(call: Incoming, table: RoutingTable, facts: Facts) -> Step:
    schedule = table.schedules.get(call.route.rules.schedule)
    if schedule is None:
        return Step(Rule.SCHEDULE, Verdict.NONE)
    closed = standing(schedule, facts.now, facts.day_kind) is Standing.CLOSED
    return _step(Rule.SCHEDULE, True, Refusal.OUT_OF_HOURS if closed else None, schedule=schedule.id)


def _region(call: Incoming, table: RoutingTable, facts: Facts) -> Step:
    """A caller whose place nobody knows is let in."""
    rules = call.route.rules
    if not (rules.regions_only or rules.regions_except):
        return Step(Rule.REGION, Verdict.NONE)
    place = OVERSEAS if call.caller.kind is CallerKind.OVERSEAS else facts.place_of(call.caller)
    if place is None:
        return _step(Rule.REGION, True, None)
    outside = bool(rules.regions_only) and not lies_in(place, rules.regions_only)
    refused = outside or lies_in(place, rules.regions_except)
    return _step(Rule.REGION, True, Refusal.REGION if refused else None, place=str(place))


_RULES = (
    *(_number, _concurrency, _call_rate, _black_list, _white_list),
    *(_frequency, _balance, _password, _holiday, _schedule, _region),
)
#: What a caller on a white list need not heed.
_VIP_SKIPS = frozenset({Rule.FREQUENCY, Rule.PASSWORD, Rule.HOLIDAY, Rule.SCHEDULE})
