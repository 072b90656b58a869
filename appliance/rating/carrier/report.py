"""The file of differences: CSV for a spreadsheet, with no cell that one would compute."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from appliance.domain import money
from appliance.domain.grants import SHANGHAI
from appliance.domain.reconcile import Billed, Compared, Ours
from appliance.errors import RatingError
from appliance.rating.carrier.rows import Unreadable
from appliance.sheets import safe_cell

COLUMNS = (
    "status",
    "called",
    "caller",
    "bill_line",
    "bill_start",
    "bill_seconds",
    "bill_yuan",
    "our_id",
    "our_start",
    "our_seconds",
    "our_yuan",
    "seconds_apart",
    "yuan_apart",
    "why",
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Report:
    """Differences, written as they are found beside ``out``, and put in its place by ``keep``. None: nowhere."""

    def __init__(self, out: Path | None) -> None:
        self._out = out
        self._draft = None if out is None else out.with_name(f".{out.name}.{os.getpid()}")
        self._stream: TextIO | None = None
        self._write: Callable[[list[str]], object] = lambda cells: None

    def __enter__(self) -> Report:
        if self._draft is not None:
            with self._refused():
                # Excel reads UTF-8 only behind its mark.
                self._stream = self._draft.open("w", encoding="utf-8-sig", newline="")
            self._write = csv.writer(self._stream, lineterminator="\r\n").writerow
            self._row(*COLUMNS)
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None and self._draft is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
            with contextlib.suppress(OSError):
                self._draft.unlink()

    def unreadable(self, row: Unreadable) -> None:
        """A row of the bill that was not read."""
        self._row("unreadable", "", "", str(row.line), *[""] * 9, safe_cell(row.why))

    def differs(self, called: str, caller: str, one: Compared) -> None:
        """A difference."""
        billed, ours = one.billed, one.ours
        apart = ["", ""]
        if billed is not None and ours is not None:
            known = billed.amount is not None and ours.amount is not None
            apart = [
                str(billed.seconds - ours.seconds),
                _yuan((billed.amount or 0) - (ours.amount or 0)) if known else "",
            ]
        self._row(
            one.status.value,
            safe_cell(called),
            safe_cell(caller),
            "" if billed is None else str(billed.line),
            *_cells(billed),
            "" if ours is None else safe_cell(ours.id),
            *_cells(ours),
            *apart,
            "",
        )

    def keep(self) -> None:
        """Put the file in its place.

        :raises RatingError: it cannot be written.
        """
        if self._stream is not None and self._draft is not None and self._out is not None:
            with self._refused():
                self._stream.close()
                self._draft.replace(self._out)

    def _row(self, *cells: str) -> None:
        with self._refused():
            self._write(list(cells))

    @contextlib.contextmanager
    def _refused(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RatingError(f"cannot write {self._out}: {error.strerror}") from error


def _cells(one: Billed | Ours | None) -> tuple[str, str, str]:
    if one is None:
        return "", "", ""
    at = (_EPOCH + timedelta(milliseconds=one.at)).astimezone(SHANGHAI)
    return f"{at:%Y-%m-%d %H:%M:%S}", str(one.seconds), "" if one.amount is None else _yuan(one.amount)


def _yuan(micro: int) -> str:
    return money.format(micro)
