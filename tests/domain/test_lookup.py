"""How the answer to a lookup is read."""

from __future__ import annotations

import doctest
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import lookup
from appliance.domain.lookup import MAX_VALUE, Failed, Found, NotFound, Why, parsed, picked, plain, read_answer

WANTED = {"level": "customer.level", "state": "orders.0.state"}
BODY = {"customer": {"level": "VIP", "balance": 12.50, "agreed": False}, "orders": [{"state": "已发货"}]}


def read(body: object, wanted: dict[str, str] = WANTED, *, status: int = 200, kind: str = "") -> object:
    return read_answer(status, kind, body if isinstance(body, bytes) else json.dumps(body).encode(), wanted)


def test_the_examples_hold() -> None:
    assert doctest.testmod(lookup).failed == 0


def test_what_is_wanted_is_found() -> None:
    assert read(BODY) == Found({"level": "VIP", "state": "已发货"})


def test_what_the_answer_lacks_is_empty() -> None:
    assert read(BODY, {**WANTED, "name": "customer.name", "all": "customer"}) == Found(
        {"level": "VIP", "state": "已发货", "name": "", "all": ""}
    )


def test_numbers_are_as_they_were_written() -> None:
    long = "9" * 5000
    body = b'{"a": 12.50, "b": 007, "c": -1e3, "d": %s}' % long.encode()
    assert read(body, {"a": "a"}) == Failed(Why.GARBAGE), "007 is no JSON"
    body = body.replace(b"007", b"7")
    found = read(body, {name: name for name in "abcd"})
    assert found == Found({"a": "12.50", "b": "7", "c": "-1e3", "d": long[:MAX_VALUE]})


def test_nothing_is_found_where_none_of_it_is_there() -> None:
    assert read({"customer": None, "orders": []}) == NotFound()
    assert read({}, {}) == Found({})


@pytest.mark.parametrize("status", [204, 404, 410])
def test_a_status_may_say_that_there_is_nothing(status: int) -> None:
    assert read(b"no such caller", status=status) == NotFound()


@pytest.mark.parametrize(
    ("status", "systems_fault"),
    [(301, False), (302, False), (400, False), (401, False), (408, True), (429, True), (500, True), (503, True)],
)
def test_other_statuses_are_failures_and_some_are_the_systems(status: int, systems_fault: bool) -> None:
    found = read(BODY, status=status)
    assert found == Failed(Why.STATUS, status)
    assert isinstance(found, Failed) and found.is_systems_fault is systems_fault


@pytest.mark.parametrize("why", Why)
def test_what_was_not_asked_is_no_fault_of_the_system(why: Why) -> None:
    expected = why not in (Why.BAD_REQUEST, Why.FORBIDDEN, Why.RESTING)
    assert Failed(why).was_asked is expected
    assert Failed(why, 500).is_systems_fault is expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[1]",
        b'"x"',
        b"null",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b"\xff\xfe\xfd",
        b"[" * 60000,
    ],
)
def test_what_is_no_json_object_is_garbage(body: bytes) -> None:
    assert read(body) == Failed(Why.GARBAGE)


@pytest.mark.parametrize("kind", ["application/json; charset=GBK", 'text/html; charset="gb2312"'])
def test_older_chinese_systems_are_understood(kind: str) -> None:
    body = json.dumps(BODY, ensure_ascii=False).encode("gbk")
    assert read(body, kind=kind) == Found({"level": "VIP", "state": "已发货"})
    assert read(body) == Failed(Why.GARBAGE)


def test_an_unknown_charset_is_read_as_utf8_with_or_without_mark() -> None:
    body = b"\xef\xbb\xbf" + json.dumps(BODY).encode()
    assert isinstance(read(body, kind="application/json; charset=none-such"), Found)


@pytest.mark.parametrize(
    "path",
    ["", "customer", "orders", "orders.1.state", "orders.-1", "orders.x", "orders.00000", "customer.level.x"],
)
def test_a_path_that_leads_to_no_single_value(path: str) -> None:
    assert picked(BODY, path) is None


def test_a_truth_value_is_a_word() -> None:
    assert picked(BODY, "customer.agreed") == "false"


@given(st.text())
def test_no_value_holds_a_control_character_or_is_long(text: str) -> None:
    made = plain(text)
    assert len(made) <= MAX_VALUE
    assert all(sign.isprintable() or sign in "\u3000\xa0" or not sign.isascii() for sign in made)
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 or sign in "\u2028\u2029" for sign in made)
    made.encode()


@given(st.binary(max_size=300))
def test_whatever_bytes_come_nothing_is_raised(body: bytes) -> None:
    parsed(body)
    read_answer(200, "charset=gbk", body, WANTED)
