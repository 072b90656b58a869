"""Books and files of calls that look for trouble: near every limit of the rules, and beyond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from tests.rating.books import HEADER

NUMBERS = ("4000000000", "4001234567", "4009999999")
KINDS = ("mobile", "fixed", "overseas", "unknown")
_LARGEST = 10**12

# Instants around which everything happens, so that calls, prices, subscriptions and months meet: month ends in
# Shanghai and elsewhere, a leap day, both ends of the years.
_MOMENTS = [
    datetime(2026, 1, 31, 16, tzinfo=UTC),
    datetime(2026, 2, 28, 15, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC),
    datetime(2026, 3, 31, 16, tzinfo=UTC),
    datetime(2028, 2, 29, 12, tzinfo=UTC),
    datetime(2000, 1, 2, tzinfo=UTC),
    datetime(2099, 12, 30, 15, tzinfo=UTC),
]


def instants() -> st.SearchStrategy[datetime]:
    """Near one of the moments, often at it."""
    near = st.sampled_from([0, 0, 0, 1, -1, 3600, -3600, 86_400, -86_400, 31 * 86_400])
    micro = st.sampled_from([0, 0, 1, 500_000, 999_999])
    return st.builds(
        lambda moment, seconds, us: moment + timedelta(seconds=seconds, microseconds=us),
        st.sampled_from(_MOMENTS),
        near,
        micro,
    )


@st.composite
def times(draw: st.DrawFn) -> str:
    """An instant under some offset."""
    at = draw(instants())
    minutes = draw(st.sampled_from([0, 480, 480, 480, -300, 345, 899, -899]))
    local = at.astimezone(timezone(timedelta(minutes=minutes)))
    if not 2000 <= local.year <= 2099:
        local = _MOMENTS[0].astimezone(local.tzinfo)
    text = local.strftime("%Y-%m-%dT%H:%M:%S")
    if local.microsecond:
        text += f".{local.microsecond:06}".rstrip("0")
    elif draw(st.integers(0, 9)) == 0:
        text += ".000"
    if not minutes and draw(st.booleans()):
        return text + "Z"
    return text + f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _whole(least: int = 0) -> st.SearchStrategy[int]:
    few = st.sampled_from([least, 1, 6, 30, 60, 61, 100, 1000])
    return st.one_of(few, few, few, st.sampled_from([9_999_999, _LARGEST - 1, _LARGEST]))


def _amount() -> st.SearchStrategy[str]:
    common = st.sampled_from(["0", "0.11", "0.000001", "0.1375", "1.333333", "0.05", "0.123457"])
    return st.one_of(
        common, common, st.sampled_from(["999999999999.999999", "999999999999", "123456789012.000031"])
    )


@st.composite
def _prices(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = draw(
        st.lists(
            st.tuples(st.sampled_from(("any", "any", *KINDS)), times()),
            min_size=1,
            max_size=6,
            unique_by=lambda key: (key[0], datetime.fromisoformat(key[1])),
        )
    )
    return [
        {
            "effective_from": effective,
            "caller": caller,
            "initial_seconds": draw(_whole()),
            "step_seconds": draw(_whole(least=1)),
            "free_seconds": draw(st.sampled_from([0, 0, 1, 5, 60, 9_999_999])),
            "connect_fee": draw(_amount()),
            "per_minute": draw(_amount()),
            "per_call": draw(_amount()),
        }
        for caller, effective in found
    ]


@st.composite
def books(draw: st.DrawFn) -> dict[str, Any]:
    """A price book that is not refused."""
    codes = draw(
        st.lists(
            st.sampled_from(["a", 'b,"', "c\nd", "套餐", " e ", "=1+1", "'"]), min_size=1, max_size=3, unique=True
        )
    )
    plans = [
        {
            "code": code,
            "name": "x",
            "charge_by": draw(st.sampled_from(["time", "time", "call"])),
            "meter": draw(st.sampled_from(["answer", "bridge"])),
            "included": draw(st.one_of(st.just(0), _whole(), st.sampled_from([1, 2, 3, 60, 90, 150]))),
            "rollover_months": draw(st.sampled_from([0, 0, 1, 2, 12, _LARGEST])),
            "minimum_monthly": "0",
            "prices": draw(_prices()),
        }
        for code in codes
    ]
    subscriptions = []
    for number in NUMBERS:
        bounds = draw(st.lists(times(), max_size=4, unique_by=datetime.fromisoformat))
        bounds.sort(key=datetime.fromisoformat)
        # Each second interval, so that there are gaps; or all of them, one ending as the next begins.
        step = draw(st.sampled_from([1, 2]))
        for at in range(0, len(bounds), step):
            ends = bounds[at + 1] if at + 1 < len(bounds) else ""
            plan = draw(st.sampled_from(codes))
            subscriptions.append({"number": number, "plan": plan, "starts_at": bounds[at], "ends_at": ends})
    return {"plans": plans, "subscriptions": subscriptions}


_BAD = [
    "",
    " ",
    "x",
    '"',
    '""',
    "\r",
    "\ufeff",
    "\x00",
    "１",
    "-1",
    "+1",
    "=1+1",
    "a" * 129,
    "0" * 300,
    "12345678",
    "2026-02-29T00:00:00Z",
    "2026-02-28T24:00:00Z",
    "2026-02-28T00:00:60Z",
    "2026-02-28T00:00:00",
    "2026-02-28T00:00:00+15:00",
    "2026-02-28T00:00:00+08:60",
    "2026-02-28T00:00:00.Z",
    "2026-02-28T00:00:00.1234567Z",
    "2026-02-28T00:00:00.123456+08:00",
    "2026-02-28T00:00:00,5Z",
    "2026-00-28T00:00:00Z",
    "2026-13-28T00:00:00Z",
    "2026-02-00T00:00:00Z",
    "1999-12-31T23:59:59Z",
    "2100-01-01T00:00:00Z",
    "2099-12-31T23:59:59-14:59",
    "2000-01-01T00:00:00+14:59",
    "4OO1234567",
    "any",
]


def _mostly(good: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.integers(0, 24).flatmap(lambda at: st.sampled_from(_BAD) if at == 0 else good)


def quoted(cell: str) -> str:
    """A cell as CSV quotes it."""
    return '"' + cell.replace('"', '""') + '"'


@st.composite
def _rows(draw: st.DrawFn) -> bytes:
    seconds = st.sampled_from(["0", "1", "5", "6", "59", "60", "61", "600", "0000001", "9999999"])
    cells = [
        draw(
            _mostly(
                st.sampled_from(
                    ["a", "B", "b", "-", "_", ".", ":", "@", "a1", "a10", "a" * 128, "c.1", "c:1", "c@1"]
                )
                | st.from_regex(r"[A-Za-z0-9._:@-]{1,3}", fullmatch=True)
            )
        ),
        draw(_mostly(st.sampled_from((*NUMBERS, NUMBERS[0], "4007777777")))),
        draw(
            st.sampled_from(
                ["", "13800138000", "a,b", 'say "x"', "line\nbreak", "=cmd()", "é", "\r", ',"', "x" * 300]
            )
        ),
        draw(_mostly(st.sampled_from(KINDS))),
        draw(_mostly(times())),
        draw(_mostly(st.one_of(times(), times(), times(), st.just("")))),
        draw(_mostly(seconds)),
        draw(_mostly(seconds)),
    ]
    if draw(st.integers(0, 30)) == 0:
        cells = draw(st.sampled_from([cells[:-1], [*cells, ""], cells * 2]))
    all_quoted = draw(st.integers(0, 9)) == 0
    text = ",".join(
        quoted(cell) if all_quoted or (any(mark in cell for mark in ',"\n') and draw(st.integers(0, 9))) else cell
        for cell in cells
    )
    return text.encode() + b"\n"


def _junk() -> st.SearchStrategy[bytes]:
    pieces = st.sampled_from(
        [b'"', b'""', b",", b"\n", b"a", b"\xff", b"\xe4\xb8", b"\x00", b"\r", b'",x","\n', b'"\n', b',"']
    )
    return st.lists(pieces, max_size=8).map(b"".join)


def files(rows: int = 25) -> st.SearchStrategy[bytes]:
    """Call records, header and all; the last line may be without its end."""
    body = st.lists(st.one_of(_rows(), _rows(), _rows(), _rows(), _junk()), max_size=rows)
    return st.builds(
        lambda parts, cut: HEADER.encode() + (b"".join(parts)[:-1] if cut else b"".join(parts)),
        body,
        st.booleans(),
    )
