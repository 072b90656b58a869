"""Rows of call records: good ones, malformed ones, and those that come twice."""

from __future__ import annotations

import csv
import doctest
import io
import random
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import RatingError
from appliance.rating import records, times
from appliance.rating.records import Reject, read_records, rows
from appliance.rating.times import parse_time
from tests.rating.books import HEADER, record


def test_doctests() -> None:
    assert doctest.testmod(records).failed == 0 and doctest.testmod(times).failed == 0


def rejected(text: str) -> list[Reject]:
    return read_records(HEADER + text)[1]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        *(("call_id", cell) for cell in ("", "a b", "a/b", "é", "a" * 129, "１", "a\r")),
        *(
            ("number", cell)
            for cell in ("", "400800123", "40080012345", "8008001234", "400-800-1234", "400８００１２３４")
        ),
        *(("caller_kind", cell) for cell in ("", "any", "Mobile", " mobile", "landline")),
        *(("started_at", cell) for cell in ("", "2026-02-01", "2026-02-01T10:00:00")),
        *(("answered_at", cell) for cell in (" ", "0", "2026-02-30T10:00:00Z")),
        *(("billsec", cell) for cell in ("", "-1", "+1", "1.0", "1e3", "12345678", "１２", " 1", "1_0")),
        *(("bridged_seconds", cell) for cell in ("", "x", "12345678", "1\r")),
    ],
)
def test_a_bad_cell(column: str, cell: str) -> None:
    assert rejected(record(**{column: cell})) == [Reject(2, "", f"malformed:{column}")]


def test_the_first_bad_column_is_named() -> None:
    order = ["call_id", "number", "caller_kind", "started_at", "answered_at", "billsec", "bridged_seconds"]
    for first in range(len(order)):
        text = record(**dict.fromkeys(order[first:], "!"))
        assert rejected(text) == [Reject(2, "", f"malformed:{order[first]}")]


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        "x\n",
        record().rstrip("\n") + ",\n",
        record().rpartition(",")[0] + "\n",
        '"' + record(),
        record(caller='"a"b'),
        record(caller='"a'),
    ],
)
def test_a_row_that_is_not_eight_cells(text: str) -> None:
    assert rejected(text)[0] == Reject(2, "", "malformed:row")


@pytest.mark.parametrize(
    "cell",
    ["", "anonymous", "王", '"a,b"', '"a\nb"', '"say ""hi"""', 'a"b', "a\rb", "a\x0bb\u2028c\x85d\x00e", "\udcff"],
)
def test_a_caller_may_be_anything(cell: str) -> None:
    good, rejects = read_records(HEADER + record(caller=cell) + record(call_id="c2"))
    assert ([call.call_id for _, call in good], rejects) == (["c1", "c2"], [])


def test_a_quote_that_never_closes_spoils_its_row_alone() -> None:
    good, rejects = read_records(HEADER + record(caller='"') + record(call_id="c2"))
    assert (good[0][0], rejects) == (3, [Reject(2, "", "malformed:row")])


def test_lines_are_counted_through_cells_of_several_lines() -> None:
    text = record(caller='"a\n\nb"') + record(call_id="!") + "\n" + record(call_id="c2")
    good, rejects = read_records(HEADER + text)
    assert [line for line, _ in good] == [2, 7]
    assert rejects == [Reject(5, "", "malformed:call_id"), Reject(6, "", "malformed:row")]


def test_the_first_good_row_of_a_name_stands() -> None:
    text = (
        record(billsec="!") + record(billsec="1") + record(billsec="2") + record(billsec="3") + record(call_id="C1")
    )
    good, rejects = read_records(HEADER + text)
    assert [(line, call.call_id, call.billsec) for line, call in good] == [(3, "c1", 1), (6, "C1", 61)]
    assert rejects == [
        Reject(2, "", "malformed:billsec"),
        Reject(4, "c1", "duplicate"),
        Reject(5, "c1", "duplicate"),
    ]


def test_the_last_line_may_lack_its_end() -> None:
    assert len(read_records(HEADER + record().rstrip("\n"))[0]) == 1
    assert len(read_records(HEADER + record(bridged_seconds='"5"').rstrip("\n"))[0]) == 1
    assert read_records(HEADER.rstrip("\n")) == ([], [])


@pytest.mark.parametrize(
    "header",
    [
        "",
        "\n",
        HEADER.upper(),
        HEADER.replace("caller,", ""),
        HEADER.replace("caller,caller_kind", "caller_kind,caller"),
        HEADER.replace("\n", ",extra\n"),
        HEADER.replace("\n", "\r\n"),
        "\ufeff" + HEADER,
        HEADER.replace(",", ";"),
        HEADER.replace("call_id", " call_id"),
    ],
)
def test_other_columns_are_refused(header: str) -> None:
    with pytest.raises(RatingError, match="the columns must be exactly"):
        read_records(header + record())


def test_a_quoted_header_is_the_same_header() -> None:
    assert len(read_records('"call_id"' + HEADER.removeprefix("call_id") + record())[0]) == 1


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])), min_size=1)))
def test_what_the_csv_module_writes_is_read(table: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(table)
    assert [list(row.cells) for row in rows(text.getvalue())] == table


@given(st.text(st.sampled_from('a",\n\r')))
def test_no_text_stops_the_reading(text: str) -> None:
    found = list(rows(text))
    assert [row.line for row in found] == sorted({row.line for row in found})


def test_a_great_file_full_of_quotes_is_read_in_no_time() -> None:
    dice = random.Random(1)
    text = "".join(dice.choice(['"', '""', ",", "a", "\n"]) for _ in range(300_000))
    assert len(list(rows(text))) > 10_000


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-02-17T09:30:00+08:00", "2026-02-17T01:30:00+00:00"),
        ("2026-02-17T09:30:00Z", "2026-02-17T09:30:00+00:00"),
        ("2026-02-17T09:30:00.1Z", "2026-02-17T09:30:00.100000+00:00"),
        ("2026-02-17T09:30:00.123456-14:59", "2026-02-18T00:29:00.123456+00:00"),
        ("2026-02-17T09:30:00.000-00:00", "2026-02-17T09:30:00+00:00"),
        ("2028-02-29T23:59:59+14:59", "2028-02-29T09:00:59+00:00"),
        ("2000-01-01T00:00:00+14:59", "1999-12-31T09:01:00+00:00"),
        ("2099-12-31T23:59:59-14:59", "2100-01-01T14:58:59+00:00"),
    ],
)
def test_a_time(text: str, utc: str) -> None:
    found = parse_time(text)
    assert found is not None and found.astimezone(UTC).isoformat() == utc


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "2026-02-17",
            "2026-02-17T09:30:00",
            "2026-02-17 09:30:00Z",
            "2026-02-17t09:30:00Z",
            "2026-02-17T09:30Z",
        ),
        *(
            "2026-02-17T09:30:00z",
            "2026-02-17T09:30:00+0800",
            "2026-02-17T09:30:00+08",
            "2026-02-17T09:30:00+15:00",
        ),
        *(
            "2026-02-17T09:30:00+08:60",
            "2026-02-17T09:30:00.Z",
            "2026-02-17T09:30:00.1234567Z",
            "2026-02-17T09:30:00,5Z",
        ),
        *("2026-02-29T09:30:00Z", "2026-13-01T09:30:00Z", "2026-02-17T24:00:00Z", "2026-02-17T09:30:60Z"),
        *("1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "20260217T093000Z", " 2026-02-17T09:30:00Z"),
        *(
            "2026-02-17T09:30:00Z\n",
            "２０２６-02-17T09:30:00Z",
            "2026-W08-2T09:30:00Z",
            "2026-02-17T09:30:00+08:00:00",
        ),
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert parse_time(text) is None
