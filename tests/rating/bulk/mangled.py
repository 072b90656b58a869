"""The sample's records mangled by dice: other rules than ``nasty``'s, and as many rows as one likes."""

from __future__ import annotations

import random
from pathlib import Path

from tests.rating.books import HEADER, SAMPLE

_CELLS = [
    *(b'"' + b"q,\n" * lines + b'"' for lines in range(4)),
    *(b'"a""b"', b'"', b'"x"y', b'y"x', b' "x"', b'""', b'" ', b"\xff\xfe", b"\xc3", b"\r", b"\x00"),
    *(b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\x85", b"\x0b", b"\x1c"),
]
_ZONES = [
    "Z",
    *["+08:00"] * 3,
    "-05:00",
    "+14:59",
    "-14:59",
    "+15:00",
    "-00:00",
    "+8:00",
    "+0800",
    "z",
    "",
    "+08:60",
]


def write(path: Path, rows: int, seed: int) -> None:
    """Write so many records, the last without its end."""
    dice = random.Random(seed)
    sample = (SAMPLE / "cdrs.csv").read_bytes().split(b"\n")[1:-1]
    with path.open("wb") as out:
        out.write(HEADER.encode())
        out.writelines(_line(dice, dice.choice(sample), rows) + b"\n" for _ in range(rows - 1))
        out.write(_line(dice, sample[0], rows))


def _line(dice: random.Random, line: bytes, rows: int) -> bytes:
    cells = line.split(b",")
    if len(cells) == 8:
        cells[0] = dice.choice([b"a", b"A", b"_", b"-", b".", b":", b"@", b"z", b"9"]) + b"%d" % dice.randrange(
            2 * rows
        )
        if dice.random() < 0.5:
            cells[4], cells[5] = _time(dice), dice.choice([_time(dice), _time(dice), cells[5], b""])
        if dice.random() < 0.3:
            cells[6] = b"%d" % dice.randrange(10 ** dice.randrange(1, 9))
        if dice.random() < 0.03:
            cells[dice.randrange(8)] = dice.choice(_CELLS)
        if dice.random() < 0.05:
            cells[2] = dice.choice(
                [b'"' + cells[2] + b'"', b'"many\nlines ""q"" , "', b"=1+1", b'"' + b"x\n" * 30 + b'"']
            )
        if dice.random() < 0.01:
            cells = [b'"' + cell + b'"' for cell in cells]
    line = b",".join(cells)
    chance = dice.random()
    if chance < 0.01:
        at = dice.randrange(len(line) + 1)
        line = line[:at] + bytes([dice.randrange(256)]) * dice.randrange(1, 3) + line[at + dice.randrange(2) :]
    elif chance < 0.011:
        line = b"," * dice.randrange(20)
    elif chance < 0.012:
        line += dice.choice([b"\r", b",", b" ", b'"'])
    elif chance < 0.0125:
        line = b'",x","'
    elif chance < 0.0126:
        line = b"a" * dice.randrange(100_000)
    return line


def _time(dice: random.Random) -> bytes:
    year = dice.choice([*[2026] * 20, 2000, 2099, 2025, 2027, 2028, 1999, 2100])
    month = dice.choice([*[1, 2, 3, 4, 5] * 4, 0, 12, 13])
    day = dice.choice([*list(range(1, 29)) * 2, 29, 30, 31, 0, 32])
    hour, minute, second = (dice.choice([*list(range(most)) * 4, most]) for most in (24, 60, 60))
    point = "".join(dice.choices("0123456789", k=dice.randrange(8)))
    fraction = dice.choice(["", "", "", "", f".{point}"])
    text = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{dice.choice(_ZONES)}"
    return text.encode()
