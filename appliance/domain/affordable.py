"""How long a call may last for an amount: the inverse of ``pricing``, found on the definition itself.

A price never falls as a call grows longer (``pricing``: units, and what grants do not cover of them, only grow), so
the longest time that an amount pays for is found by halving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.domain import grants
from appliance.domain.pricing import (
    Assessment,
    ChargeBy,
    Meter,
    MeteredCall,
    PriceBook,
    Subscription,
    Unratable,
    assess,
    settle,
)

#: The switch ends a call to the second: with less than that there is nothing to be said.
LEAST_S = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """The call that is asked for.

    :param at_most_s: the longest that it may last whatever it costs.
    :param within_s: so long after ``at`` it is over wherever it stands: until then it may be answered. Never less
        than ``at_most_s``.
    """

    number: str
    caller_kind: str
    at: datetime
    at_most_s: int
    within_s: int = 0


@dataclass(frozen=True, slots=True)
class Units:
    """Included units that a call may come to use: of the subscription that began ``since``, in a ``month``.

    :param dearest: the most that one of them saves it, sixtieths of a millionth of a yuan; 0: none is kept for it.
    :param worth: what those that are kept for it save it, millionths of a yuan: nothing is held for that.
    """

    since: datetime
    month: int
    units: int
    dearest: int = 0
    worth: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a call may last, and what it may use up by then.

    :param seconds: as its plan's meter counts them.
    :param amount: what so many seconds cost, millionths of a yuan.
    :param from_answer: they count from the gateway's answer; else from when a line is joined.
    """

    seconds: int
    amount: int = 0
    units: tuple[Units, ...] = ()
    from_answer: bool = True


#: ``(month, units)`` that others have used of a subscription; ``(month, units, last)``: those of one call under
#: way, which is answered in one of the months from the first to the last.
Use = tuple[int, int] | tuple[int, int, int]
#: What others have used, or may come to use, of a subscription's included units, in any order.
Uses = Callable[[Subscription], Iterable[Use]]
#: What units save other calls under way for which they are kept: ``(Units.dearest, Units.worth)`` of each.
Stakes = Callable[[Subscription], Iterable[tuple[int, int]]]


def _nothing(held: Subscription) -> Iterable[tuple[int, int]]:
    """Nobody else calls."""
    return ()


def longest(price: Callable[[int], int], amount: int, at_most: int) -> int:
    """The most seconds, up to ``at_most``, whose price is no more than the amount. What costs nothing is always
    paid for, whatever is owed.

    :param price: of so many seconds; it never falls, and nothing costs nothing.

    >>> longest(lambda seconds: seconds * 10, 35, 100), longest(lambda seconds: 0, -7, 100)
    (3, 100)
    """
    most = max(amount, 0)
    low, high = 0, at_most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if price(middle) <= most else (low, middle - 1)
    return low


def affordable(asked: Asked, book: PriceBook, uses: Uses, amount: int, stakes: Stakes = _nothing) -> Limit | None:
    """How long the call may last for ``amount``; None: too short to be worth taking.

    When it is answered is not known yet: whatever price, subscription or month's grant begins to hold while it may
    wait is reckoned with, the dearest first. A call that cannot be priced costs nothing, and lasts as long as any.

    Whoever is answered first uses included units first, and who that is is not known either. Others keep what they
    may use; where the call may take it from them all the same, what it is worth to whom a unit saves more than it
    saves this call is held with the call's own price.
    """
    tariffs = [_Tariff(asked, at, book, uses, stakes) for at in _moments(asked, book)]
    seconds = min(longest(tariff.price, amount, asked.at_most_s) for tariff in tariffs)
    if seconds < min(LEAST_S, asked.at_most_s) or any(seconds <= tariff.free_seconds for tariff in tariffs):
        return None
    return Limit(
        seconds=seconds,
        amount=max(tariff.price(seconds) for tariff in tariffs),
        units=_once(used for tariff in tariffs if (used := tariff.used(seconds)) is not None),
        from_answer=any(tariff.from_answer for tariff in tariffs),
    )


class _Tariff:
    """What a call costs that is answered at a moment."""

    def __init__(self, asked: Asked, at: datetime, book: PriceBook, uses: Uses, stakes: Stakes) -> None:
        self._asked, self._at, self._book = asked, at, book
        self._available = self._from_others = 0
        found = self._assess(asked.at_most_s)
        if isinstance(found, Assessment) and found.plan.included:
            self._available = _available(found, uses(found.subscription), grants.month_of(at))
            least = _unit_saves(found)[0]
            self._from_others = sum(worth for dearest, worth in stakes(found.subscription) if dearest > least)
        self._found = found

    @property
    def from_answer(self) -> bool:
        """Whether the meter starts at the gateway's answer; a call without a price is held from there as well."""
        return isinstance(self._found, Unratable) or self._found.plan.meter is Meter.ANSWER

    @property
    def free_seconds(self) -> int:
        """Nobody takes a call that is cut off when its first seconds, which are free, are over. 0: it may last as
        long as any."""
        if isinstance(self._found, Unratable) or self._found.price is None or not self._found.units:
            return 0
        return self._found.price.free_seconds

    def price(self, seconds: int) -> int:
        """Of so many metered seconds, with what they may take from others."""
        found = self._assess(seconds)
        if isinstance(found, Unratable):
            return 0
        taken = self._from_others if found.units > self._available else 0
        return settle(found, self._available).amount + taken

    def used(self, seconds: int) -> Units | None:
        """The included units that so many seconds may use, whether they are kept for it or not; None: none."""
        found = self._assess(seconds)
        if isinstance(found, Unratable) or not found.plan.included or not found.units:
            return None
        worth = settle(found).amount - settle(found, self._available).amount
        dearest = _unit_saves(found)[1] if worth else 0
        return Units(found.subscription.starts_at, grants.month_of(self._at), found.units, dearest, worth)

    def _assess(self, seconds: int) -> Assessment | Unratable:
        asked = self._asked
        call = MeteredCall("", asked.number, asked.caller_kind, self._at, self._at, seconds, seconds)
        return assess(call, self._book)


def _once(units: Iterable[Units]) -> tuple[Units, ...]:
    """A call uses its units once, whatever price it finds: of each subscription and month the greatest figures."""
    found: dict[tuple[datetime, int], Units] = {}
    for one in units:
        same = found.setdefault((one.since, one.month), one)
        found[one.since, one.month] = Units(
            one.since,
            one.month,
            max(one.units, same.units),
            max(one.dearest, same.dearest),
            max(one.worth, same.worth),
        )
    return tuple(found.values())


def _unit_saves(found: Assessment) -> tuple[int, int]:
    """The least and the most that one included unit saves an assessed call, sixtieths of a millionth of a yuan. The
    connect fee is saved when units pay for all of it, be it by the last one."""
    price = found.price
    if price is None:
        return 0, 0
    if found.plan.charge_by is ChargeBy.CALL:
        saved = 60 * (price.connect_fee + price.per_call)
        return saved, saved
    return price.per_minute, price.per_minute + 60 * price.connect_fee


def _available(found: Assessment, uses: Iterable[Use], month: int) -> int:
    """Granted units that are left for a call of a month."""
    allowance = grants.allowance_of(found)
    left = grants.Grants(allowance)
    for used_in, units in sorted(_nearest(use, month) for use in uses):
        if used_in >= allowance.first_month:
            left.take(used_in, units)
    return sum(remaining for _, remaining in left.available(month))


def _nearest(use: Use, month: int) -> tuple[int, int]:
    """The month that counts, and the units. A call that may be answered in one of several months leaves least when
    it is in ``month``, or as near to it as it can: none takes more than its units, and there it takes all of them
    from the grants that ``month`` may use."""
    if len(use) == 2:
        return use
    first, units, last = use
    return min(max(month, first), last), units


def _moments(asked: Asked, book: PriceBook) -> list[datetime]:
    """When the call comes, and each moment while it may wait from which another price, subscription or grant
    holds."""
    until = asked.at + timedelta(seconds=max(asked.at_most_s, asked.within_s))
    subscriptions = book.subscriptions.get(asked.number, ())
    changes = {grants.month_start(grants.month_of(until))}
    for held in subscriptions:
        changes |= {held.starts_at, *filter(None, [held.ends_at])}
        changes |= {price.effective_from for price in book.plans[held.plan].prices}
    return [asked.at, *sorted(at for at in changes if asked.at < at <= until)]
