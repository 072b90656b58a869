"""A call's variables: those that every call has, texts that they are filled into, and how they are kept."""

from __future__ import annotations

import doctest
import re
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.flow import BUILT_IN, values
from appliance.domain.flow.values import LONGEST, MOST, built_in, fill, kept, read, tidy, written
from appliance.domain.numbers import WITHHELD, Caller, CallerKind
from appliance.domain.places import Place

CALLER = Caller("13800138000", CallerKind.MOBILE)
#: A Friday in Shanghai, a Thursday in Greenwich.
NIGHT = datetime(2026, 11, 26, 16, 5, tzinfo=UTC)


def test_doctests() -> None:
    assert doctest.testmod(values).failed == 0


def test_what_every_call_has() -> None:
    assert built_in(CALLER, Place("广东", ("深圳",)), "4008001234", NIGHT) == {
        "caller": "13800138000",
        "kind": "mobile",
        "province": "广东",
        "city": "深圳",
        "number": "4008001234",
        "date": "2026-11-27",
        "time": "00:05",
        "weekday": "5",
    }


def test_the_graph_knows_all_of_them_and_no_others() -> None:
    assert tuple(built_in(CALLER, None, "4008001234", NIGHT)) == BUILT_IN


@pytest.mark.parametrize(
    ("place", "province", "city"),
    [
        (None, "", ""),
        (Place("广东"), "广东", ""),
        # Nobody knows which of them it is.
        (Place("陕西", ("西安", "咸阳")), "陕西", ""),
        (Place("上海", ("上海",)), "上海", "上海"),
    ],
)
def test_the_place(place: Place | None, province: str, city: str) -> None:
    found = built_in(CALLER, place, "4008001234", NIGHT)
    assert (found["province"], found["city"]) == (province, city)


def test_a_caller_who_is_withheld() -> None:
    found = built_in(WITHHELD, None, "4008001234", NIGHT)
    assert (found["caller"], found["kind"]) == (WITHHELD.number, WITHHELD.kind.value)


@pytest.mark.parametrize(
    ("now", "date", "time", "weekday"),
    [
        (datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC), "2026-11-23", "23:59", "1"),
        (datetime(2026, 11, 23, 16, tzinfo=UTC), "2026-11-24", "00:00", "2"),
        (datetime(2026, 11, 28, 23, 0, tzinfo=timezone(timedelta(hours=-5))), "2026-11-29", "12:00", "7"),
        (datetime(2027, 1, 1, 1, 2, tzinfo=timezone(timedelta(hours=8))), "2027-01-01", "01:02", "5"),
    ],
)
def test_now_is_in_shanghai(now: datetime, date: str, time: str, weekday: str) -> None:
    found = built_in(CALLER, None, "4008001234", now)
    assert (found["date"], found["time"], found["weekday"]) == (date, time, weekday)


# ---- filling in


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("", ""),
        ("{caller}", "13800138000"),
        ("<{caller}{caller}>", "<1380013800013800138000>"),
        # What is filled in is not looked at again, whichever stands first.
        ("{evil}{caller}", "{caller}13800138000"),
        ("{caller}{evil}", "13800138000{caller}"),
        ("{half}caller}", "{caller}"),
        ("{unknown}{Caller}{caller.number}", ""),
        ('{}{ caller }{caller!r}{0}{"a": {1}}', '{}{ caller }{caller!r}{0}{"a": {1}}'),
        ("{{caller}}", "{13800138000}"),
        ("{caller", "{caller"),
        ("caller}", "caller}"),
        ("}{", "}{"),
        ("%(caller)s $caller %s", "%(caller)s $caller %s"),
        (r"\1\g<0>{slash}", r"\1\g<0>\1\g<0>"),
        ("a\r\nb\t\x00{lines}", "a  b  x  y"),
    ],
)
def test_filling_in(template: str, filled: str) -> None:
    variables = {
        "caller": "13800138000",
        "evil": "{caller}",
        "half": "{",
        "slash": r"\1\g<0>",
        "lines": "x\n\u2029y",
    }
    assert fill(template, variables) == filled


plain = st.text(st.characters(exclude_characters="{}"), max_size=20)


@given(
    st.lists(st.one_of(plain, st.sampled_from(["a", "b", "gone"]).map(lambda name: f"{{{name}}}"))),
    st.text(),
    st.text(),
)
def test_each_placeholder_is_replaced_once(parts: list[str], a: str, b: str) -> None:
    by_hand = "".join({"{a}": a, "{b}": b, "{gone}": ""}.get(part, part) for part in parts)
    assert fill("".join(parts), {"a": a, "b": b}) == tidy(by_hand)


@given(st.text(st.characters()))
def test_a_tidy_value_is_one_line_without_control_characters(value: str) -> None:
    kept = tidy(value)
    assert kept.isprintable() and len(kept) == min(len(value), MOST)
    assert kept.splitlines() in ([], [kept])
    assert tidy(kept) == kept
    assert all(one in (other, " ") for one, other in zip(kept, value, strict=False))
    kept.encode()


@pytest.mark.parametrize("length", [MOST - 1, MOST, MOST + 1, 10_000])
def test_the_longest_value(length: int) -> None:
    assert len(tidy("x" * length)) == len(fill("{a}", {"a": "x" * length})) == min(length, 200)
    assert fill("x" * length + "{a}", {"a": "y"}).count("y") == (length < 200)


# ---- keeping them


names = st.from_regex(r"[a-z][a-z0-9_]{0,29}", fullmatch=True)


@given(st.dictionaries(names, st.text().map(tidy), max_size=30))
def test_what_is_written_is_read_again(variables: dict[str, str]) -> None:
    text = written(variables)
    plain = "".join(sign for sign in text if sign.isascii())
    assert re.fullmatch(r"[A-Za-z0-9=;\-_.~]*", plain), "nothing that a switch's command could take for its own"
    assert text.isprintable() and len(text) <= LONGEST
    assert read(text) == variables
    assert list(read(text)) == list(variables)
    # As the switch tells it: one decoding more.
    assert read(unquote_plus(text)) == variables


def test_the_most_and_the_longest_that_is_kept() -> None:
    full = {f"v{n:02}" + "x" * 27: "😀" * MOST for n in range(30)}
    assert read(written(full)) == full
    assert read(written({**full, "late": "1"})) == full


def test_thirty_long_chinese_values_are_kept_whole_and_others_are_cut_where_they_must() -> None:
    chinese = {f"v{n:02}" + "x" * 27: "深圳市南山区" * 33 + "一号" for n in range(30)}
    assert all(len(value) == MOST for value in chinese.values())
    assert kept(chinese) == chinese == read(written(chinese)) and len(written(chinese)) <= LONGEST
    signs = {f"v{n:02}": "&" * MOST for n in range(29)} | {"short": "&%"}
    cut = read(written(signs))
    assert len(written(signs)) <= LONGEST and cut == kept(signs) and cut["short"] == "&%"
    assert {len(value) for name, value in cut.items() if name != "short"} == {80}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=", {"a": ""}),
        ("a", {"a": ""}),
        ("a=1;a=2", {"a": "2"}),
        ("A=1;1a=2;=3;a-b=4;a~20b=5;~00=6;ok=7", {"ok": "7"}),
        ("a=1=2;b=~zz;c=~;d=%26;e=~2", {"a": "1=2", "b": "~zz", "c": "~", "d": "%26", "e": "~2"}),
        ("a=~0A~0D~00b", {"a": "   b"}),
        ("a=~FF", {"a": "ÿ"}),
        ("a=" + "x" * 500, {"a": "x" * 200}),
        ("a" * 31 + "=1", {}),
        (";" * 5000, {}),
        (";".join(f"v{n}=1" for n in range(5000)), {f"v{n}": "1" for n in range(30)}),
        ("a=1;b=" + "x" * 200_000, {}),
    ],
)
def test_a_text_that_is_not_ours(text: str, found: dict[str, str]) -> None:
    assert read(text) == found


@given(st.text())
def test_nothing_makes_reading_crash(text: str) -> None:
    for one in (text, text * 50, f"a={text};b=1"):
        assert all(
            re.fullmatch("[a-z][a-z0-9_]{0,29}", name) and tidy(value) == value for name, value in read(one).items()
        )


@given(st.text(st.characters()), st.text(st.characters()))
def test_no_value_makes_writing_crash_or_becomes_another_variable(one: str, other: str) -> None:
    """A declared value comes as its graph has it."""
    found = read(written({"a": one, "b": other}))
    assert set(found) == {"a", "b"}
    assert written({"a": "\ud800"}) == "a=~20"
