"""What the rules want to know of calls before this one, from the journal: for a call, and for the simulator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from appliance.domain.admission import Load
from appliance.domain.called import Incoming
from appliance.domain.hunt import Hunt, Uses
from appliance.domain.routing import Line, RoutingTable
from appliance.store.journal import Journal
from appliance.store.tries import lock_now, of_passwords


def with_past(
    load: Load, call: Incoming, journal: Journal, now: datetime, *, but: str = "", until: datetime | None = None
) -> Load:
    """``load`` with the counts that a rule of the number asks for, of calls up to ``until`` (default: ``now``);
    ``but`` is the call itself."""
    until = until or now
    rules, number, caller = call.route.rules, call.route.number, call.caller.number
    if rules.calls_per_minute:
        since = now - timedelta(minutes=1)
        load = replace(load, last_minute=journal.admitted_since(number, since, until=until, but=but))
    if rules.caller_limit is not None and caller:
        since = now - timedelta(minutes=rules.caller_limit.minutes)
        load = replace(load, by_caller=journal.admitted_since(number, since, caller, until=until, but=but))
    if rules.passwords:
        locked_until = lock_now(journal.file, of_passwords(number, caller), now, until)
        load = replace(load, password_locked_until=locked_until)
    return load


def uses(journal: Journal, name: str, hunt: Hunt, call: Incoming, table: RoutingTable, now: datetime) -> Uses:
    """What the lines of a hunt did before; ``name`` is the hunt's, by which its turns are remembered."""
    lines = (table.lines[line] for line in hunt.lines if line in table.lines)
    return journal.uses(name, hunt, call.route.number, call.caller.number, capped(lines), now)


def capped(lines: Iterable[Line]) -> dict[str, tuple[int, int]]:
    """Lines whose calls of the day or the month are limited, and to how many."""
    return {
        line.id: (line.daily_calls, line.monthly_calls) for line in lines if line.daily_calls or line.monthly_calls
    }
