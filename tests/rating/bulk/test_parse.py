"""Records read in blocks are what the plain reader makes of them, however the blocks fall."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from appliance.domain.grants import month_of
from appliance.domain.pricing import MeteredCall
from appliance.errors import RatingError
from appliance.rating.bulk.blocks import blocks
from appliance.rating.bulk.instants import microseconds
from appliance.rating.bulk.parse import MALFORMED, parse
from appliance.rating.records import COLUMNS, read_records
from tests.rating.books import HEADER, record
from tests.rating.bulk import nasty

Read = tuple[list[tuple[object, ...]], list[tuple[int, str]]]


def in_blocks(data: bytes, size: int) -> Read:
    """The good rows and the malformed ones."""
    calls, malformed = [], []
    for lines in blocks(io.BytesIO(data), size):
        batch, bad = parse(lines)
        calls.extend(tuple(row.values()) for row in batch.to_pylist())
        malformed.extend((int(line), MALFORMED[why]) for line, why in zip(bad.lines, bad.reasons, strict=True))
    return sorted(calls, key=lambda call: int(str(call[0]))), sorted(malformed)


def plainly(data: bytes) -> Read:
    """The same by the plain reader, rows that come twice among them."""
    # Rows that come twice are left to the engine: here each has its own name but for them.
    good, rejects = read_records(data.decode("utf-8", "surrogateescape"))
    malformed = [
        (each.line, each.reason.removeprefix("malformed:")) for each in rejects if each.reason != "duplicate"
    ]
    return [_columns(line, call) for line, call in good], malformed


def _columns(line: int, call: MeteredCall) -> tuple[object, ...]:
    answered = call.answered_at
    return (
        line,
        call.call_id,
        call.number,
        call.caller_kind,
        microseconds(call.started_at),
        None if answered is None else microseconds(answered),
        0 if answered is None else month_of(answered),
        call.billsec,
        call.bridged_seconds,
    )


def once(read: Read) -> Read:
    """The first of each name."""
    seen: dict[object, tuple[object, ...]] = {}
    for call in read[0]:
        seen.setdefault(call[1], call)
    return list(seen.values()), read[1]


_SIZES = st.one_of(st.integers(1, 40), st.integers(40, 2000), st.just(1 << 20))
_SLOW = [HealthCheck.too_slow]


@settings(max_examples=60, deadline=None, suppress_health_check=_SLOW)
@given(nasty.files(), _SIZES)
def test_the_same_rows_as_the_plain_reader(data: bytes, size: int) -> None:
    assert once(in_blocks(data, size)) == plainly(data)


@pytest.mark.accept
@pytest.mark.timeout(1200)
@settings(max_examples=3000, deadline=None, suppress_health_check=_SLOW)
@given(nasty.files(), _SIZES)
def test_the_same_rows_as_the_plain_reader_many_times(data: bytes, size: int) -> None:
    assert once(in_blocks(data, size)) == plainly(data)


_PIECES = [b'"', b'""', b",", b"\n", b"a", b",,,,,,,", b'",x","\n', b'","', b'"\n"', b"\xff"]


@settings(max_examples=300, deadline=None)
@example(b'"""""",,,,,,,"",x","\n"a', 6)
@given(st.lists(st.sampled_from(_PIECES), max_size=30).map(b"".join), st.integers(1, 30))
def test_quotes_that_close_late_wrongly_or_never(body: bytes, size: int) -> None:
    data = HEADER.encode() + body
    assert once(in_blocks(data, size)) == plainly(data)


@pytest.mark.parametrize("size", [7, 64, 1 << 20])
@pytest.mark.parametrize(
    "header", ["", "call_id\n", "\ufeff" + HEADER, HEADER[:-1] + "\r\n", HEADER[:-1] + ",x\n", "\n" + HEADER]
)
def test_a_file_with_other_columns_is_refused(header: str, size: int) -> None:
    with pytest.raises(RatingError, match="line 1: the columns must be exactly"):
        list(blocks(io.BytesIO((header + record()).encode()), size))


@pytest.mark.parametrize("header", [HEADER, HEADER[:-1], HEADER.replace("caller,", '"caller",')])
def test_a_header_and_nothing_else(header: str) -> None:
    assert list(blocks(io.BytesIO(header.encode()))) == []


@pytest.mark.parametrize(
    ("long", "why"),
    [
        (record(caller="x" * 5000), None),
        (record(caller='"' + 'x""\n' * 1000 + '"'), None),
        (record(call_id="x" * 5000), "call_id"),
        (record(call_id='"' + "x" * 127 + '""' * 400 + '"'), "call_id"),
        ("," * 5000 + "\n", "row"),
        ('"",' * 2000 + "\n", "row"),
        (record(billsec="0" * 5000), "billsec"),
        ('"' + "\n" * 3, "row"),
    ],
)
def test_a_row_longer_than_a_block_is_skimmed(long: str, why: str | None) -> None:
    data = (HEADER + record(call_id="before") + long + record(call_id="after")).encode()
    assert in_blocks(data, 100) == plainly(data)
    if why:
        assert (3, why) in in_blocks(data, 100)[1]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("zeros", ["\0", "\0\0\0"])
def test_a_zero_is_no_padding(column: str, zeros: str) -> None:
    good = dict(zip(COLUMNS, record().strip().split(","), strict=True))
    for cell in (good[column] + zeros, zeros + good[column]):
        data = (HEADER + record(**{column: cell}) + record(call_id="after")).encode()
        assert in_blocks(data, 1 << 20) == plainly(data)


def test_a_file_of_open_quotes_is_read_in_one_go() -> None:
    # Each line opens a quote that the next one closes, and none of them is a row: reading on from each to the end
    # would take hours.
    data = HEADER.encode() + b'",x","\n' * 30_000
    assert len(in_blocks(data, 1 << 20)[1]) == len(plainly(data)[1]) == 30_000


def test_rows_are_counted_by_their_lines() -> None:
    batch, bad = parse(next(blocks(io.BytesIO((HEADER + record() + "x\n" + record()).encode()))))
    assert batch.column("line").to_pylist() == [2, 4]
    assert np.array_equal(bad.lines, [3])
