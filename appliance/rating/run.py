"""Stored calls are priced: as they are collected, and again when somebody asks.

A charge is provisional until its month is closed. A call that comes late, or changes, moves the included units of
every later call of its subscription that may draw on the same grants: those are charged again with it. Charges that
are final stay, and so do the units they used: a call of a closed month uses what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from appliance.domain import grants
from appliance.domain.pricing import (
    Assessment,
    Charge,
    MeteredCall,
    Plan,
    PriceBook,
    Subscription,
    Unratable,
    assess,
    settle,
)
from appliance.domain.rerating import WAIVED, Figures, figures_of
from appliance.rating.backend import in_bulk_installed
from appliance.rating.touched import Rated, touched_spans, units_taken
from appliance.store import charges
from appliance.store.charging import save
from appliance.store.plans import load_book
from appliance.store.unit import Store

#: Calls of a number from which on they are rated in bulk: loading what that needs costs as much as some thousands.
BULK_FROM = 2000

#: Numbers that are rated in bulk in one unit of work have at most so many calls together, or are one: meanwhile
#: nobody else writes into SQLite, and the collector waits ten seconds for that and no longer.
TOGETHER = 100_000

Clock = Callable[[], datetime]
_Charged = Iterator[tuple[MeteredCall, Charge | Unratable]]


def rate_calls(session: Session, uuids: Collection[str], clock: Callable[[], datetime]) -> Rated:
    """Price calls, and the later ones that their included units touch, and post it; the caller commits.

    Doing it again changes nothing. A call closed as ``abnormal`` is left out until a person has settled it; one
    without a subscription or a price gets a charge row of 0 with the reason ``reject:…``.
    """
    charges.take_turn(session)
    waived = dict.fromkeys(charges.waived_calls(session, uuids), WAIVED)
    # First: the units that they used before are the others' now.
    changed = save(session, waived, clock())
    calls = charges.metered_calls(session, uuids)
    book = load_book(session, {call.number for call in calls})
    rated: dict[str, Figures] = {call.call_id: figures_of(charge) for call, charge in _charge(session, calls, book)}
    changed += save(session, rated, clock())
    rejects = sum(not figures.is_ratable for figures in rated.values())
    return Rated(len(waived) + len(rated), len(changed), rejects)


def rate_all(
    store: Store, clock: Callable[[], datetime], *, month: int | None = None, bulk_from: int = BULK_FROM
) -> Rated:
    """Price every call that has no charge: each number, or a few numbers with many calls, in a unit of work.

    :param month: only calls of that month (``domain.grants.month_of``).
    :param bulk_from: numbers with so many calls are rated in bulk, in the database, where the extra ``rating`` is
        installed; the charges are the same.
    :raises StoreError: the database is full or gone; the numbers done before stay done.
    """
    since, until = (None, None) if month is None else (grants.month_start(month), grants.month_start(month + 1))
    with store.reading() as session:
        numbers, newest = charges.unrated_numbers(session, since, until), charges.newest(session)
    # What a person waived is for the loop, and is with few numbers.
    many = [one for one in numbers if one.calls >= bulk_from and not one.waived] if in_bulk_installed() else []
    few = [[one] for one in numbers if one not in many]
    total = Rated()
    for together, group in [*((True, group) for group in _groups(many)), *((False, group) for group in few)]:
        with store.work() as session:
            # Whoever came first may have done it meanwhile.
            charges.take_turn(session)
            alone = newest == charges.newest(session)
            all_new = alone and not any(one.charged for one in group)
            names = [one.number for one in group]
            rated = _in_bulk(session, names, since, until, clock, all_new=all_new) if together else None
            if rated is None:
                uuids = [uuid for name in names for uuid in charges.unrated(session, name, since, until)]
                rated = rate_calls(session, uuids, clock)
            total = total.plus(rated)
            if alone:
                newest = charges.newest(session)
            session.commit()
    return total


def _groups(numbers: Iterable[charges.Unrated]) -> Iterator[list[charges.Unrated]]:
    """Numbers of so many calls together: a unit of work keeps others waiting."""
    group: list[charges.Unrated] = []
    calls = 0
    for one in numbers:
        if group and calls + one.calls > TOGETHER:
            yield group
            group, calls = [], 0
        group.append(one)
        calls += one.calls
    if group:
        yield group


def _in_bulk(
    session: Session,
    numbers: list[str],
    since: datetime | None,
    until: datetime | None,
    clock: Clock,
    *,
    all_new: bool,
) -> Rated | None:
    # It costs a second to load, and a collector that rates a few calls has no use for it.
    from appliance.rating.bulk import box

    return box.rate_numbers(session, numbers, since, until, clock, all_new=all_new)


def _charge(session: Session, calls: Iterable[MeteredCall], book: PriceBook) -> _Charged:
    granted: dict[Subscription, list[MeteredCall]] = {}
    for call in calls:
        assessed = assess(call, book)
        if isinstance(assessed, Unratable):
            yield call, assessed
        elif call.answered_at is None or not assessed.plan.included:
            yield call, settle(assessed)
        else:
            granted.setdefault(assessed.subscription, []).append(call)
    for subscription, new in granted.items():
        plan = book.plans[subscription.plan]
        for since, until in touched_spans(plan, subscription, _first_of_months(new)):
            within = [call for call in new if _holds(since, until, call)]
            yield from _charge_span(session, subscription, plan, book, (since, until), within)


def _first_of_months(calls: Iterable[MeteredCall]) -> dict[int, datetime]:
    """When the first call of each month was answered."""
    first: dict[int, datetime] = {}
    for at in (call.answered_at for call in calls if call.answered_at is not None):
        month = grants.month_of(at)
        first[month] = min(at, first.get(month, at))
    return first


def _holds(since: datetime, until: datetime | None, call: MeteredCall) -> bool:
    at = call.answered_at
    return at is not None and since <= at and (until is None or at < until)


def _charge_span(
    session: Session,
    subscription: Subscription,
    plan: Plan,
    book: PriceBook,
    span: tuple[datetime, datetime | None],
    new: Sequence[MeteredCall],
) -> _Charged:
    """Charge every call of a subscription that was answered in the span and is not final.

    :param new: those of them that are known already; where they are all, none is read again.
    """
    since, until = span
    taken = units_taken(session, subscription, plan, span)
    assessed: list[tuple[MeteredCall, Assessment]] = []
    calls = new
    if charges.how_many_between(session, subscription.number, since, until) > len(new):
        calls = charges.metered_between(session, subscription.number, since, until)
    for call in calls:
        found = assess(call, book)
        if isinstance(found, Unratable):
            yield call, found
        else:
            assessed.append((call, found))
    yield from grants.charges(assessed, taken)
