"""Which number somebody may be called back at, and how he is asked for it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.callback import NO_CALLBACK, Terms
from appliance.domain.callback_number import (
    MOST_KEYED,
    MOST_OF_WITHHELD,
    MOST_OTHERS,
    NotCallable,
    agreed_number,
    has_too_many,
    why_not_callable,
)
from appliance.domain.lists import NumberList
from appliance.domain.numbers import Caller, caller
from appliance.domain.routing import NumberRoute, RoutingTable, Rules, Trunk

HOME = "021"
ROUTE = NumberRoute("4008001234", "demo", rules=Rules(black_lists=("bad", "gone")))
TABLE = RoutingTable(
    1,
    (
        Trunk("t", ("127.0.0.1",), landing={"02155556666": "4008001234"}),
        Trunk("u", ("127.0.0.2",), caller_number="+862155557777"),
    ),
    {},
    {"4008001234": ROUTE},
    lists={
        "bad": NumberList("bad", "demo", frozenset({"13900139000", "1700", "0512"})),
        "another": NumberList("another", "demo", frozenset({"138*"})),
    },
)
ABROAD = Terms("9", overseas=True)


@pytest.mark.parametrize(
    ("number", "terms", "why"),
    [
        ("13800138000", NO_CALLBACK, None),
        ("02160000000", NO_CALLBACK, None),
        ("60000000", NO_CALLBACK, None),
        ("", NO_CALLBACK, NotCallable.UNKNOWN),
        *((number, ABROAD, NotCallable.UNKNOWN) for number in ("110", "119", "120", "122", "112", "12110", "999")),
        *((number, ABROAD, NotCallable.UNKNOWN) for number in ("95588", "12345", "96110", "10086", "021110")),
        *((number, ABROAD, NotCallable.UNKNOWN) for number in ("4008001234", "04008001234", "+864001234567")),
        *((number, ABROAD, NotCallable.UNKNOWN) for number in ("8008101234", "16899168", "02116899168")),
        ("+14155550100", NO_CALLBACK, NotCallable.OVERSEAS),
        ("+14155550100", ABROAD, None),
        ("00442079460000", ABROAD, None),
        *((number, ABROAD, NotCallable.PREMIUM) for number in ("+19005550100", "00881612345678", "+449098790000")),
        ("02155556666", NO_CALLBACK, NotCallable.OURS),
        ("55556666", NO_CALLBACK, NotCallable.OURS),
        ("02155557777", NO_CALLBACK, NotCallable.OURS),
        ("13900139000", NO_CALLBACK, NotCallable.BLACK_LISTED),
        ("17001112222", NO_CALLBACK, NotCallable.BLACK_LISTED),
        ("051261234567", NO_CALLBACK, NotCallable.BLACK_LISTED),
        ("+861390013900", ABROAD, NotCallable.UNKNOWN),
    ],
)
def test_whom_a_queue_calls_back(number: str, terms: Terms, why: NotCallable | None) -> None:
    assert why_not_callable(caller(number, HOME), terms, ROUTE, TABLE) is why


def test_without_black_lists_nobody_is_on_one() -> None:
    free = NumberRoute("4008005678", "demo")
    assert why_not_callable(caller("13900139000"), NO_CALLBACK, free, TABLE) is None


@pytest.mark.parametrize(("own", "most"), [("13800138000", MOST_OTHERS), ("", MOST_OF_WITHHELD)])
def test_how_many_others_one_caller_may_have_called(own: str, most: int) -> None:
    others = {f"021600000{nth:02}" for nth in range(most)}
    one_more, known = caller("02199999999"), caller("02160000000")
    assert has_too_many(caller(own), one_more, others)
    assert not has_too_many(caller(own), one_more, set(list(others)[1:]))
    assert not has_too_many(caller(own), known, others)
    assert not has_too_many(caller("13800138000"), caller("13800138000"), others), "his own"


class Talk:
    """What is asked of him, and what he presses: a key where a number is confirmed, digits where one is keyed."""

    def __init__(self, presses: Sequence[str], terms: Terms, own: str = "13800138000") -> None:
        self.presses, self.terms, self.own = list(presses), terms, own
        self.told: list[str] = []

    def _pressed(self) -> str:
        return self.presses.pop(0) if self.presses else ""

    def _confirm(self, callee: Caller, may_change: bool) -> str:
        self.told.append(f"{callee.number}{'?' if may_change else ''}")
        return self._pressed()

    def _enter(self) -> Caller | None:
        self.told.append("enter")
        keyed = self._pressed()
        return caller(keyed) if keyed else None

    def goes(self) -> str:
        """The number that it is, at last; empty: none."""
        agreed = agreed_number(
            caller(self.own),
            self.terms,
            lambda callee: why_not_callable(callee, self.terms, ROUTE, TABLE),
            lambda why: self.told.append(why.value),
            self._confirm,
            self._enter,
        )
        return agreed.number if agreed is not None else ""


OTHER_NUMBER = Terms("9", other_number=True)


@pytest.mark.parametrize(
    ("own", "presses", "terms", "number", "told"),
    [
        ("13800138000", "1", NO_CALLBACK, "13800138000", "13800138000"),
        ("13800138000", "0", NO_CALLBACK, "", "13800138000"),
        ("13800138000", "", NO_CALLBACK, "", "13800138000"),
        ("13800138000", "2 02160000000 1", NO_CALLBACK, "", "13800138000"),
        ("", "1", NO_CALLBACK, "", "unknown"),
        ("", "02160000000 1", OTHER_NUMBER, "02160000000", "unknown enter 02160000000?"),
        ("13800138000", "2 02160000000 1", OTHER_NUMBER, "02160000000", "13800138000? enter 02160000000?"),
        ("13800138000", "2", OTHER_NUMBER, "", "13800138000? enter"),
        ("", "110 13900139000 02160000000 1", OTHER_NUMBER, "02160000000",
         "unknown enter unknown enter black-listed enter 02160000000"),
        ("", "110 112 114 1", OTHER_NUMBER, "", "unknown enter unknown enter unknown enter unknown"),
        ("13800138000", "2 02160000000 2 02160000001 2 02160000002 2 02160000003 1", OTHER_NUMBER, "",
         "13800138000? enter 02160000000? enter 02160000001? enter 02160000002"),
    ],
)  # fmt: skip
def test_what_he_is_asked(own: str, presses: str, terms: Terms, number: str, told: str) -> None:
    talk = Talk(presses.split(), terms, own)
    assert talk.goes() == number
    assert " ".join(talk.told) == told


@given(
    st.lists(st.sampled_from(["1", "2", "0", "", "110", "13900139000", "02160000000"]), max_size=12), st.booleans()
)
def test_whatever_he_presses_every_number_is_answered(presses: list[str], other_number: bool) -> None:
    """None that he keyed is passed over in silence, and none is agreed that may not be called."""
    talk = Talk(presses, Terms("9", other_number=other_number), "13700137000")
    number = talk.goes()
    assert number in ("", "13700137000", "02160000000")
    entered = talk.told.count("enter")
    assert entered <= (MOST_KEYED if other_number else 0)
    answers = [one for one in talk.told if one != "enter"]
    assert len(answers) in (entered, entered + 1), "the last one may have been left empty"
