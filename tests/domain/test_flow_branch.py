"""Nodes that decide without asking anybody: which exit is taken."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.admission import OVERSEAS
from appliance.domain.calendar import Standing
from appliance.domain.flow import Hours, Region, Switch, Vip, exits_of
from appliance.domain.flow.branch import Branch, Circumstances, branch
from appliance.domain.places import Place


def at(
    standing: Standing | None = None, place: Place | None = None, listed: str = "", schedule: str = "office"
) -> Circumstances:
    """How one schedule stands, one list that means the caller, and his place."""
    return Circumstances(
        lambda name: standing if name == schedule else pytest.fail(f"asked for {name}"),
        lambda name: name == listed,
        lambda: place,
    )


HOURS = Hours("office", "in", "out", "off")


@pytest.mark.parametrize(
    ("standing", "with_holiday", "without"),
    [
        (Standing.OPEN, "open", "open"),
        (Standing.CLOSED, "closed", "closed"),
        (Standing.HOLIDAY, "holiday", "closed"),
        # A schedule that is gone.
        (None, "open", "open"),
    ],
)
def test_hours(standing: Standing | None, with_holiday: str, without: str) -> None:
    assert branch(HOURS, at(standing), {}) == with_holiday
    assert branch(Hours("office", "in", "out"), at(standing), {}) == without


def test_every_standing_has_an_exit() -> None:
    assert {branch(HOURS, at(one), {}) for one in Standing} == set(exits_of(HOURS))


@pytest.mark.parametrize(("listed", "exit_name"), [("gold", "yes"), ("silver", "no"), ("", "no")])
def test_a_list(listed: str, exit_name: str) -> None:
    assert branch(Vip("gold", "x", "y"), at(listed=listed), {}) == exit_name


SHENZHEN = Place("广东", ("深圳",))
SHANGHAI = Place("上海", ("上海",))
SHAANXI = Place("陕西", ("西安", "咸阳"))


@pytest.mark.parametrize(
    ("place", "cases", "taken"),
    [
        (SHENZHEN, ["广东", "深圳", "广东/深圳"], "广东/深圳"),
        (SHENZHEN, ["广东", "深圳"], "深圳"),
        (SHENZHEN, ["广东省", "深圳市"], "深圳市"),
        (SHENZHEN, ["广东", "广东/广州", "广州"], "广东"),
        (SHENZHEN, ["湖南", "湖南/深圳", "广州"], ""),
        # Only the province is known.
        (Place("广东"), ["广东/深圳", "深圳", "广东"], "广东"),
        (Place("广东"), ["广东/深圳", "深圳"], ""),
        # One area code serves several cities.
        (SHAANXI, ["陕西", "咸阳"], "咸阳"),
        (SHAANXI, ["陕西", "陕西/咸阳", "西安"], "陕西/咸阳"),
        # A city that is a province, too, and two that are called as another one.
        (SHANGHAI, ["北京", "上海"], "上海"),
        (SHANGHAI, ["上海", "上海/上海"], "上海/上海"),
        (Place("吉林", ("吉林市",)), ["吉林", "吉林市"], "吉林市"),
        (Place("吉林", ("长春",)), ["吉林市", "吉林"], "吉林"),
        (Place("青海", ("海南州",)), ["海南", "青海"], "青海"),
        (OVERSEAS, ["广东", "境外"], "境外"),
        (OVERSEAS, ["广东"], ""),
        (None, ["广东", "境外"], ""),
    ],
)
def test_the_most_exact_place_wins_wherever_it_stands(place: Place | None, cases: list[str], taken: str) -> None:
    for order in permutations(cases):
        node = Region(dict.fromkeys(order, "x"), "y")
        assert branch(node, at(place=place), {}) == (f"cases.{taken}" if taken else "other")


def test_of_two_that_say_the_same_the_first_wins() -> None:
    assert branch(Region({"深圳市": "x", "深圳": "y"}, "z"), at(place=SHENZHEN), {}) == "cases.深圳市"
    assert branch(Region({"深圳": "x", "深圳市": "y"}, "z"), at(place=SHENZHEN), {}) == "cases.深圳"


@pytest.mark.parametrize(
    ("cases", "value", "exit_name"),
    [
        (["1", "2"], "2", "cases.2"),
        (["1", "2"], "3", "other"),
        (["1", "2"], "", "other"),
        (["1", "2"], None, "other"),
        (["1"], "12", "other"),
        (["12"], "1", "other"),
        (["138*"], "13800138000", "cases.138*"),
        (["138*"], "138", "cases.138*"),
        (["138*"], "13", "other"),
        (["138*"], "86138", "other"),
        (["138*"], "138*", "cases.138*"),
        # A star is nothing but the end of a beginning.
        (["1*8"], "138", "other"),
        (["1*8"], "1*8", "cases.1*8"),
        (["*"], "", "cases.*"),
        (["*"], None, "cases.*"),
        (["[0-9]*"], "5", "other"),
        (["."], "5", "other"),
        # The first that fits, not the longest.
        (["13*", "138*", "13800138000"], "13800138000", "cases.13*"),
        (["13800138000", "138*", "13*"], "13800138000", "cases.13800138000"),
        (["138*", "*"], "139", "cases.*"),
        (["Ab"], "ab", "other"),
        (["张"], "张", "cases.张"),
    ],
)
def test_a_variable(cases: list[str], value: str | None, exit_name: str) -> None:
    node = Switch("v", dict.fromkeys(cases, "x"), "y")
    variables: Mapping[str, str] = {"w": "1"} if value is None else {"w": "1", "v": value}
    assert branch(node, at(), variables) == exit_name


cases = st.dictionaries(st.text("1*广东/深圳", min_size=1, max_size=4), st.just("x"), min_size=1, max_size=4)
nodes: st.SearchStrategy[Branch] = st.one_of(
    st.builds(Hours, st.just("office"), st.just("x"), st.just("y"), st.sampled_from(["", "z"])),
    st.builds(Vip, st.just("gold"), st.just("x"), st.just("y")),
    st.builds(Region, cases, st.just("y")),
    st.builds(Switch, st.just("v"), cases, st.just("y")),
)


@given(
    nodes,
    st.sampled_from([None, *Standing]),
    st.sampled_from([None, SHENZHEN, SHANGHAI, SHAANXI]),
    st.sampled_from(["", "gold"]),
    st.text("1*广东", max_size=4),
)
def test_there_is_always_an_exit_that_leads_somewhere(
    node: Branch, standing: Standing | None, place: Place | None, listed: str, value: str
) -> None:
    taken = branch(node, at(standing, place, listed), {"v": value})
    assert taken in exits_of(node)
