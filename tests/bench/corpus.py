"""Call records of any number, the same each time, awkward rows among them; and a book to rate them by."""

from __future__ import annotations

import random
import tomllib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from tests.rating.books import HEADER, SAMPLE

#: Rows that are made one by one; a larger file repeats them under other names.
UNIT = 50_000
BOOK = SAMPLE / "plans.toml"
_MARK = b"#####"
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_ENDS = [datetime(2026, month, 1, tzinfo=timezone(timedelta(hours=8))) for month in (2, 3, 4, 5)]
_BAD = ("", "x", "2026-02-30T10:00:00Z", "=1+1", "12345678", "\ufeff", "１")


def write(path: Path, rows: int) -> None:
    """Write so many records."""
    unit = _unit()
    lines = unit.splitlines(keepends=True)
    with path.open("wb") as out:
        out.write(HEADER.encode())
        for at in range(0, rows, UNIT):
            part = unit if rows - at >= UNIT else b"".join(lines[: rows - at])
            out.write(part.replace(_MARK, b"%05d" % (at // UNIT)))


def _unit() -> bytes:
    dice = random.Random(400)
    book = tomllib.loads(BOOK.read_text(encoding="utf-8"))
    numbers = sorted({held["number"] for held in book["subscriptions"]})
    rows = [_row(dice, numbers) for _ in range(UNIT)]
    return b"".join(rows)


def _row(dice: random.Random, numbers: list[str]) -> bytes:
    kind = dice.random()
    started = _BEGIN + timedelta(seconds=dice.randrange(120 * 86_400))
    if kind < 0.03:
        # Around the month's end in Shanghai, many at one instant.
        started = dice.choice(_ENDS) + timedelta(seconds=dice.choice([-10, -10, -9, -1, 0]))
    answered = _time(dice, started + timedelta(seconds=dice.randrange(12))) if dice.random() < 0.9 else ""
    cells = [
        # One name in a hundred stands in every part of the file: all but the first are duplicates.
        f"c-{dice.randrange(UNIT * 4):06}" + ("" if dice.random() < 0.01 else f"-{_MARK.decode()}"),
        dice.choice(numbers),
        f"1{dice.randrange(10**10):010}",
        dice.choice(("mobile", "mobile", "fixed", "overseas", "unknown")),
        _time(dice, started),
        answered,
        str(dice.choice((0, 1, 5, 6, 59, 60, 61, dice.randrange(900)))),
        str(dice.randrange(900)),
    ]
    if 0.03 < kind < 0.04:
        cells[2] = dice.choice(('"a, b"', '"say ""x"""', '=cmd|"x"', '"', "é"))
    elif 0.04 < kind < 0.05:
        cells[dice.choice((0, 1, 3, 4, 5, 6, 7))] = dice.choice(_BAD)
    elif 0.05 < kind < 0.052:
        cells = cells[: dice.randrange(8)]
    return ",".join(cells).encode() + b"\n"


def _time(dice: random.Random, at: datetime) -> str:
    written = dice.random()
    if written < 0.85:
        return at.astimezone(timezone(timedelta(hours=8))).isoformat()
    if written < 0.95:
        return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return (
        (at + timedelta(microseconds=dice.randrange(10**6))).astimezone(timezone(timedelta(hours=-5))).isoformat()
    )
