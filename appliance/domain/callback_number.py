"""The number that somebody is to be called back at: which may be called, and how he is asked for it. Pure.

A number that a caller keys is a call that the enterprise pays for, to wherever he likes: so it is held to more than
his own is, which a carrier vouched for and the rules of the number let in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from enum import StrEnum

from appliance.domain import numbers
from appliance.domain.admission import black_listed
from appliance.domain.callback import Terms
from appliance.domain.numbers import Caller, CallerKind
from appliance.domain.routing import NumberRoute, RoutingTable

#: Keys by which he confirms the number that he is told, and by which he gives another one.
CONFIRM, OTHER = "1", "2"
#: How often he may key one.
MOST_KEYED = 3
#: So many numbers beside his own a caller may have called in so long a time; whoever withholds his number is one of
#: many that cannot be told apart.
MOST_OTHERS, MOST_OF_WITHHELD, OTHERS_WITHIN = 3, 20, timedelta(days=1)

#: Numbers abroad by which somebody earns of whoever calls. Of no country: shared cost, satellites, personal
#: numbers, networks, premium (ITU-T E.164, list of assigned country codes). Of countries: what their numbering
#: plans set aside.
_PREMIUM = (
    *("+808", "+870", "+878", "+881", "+882", "+883", "+979"),
    *("+1900", "+1976", "+3389", "+3480", "+3989", "+4190", "+4390", "+4393", "+4487", "+449", "+49900"),
    *("+61190", "+81990"),
)


class NotCallable(StrEnum):
    """Why a number cannot be called back."""

    #: Withheld, or no number of a telephone that can be called: a short number, of emergencies or services, or one
    #: that begins with 400 or 800.
    UNKNOWN = "unknown"
    OVERSEAS = "overseas"
    #: A call to it costs more than a call, for somebody earns of it.
    PREMIUM = "premium"
    #: It leads to a number of this box, or is what trunks show as theirs: the call would come back.
    OURS = "ours"
    #: On a black list of the number that he called.
    BLACK_LISTED = "black-listed"
    #: He has had many others called already.
    TOO_MANY = "too-many"


def why_not_callable(callee: Caller, terms: Terms, route: NumberRoute, table: RoutingTable) -> NotCallable | None:
    """Why a number is not called back; None: it is.

    :param route: the number that he called.
    """
    if callee.kind is CallerKind.UNKNOWN:
        return NotCallable.UNKNOWN
    if callee.kind is CallerKind.OVERSEAS and not terms.overseas:
        return NotCallable.OVERSEAS
    if callee.number.startswith(_PREMIUM):
        return NotCallable.PREMIUM
    if _is_ours(callee.number, table):
        return NotCallable.OURS
    return NotCallable.BLACK_LISTED if black_listed(callee, route, table) is not None else None


def _is_ours(number: str, table: RoutingTable) -> bool:
    return any(
        number in trunk.landing or number == numbers.caller(trunk.caller_number).number for trunk in table.trunks
    )


def has_too_many(caller: Caller, callee: Caller, others: Collection[str]) -> bool:
    """Whether one more number is too many for a caller.

    :param others: numbers beside his own that he asked to be called at lately (``OTHERS_WITHIN``).
    """
    if callee.number == caller.number or callee.number in others:
        return False
    return len(others) >= (MOST_OTHERS if caller.number else MOST_OF_WITHHELD)


def agreed_number(
    caller: Caller,
    terms: Terms,
    why_not: Callable[[Caller], NotCallable | None],
    refuse: Callable[[NotCallable], None],
    confirm: Callable[[Caller, bool], str],
    enter: Callable[[], Caller | None],
) -> Caller | None:
    """Ask which number he is to be called at, until he has confirmed one that can be; None: he would rather wait,
    or cannot be called.

    Whatever he keys is answered: said back, or refused with a word; after the last one he is not asked for more.

    :param why_not: see ``why_not_callable``.
    :param refuse: tells him that a number cannot be called.
    :param confirm: tells him the number, and that he may key another one (where that is so); the key he presses.
    :param enter: asks for another number; None: he keys none.
    """
    callee, left = caller, MOST_KEYED if terms.other_number else 0
    while True:
        why = why_not(callee)
        if why is not None:
            refuse(why)
        else:
            key = confirm(callee, left > 0)
            if key == CONFIRM:
                return callee
            if key != OTHER:
                return None
        another = enter() if left else None
        if another is None:
            return None
        callee, left = another, left - 1
