"""Where both sides are laid out and sorted: a database file of its own that is thrown away.

A bill of a million lines does not stand in memory; what is read from here comes call by call, those of one called
number and caller together, in the order of their times.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from appliance.domain.reconcile import Billed, Ours, Terms, explained, shift, sure_differences
from appliance.store.parts import parts

_BILL, _OURS = 0, 1
_AT_ONCE = 5_000
_LAY = "INSERT INTO entry (side, called, caller, at, seconds, amount, line, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class Entry(NamedTuple):
    """One line of the bill, or one call of ours, under its key."""

    called: str
    caller: str
    one: Billed | Ours


class Run(NamedTuple):
    """Entries of one key without a pause that is longer than the window: none of them belongs to another run's."""

    called: str
    caller: str
    billed: list[Billed]
    ours: list[Ours]


class Desk:
    """Both sides, in ``folder``. Close it by leaving its block."""

    def __init__(self, folder: Path) -> None:
        self._base = sqlite3.connect(folder / "entries.db", isolation_level=None)
        # What is sorted goes beside it, not into memory; nothing of it has to outlive us.
        for setting in ("temp_store=FILE", "journal_mode=OFF", "synchronous=OFF", "cache_size=-65536"):
            self._base.execute(f"PRAGMA {setting}")
        self._base.execute(
            "CREATE TABLE entry (side INTEGER, called TEXT, caller TEXT, at INTEGER, seconds INTEGER,"
            " amount INTEGER, line INTEGER, id TEXT)"
        )

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def lay(self, entries: Iterable[Entry]) -> None:
        """Lay entries out."""
        for part in parts(entries, _AT_ONCE):
            self._base.execute("BEGIN")
            self._base.executemany(_LAY, [_laid(entry) for entry in part])
            self._base.execute("COMMIT")

    def span(self) -> tuple[int, int] | None:
        """The bill's first and last start; None: it has no line."""
        found = self._base.execute("SELECT min(at), max(at) FROM entry WHERE side = ?", (_BILL,)).fetchone()
        return None if found[0] is None else (int(found[0]), int(found[1]))

    def offset(self, reach_ms: int, terms: Terms) -> tuple[int, int]:
        """How far the carrier's clock is ahead, milliseconds: the median over calls that can only be one another's.

        Several have to agree, and nothing to speak against it (``_kept``); else the clocks are taken to agree.
        Second: how many such calls bear it out.
        """
        differences = array("q")
        for run in self.runs(reach_ms, 0):
            billed, ours = [one.at for one in run.billed], [one.at for one in run.ours]
            differences.extend(sure_differences(billed, ours, reach_ms))
        found = shift(differences, terms.window_ms)
        if found and not self._kept(found, terms):
            found = 0
        return found, sum(abs(one - found) <= terms.window_ms for one in differences)

    def _kept(self, shift_ms: int, terms: Terms) -> bool:
        """Whether a shift beyond the window explains more calls than none does: the few that are sure are those far
        from all others, and may be on one side only. One within the window keeps the calls that none finds, so it
        only must not explain fewer.
        """
        without = self._explained(replace(terms, offset_ms=0))
        return self._explained(replace(terms, offset_ms=shift_ms)) >= without + (abs(shift_ms) > terms.window_ms)

    def _explained(self, terms: Terms) -> int:
        return sum(
            explained(run.billed, run.ours, terms)
            for run in self.runs(terms.window_ms, terms.offset_ms)
            if run.billed and run.ours
        )

    def runs(self, window_ms: int, offset_ms: int) -> Iterator[Run]:
        """All entries, run by run; ours by the carrier's clock."""
        rows = self._base.execute(
            "SELECT called, caller, at + CASE side WHEN 1 THEN ? ELSE 0 END AS shown,"
            " side, at, seconds, amount, line, id"
            " FROM entry ORDER BY called, caller, shown, seconds, side, line, id",
            (offset_ms,),
        )
        for (called, caller), grouped in groupby(rows, key=lambda row: row[:2]):
            run = Run(called, caller, [], [])
            last: int | None = None
            for _, _, shown, side, at, seconds, amount, line, id_ in grouped:
                if last is not None and shown - last > window_ms:
                    yield run
                    run = Run(called, caller, [], [])
                last = shown
                if side == _BILL:
                    run.billed.append(Billed(line, at, seconds, amount))
                else:
                    run.ours.append(Ours(id_, at, seconds, amount))
            yield run


def _laid(entry: Entry) -> tuple[int, str, str, int, int, int | None, int, str]:
    one = entry.one
    if isinstance(one, Billed):
        return _BILL, entry.called, entry.caller, one.at, one.seconds, one.amount, one.line, ""
    return _OURS, entry.called, entry.caller, one.at, one.seconds, one.amount, 0, one.id
