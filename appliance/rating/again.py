"""Calls are rated again, and what differs is shown before it is booked.

Charges of open months are written anew. Those of closed months stay: the difference becomes a correction in an open
month. Booked once, nothing differs any more, so doing it again books nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from appliance.domain import grants
from appliance.domain.ledger import LONGEST_REASON, Who
from appliance.domain.pricing import (
    Assessment,
    Charge,
    MeteredCall,
    PriceBook,
    Subscription,
    Unratable,
    assess,
    settle,
)
from appliance.domain.rerating import Difference, Figures, cause, figures_of, replay
from appliance.errors import RatingError
from appliance.store import charges, rerating
from appliance.store.charging import save
from appliance.store.plans import load_book
from appliance.store.rerating import Booked
from appliance.store.unit import Store

_Assessed = tuple[Booked, Assessment]


@dataclass(frozen=True, slots=True)
class Changed:
    """A call that is rated otherwise than it is booked."""

    booked: Booked
    new: Figures


def rate_again(
    store: Store, clock: Callable[[], datetime], *, month: int | None = None, book: Who | None = None
) -> list[Difference]:
    """What rating everything again changes, by account and month; sorted.

    :param month: only calls of that month, and later ones of open months that its included units touch.
    :param book: who books it, and why; None: nothing is written. Each number is a unit of work of its own, and what
        is given back is what was booked.
    :raises RatingError: it is to be booked, and nobody says by whom and why.
    :raises StoreError: the database is full or gone; the numbers done before stay done.
    """
    if book is not None and not (book.by and book.reason.strip() and len(book.reason) <= LONGEST_REASON):
        raise RatingError("booking a re-rating needs a login and a reason")
    since = None if month is None else grants.month_start(month)
    with store.reading() as session:
        numbers = rerating.numbers(session, since)
    found: dict[tuple[str, int, bool], Difference] = {}
    for number in numbers:
        if book is None:
            with store.reading() as session:
                changed = compare(session, number, month)
        else:
            with store.work() as session:
                charges.take_turn(session)
                changed = compare(session, number, month)
                _book(session, changed, clock(), book)
                session.commit()
        for one in changed:
            was = one.booked
            key = (was.account_id, was.booked_month, was.final)
            difference = found.setdefault(key, Difference(*key))
            old = was.corrected.amount if was.corrected else 0
            difference.add(cause(was.corrected, one.new), old, one.new.amount)
    return [found[key] for key in sorted(found)]


def compare(session: Session, number: str, month: int | None = None) -> list[Changed]:
    """The calls of a number that are rated otherwise than they are booked, by the price book of now."""
    calls = rerating.booked(session, number)
    book = load_book(session, {number})
    final = [one for one in calls if one.final]
    still_open = [one for one in calls if not one.final]
    found = list(_closed(final, book, month))
    # What open months may use is what final charges leave when these corrections are booked, and not before.
    now = {one.call.call_id: new for one, new in found}
    corrected = [replace(one, corrected=now.get(one.call.call_id, one.corrected)) for one in final]
    found += _open(still_open, corrected, book, month)
    return [Changed(was, new) for was, new in found if was.corrected != new]


def _closed(calls: Iterable[Booked], book: PriceBook, month: int | None) -> Iterator[tuple[Booked, Figures]]:
    """Final charges, replayed among themselves."""
    by_uuid = {one.call.call_id: one for one in calls}
    for group in _assessed(by_uuid.values(), book):
        if isinstance(group, tuple):
            rated: Iterable[tuple[MeteredCall, Charge | Unratable]] = [group]
        else:
            rated = replay((one.booked_month, one.call, assessed) for one, assessed in group)
        for call, charge in rated:
            was = by_uuid[call.call_id]
            if month is None or was.month == month:
                yield was, figures_of(charge)


def _open(
    calls: Iterable[Booked], final: Sequence[Booked], book: PriceBook, month: int | None
) -> Iterator[tuple[Booked, Figures]]:
    """Charges that are not final, behind what is final or, with ``month``, before it."""
    by_uuid = {one.call.call_id: one for one in calls}
    for group in _assessed(by_uuid.values(), book):
        if isinstance(group, tuple):
            call, charge = group
            was = by_uuid[call.call_id]
            if month is None or was.month == month:
                yield was, figures_of(charge)
            continue
        plan, held = group[0][1].plan, group[0][1].subscription
        kept = [one for one, _ in group if month is not None and _month(one) < month]
        moved = [
            (one.call, assessed)
            for one, assessed in group
            if month is None or _month(one) == month or (_month(one) > month and plan.rollover_months)
        ]
        for call, charge in grants.charges(moved, _taken([*final, *kept], held)):
            yield by_uuid[call.call_id], figures_of(charge)


def _assessed(
    calls: Iterable[Booked], book: PriceBook
) -> Iterator[tuple[MeteredCall, Charge | Unratable] | list[_Assessed]]:
    """Each call that needs no grants with its charge; the others by their subscription."""
    granted: dict[Subscription, list[_Assessed]] = {}
    for one in calls:
        found = assess(one.call, book)
        if isinstance(found, Unratable):
            yield one.call, found
        elif one.call.answered_at is None or not found.plan.included:
            yield one.call, settle(found)
        else:
            granted.setdefault(found.subscription, []).append((one, found))
    yield from granted.values()


def _taken(calls: Iterable[Booked], held: Subscription) -> list[tuple[int, int]]:
    """Included units that calls of a subscription have used by what is booked and corrected, ``(month, units)`` in
    order."""
    first = grants.month_of(held.starts_at)
    used: dict[int, int] = {}
    for one in calls:
        at = one.call.answered_at
        if at is not None and held.holds(at) and one.corrected is not None and one.month >= first:
            used[one.month] = used.get(one.month, 0) + one.corrected.included_units
    return sorted(used.items())


def _month(one: Booked) -> int:
    return grants.month_of(one.call.answered_at or one.call.started_at)


def _book(session: Session, changed: Sequence[Changed], now: datetime, who: Who) -> None:
    save(session, {one.booked.call.call_id: one.new for one in changed if not one.booked.final}, now)
    corrections: dict[tuple[str, int], list[tuple[str, Figures, Figures]]] = {}
    for one in changed:
        was = one.booked
        if was.final and was.corrected is not None:
            item = (was.call.call_id, was.corrected, one.new)
            corrections.setdefault((was.account_id, was.booked_month), []).append(item)
    for (account_id, month), items in sorted(corrections.items()):
        rerating.correct(session, account_id, month, items, who, now)
