"""Ask the rules whether a call is taken: count it, look into the past, decide, hold money for it, note it down."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import structlog

from appliance.calls.desk import Desk
from appliance.calls.keyed import secretly_keyed
from appliance.calls.purse import Purse, begins
from appliance.domain.admission import ALONE, Decision, Facts, Load, decide
from appliance.domain.called import Incoming, Refused
from appliance.domain.routing import RoutingTable
from appliance.store import past
from appliance.store.tries import Try, of_passwords
from appliance.switch.leg import Leg

#: How often a password may be keyed, and how long the caller may take each time.
PASSWORD_ATTEMPTS = 3
PASSWORD_TIMEOUT_S = 8.0
_log = structlog.get_logger(__name__)


def admit(leg: Leg, call: Incoming, table: RoutingTable, desk: Desk) -> Refused | None:
    """Decide; None: the call is taken. Answers only to ask for a password."""
    counted = _counted(leg, call, table)
    purse = Purse(leg, call, desk)
    decision = _decide(leg, call, table, desk, counted.load, purse)
    asked = decision.asks
    if asked:
        keyed = _password(leg, call, desk)
        decision = _decide(leg, call, table, desk, counted.load, purse, keyed)
    refused = decision.refused
    if refused is not None:
        refused = purse.refused(refused, is_answered=asked)
    if refused is not None and call.route.rules.treatment(refused.reason).flow is None:
        # It must not keep out others while its announcement plays. A channel of the trunk it holds all the same.
        for realm, name in counted.places:
            if realm != "trunk":
                leg.let_go(realm, name)
    return refused


def _decide(
    leg: Leg,
    call: Incoming,
    table: RoutingTable,
    desk: Desk,
    counts: Load,
    purse: Purse,
    password: str | None = None,
) -> Decision:
    """Read the past, decide, write the decision: nothing in between waits, so that calls that come at once see each
    other."""
    now = desk.now()
    facts = Facts(
        now=now,
        day_kind=table.day_kinds(desk.public_day),
        place_of=lambda caller: desk.place_of(caller, table),
        load=_with_past(counts, leg.uuid, call, desk, asked=password is not None),
        password=password,
        fund=purse.fund,
    )
    decision = decide(call, table, facts)
    taken = decision.refused is None and not decision.asks
    refusal = decision.refused.reason.value if decision.refused is not None else ""
    desk.journal.call_started(begins(leg, call, now, taken=taken, refusal=refusal))
    return decision


@dataclass(slots=True)
class _Counted:
    """The call among those that are going on, and where it was counted."""

    load: Load = ALONE
    places: list[tuple[str, str]] = field(default_factory=list)


def _counted(leg: Leg, call: Incoming, table: RoutingTable) -> _Counted:
    """Count the call where something is limited."""
    counted = _Counted()

    def count(realm: str, name: str, most: int) -> int:
        if not most:
            return 0
        counted.places.append((realm, name))
        return leg.hold(realm, name)

    account = call.route.account
    counted.load = Load(
        trunk=count("trunk", call.trunk.id, call.trunk.max_calls),
        account=count("account", account, table.account_max_calls.get(account, 0)),
        number=count("number", call.route.number, call.route.rules.max_calls),
    )
    return counted


def _with_past(load: Load, uuid: str, call: Incoming, desk: Desk, *, asked: bool) -> Load:
    """Calls before this one, as far as a rule wants to know of them. Who was ``asked`` for a password has been held
    to its lock with each that he keyed."""
    load = past.with_past(load, call, desk.journal, desk.now(), but=uuid)
    return replace(load, password_locked_until=None) if asked else load


def _password(leg: Leg, call: Incoming, desk: Desk) -> str:
    """Ask until a right one is keyed, and return that; else what is none. A wrong one counts before he hears that
    it is: who hangs up then has guessed all the same."""
    account, passwords = call.route.account, call.route.rules.passwords
    longest = max(map(len, passwords))
    leg.note(outcome="abandoned:password")
    leg.answer()
    locks = of_passwords(call.route.number, call.caller.number)
    for attempt in range(PASSWORD_ATTEMPTS):
        prompt = desk.find_prompt(account, "password-again" if attempt else "password")
        keyed = secretly_keyed(leg, prompt, PASSWORD_TIMEOUT_S, longest)
        if not keyed:
            continue
        one = Try(desk.journal.file, locks, desk.now())
        if one.is_locked:
            _log.warning("password not looked at: too many were wrong", number=call.route.number, call=leg.uuid)
            break
        if keyed in passwords:
            # Of callers who cannot be told apart one's right one says nothing of the others' wrong ones.
            one.was_right(anew=next(iter(locks)) if call.caller.number else "")
            return keyed
    return ""
