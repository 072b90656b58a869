"""Black and white lists against a slow model that tries every entry on the caller."""

from __future__ import annotations

import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import lists, numbers
from appliance.domain.lists import NumberList, find, validate
from appliance.domain.numbers import WITHHELD, Caller, CallerKind, area_code, is_virtual
from appliance.errors import InvalidNumber


def kept(text: str) -> str:
    """The entry as it is kept, empty: it is none."""
    try:
        return validate(text)
    except InvalidNumber:
        return ""


#: Numbers and entries of few digits, so that they meet each other often.
CALLERS = [
    *("13800138000", "013800138000", "+8613800138000", "13800138001", "13812345678", "17001234567", "17101234567"),
    *("02161234567", "+862161234567", "01061234567", "051261234567", "051361234567", "09916666888"),
    *("+14155550100", "0014155550100", "+13800138000", "+85223456789", "10086", "400800123", "61234567"),
    *("anonymous", "", "${system}", "1" * 40),
]
callers = st.one_of(
    st.sampled_from(CALLERS),
    st.from_regex(r"1[37][08][01]{2}[0-9]{6}", fullmatch=True),
    st.from_regex(r"0(?:10|21|512)[2-4][0-9]{6,7}", fullmatch=True),
    st.from_regex(r"\+1[345][0-9]{6,12}", fullmatch=True),
    st.from_regex(r"[0-9]{3,24}", fullmatch=True),
).map(numbers.caller)
_WRITTEN = st.one_of(
    st.sampled_from([*CALLERS[:-4], "withheld", "overseas", "virtual", "010", "021", "0512", "170", "1700", "138"]),
    st.from_regex(r"(?:\+1|1[37]|0|[0-9])[0-9]{0,6}\*", fullmatch=True),
    st.from_regex(r"1[37][08][01]{0,4}", fullmatch=True),
)
entries = _WRITTEN.map(kept).filter(bool)


def means(entry: str, caller: Caller) -> bool:
    """Whether an entry means a caller, as ``docs/site.md`` says it, form by form."""
    number, mobile = caller.number, caller.kind is CallerKind.MOBILE
    if entry == "withheld":
        return not number
    if entry == "overseas":
        return caller.kind is CallerKind.OVERSEAS
    if entry == "virtual":
        return is_virtual(number)
    if entry.endswith("*"):
        return bool(number) and number.startswith(entry[:-1])
    if entry == number:
        return True
    if re.fullmatch(r"0[0-9]{2,3}", entry):
        return caller.kind is CallerKind.FIXED and area_code(number) == entry
    return bool(re.fullmatch(r"1[3-9][0-9]{1,5}", entry)) and mobile and number.startswith(entry)


def exactness(entry: str, caller: Caller) -> tuple[int, int]:
    """More is more exact: the whole number, then by how many digits stand there, a prefix last of its length."""
    if entry == caller.number:
        return (3, 0)
    if entry in ("withheld", "overseas", "virtual"):
        return (1, -("withheld", "overseas", "virtual").index(entry))
    return (2, len(entry.rstrip("*")) * 2 - entry.endswith("*"))


def test_doctests() -> None:
    assert doctest.testmod(lists).failed == 0


@given(st.frozensets(entries, max_size=12), callers)
def test_it_finds_what_trying_every_entry_finds(known: frozenset[str], caller: Caller) -> None:
    fitting = [entry for entry in known if means(entry, caller)]
    expected = max(fitting, key=lambda entry: exactness(entry, caller), default="")
    assert NumberList("l", "demo", known).match(caller) == expected


@given(st.frozensets(entries, max_size=12), callers, entries)
def test_another_entry_never_lets_a_caller_off_the_list(known: frozenset[str], caller: Caller, one: str) -> None:
    if NumberList("l", "demo", known).match(caller):
        assert NumberList("l", "demo", known | {one}).match(caller)


@given(st.lists(st.frozensets(entries, max_size=4), max_size=4), callers)
def test_the_first_list_that_means_the_caller_is_named(held: list[frozenset[str]], caller: Caller) -> None:
    named = [NumberList(f"l{number}", "demo", known) for number, known in enumerate(held)]
    hit = [one for one in named if any(means(entry, caller) for entry in one.entries)]
    assert find(named, caller) == ((hit[0].id, hit[0].match(caller)) if hit else None)


@given(_WRITTEN)
def test_an_entry_that_is_kept_is_kept_as_it_is(text: str) -> None:
    entry = kept(text)
    if entry:
        assert validate(entry) == entry
        assert len(entry) <= 30, "what the database's column holds"


@given(st.from_regex(r"(?:\+86|0086|86|0)?1[3-9][0-9]{9}|(?:\+86)?0512[2-8][0-9]{7}|\+1[0-9]{10}", fullmatch=True))
def test_a_number_is_on_the_list_however_it_is_written(text: str) -> None:
    entry = validate(text)
    assert NumberList("l", "demo", frozenset({entry})).match(numbers.caller(text)) == entry


@pytest.mark.parametrize(
    ("entry", "inside", "outside"),
    [
        ("13800138000", ["013800138000", "+86 138 0013 8000"], ["13800138001", "+13800138000", "anonymous"]),
        ("1380013*", ["13800139999"], ["13800140000", "+13800139999", "013"]),
        ("0512", ["051261234567", "+8651261234567"], ["051361234567", "13812660000", "02161234567", "anonymous"]),
        ("010", ["01061234567"], ["02161234567", "13800138000"]),
        ("1700", ["17001234567"], ["17011234567", "051217001234", "+17001234567"]),
        ("1380013", ["13800138000"], ["13800148000"]),
        ("10086", ["10086"], ["100861", "13800138000"]),
        ("+1*", ["+14155550100", "0014155550100"], ["13800138000", "+4415155550100"]),
        ("+14155550100", ["0014155550100"], ["+14155550101"]),
        ("withheld", ["anonymous", "", "${system}", "1" * 40], ["13800138000", "10086"]),
        ("overseas", ["+14155550100", "0044155550100"], ["+8613800138000", "anonymous"]),
        ("virtual", ["17001234567", "16212345678"], ["13800138000", "+17001234567", "02161234567"]),
    ],
)
def test_whom_an_entry_means(entry: str, inside: list[str], outside: list[str]) -> None:
    known = NumberList("l", "demo", frozenset({validate(entry)}))
    assert [raw for raw in inside if known.match(numbers.caller(raw)) != entry] == []
    assert [raw for raw in outside if known.match(numbers.caller(raw))] == []


def test_the_most_exact_entry_is_named() -> None:
    every = ["13800138000", "13800138*", "1380013", "1380013*", "138", "138*", "1*"]
    caller = numbers.caller("13800138000")
    for number, entry in enumerate(every):
        assert NumberList("l", "demo", frozenset(every[number:])).match(caller) == entry
    virtual = numbers.caller("17001234567")
    assert NumberList("l", "demo", frozenset({"1*", "virtual"})).match(virtual) == "1*"


def test_no_list_means_nobody() -> None:
    assert find([], WITHHELD) is None
    assert find([NumberList("l", "demo", frozenset())], WITHHELD) is None


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("138 0013 8000", "13800138000"),
        ("+86-21-6123.4567", "02161234567"),
        ("(0512)", "0512"),
        ("+1 415 555*", "+1415555*"),
        ("0*", "0*"),
        ("95588", "95588"),
        ("withheld", "withheld"),
        ("4008001234", "4008001234"),
    ],
)
def test_entries_as_they_are_kept(text: str, entry: str) -> None:
    assert validate(text) == entry


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "+*", "1*0", "1**", "anonymous", "Overseas", "110", "12", "0", "01", "1234", "１３８"),
        *("1" * 15 + "*", "1" * 40, "a13800138000", "13800138000;x", "+1", "virtual*"),
    ],
)
def test_what_is_no_entry(text: str) -> None:
    with pytest.raises(InvalidNumber, match="not a number, a prefix"):
        validate(text)


@pytest.mark.parametrize("text", ["0400", "0800", "61234567", "+86*"])
def test_an_entry_that_can_mean_nobody_is_refused(text: str) -> None:
    with pytest.raises(InvalidNumber):
        validate(text)
