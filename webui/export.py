"""Calls as CSV for a spreadsheet: UTF-8 with a mark, and no cell that a spreadsheet would compute."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import TypeVar

from appliance.rating.cells import safe_cell
from appliance.store.queries.call_views import CallRow
from webui import words
from webui.i18n import gettext
from webui.shown import clock, day, phone, yuan

#: Excel reads UTF-8 only behind this mark.
_BOM = "\ufeff"
_Row = TypeVar("_Row")
#: Rows of one export, at the most.
MOST_ROWS = 100_000


def calls_csv(pages: Iterable[Sequence[CallRow]]) -> Iterator[str]:
    """The lines of the file, page by page: a month of calls does not stand in memory at once."""
    return csv_of(_columns(), pages)


def csv_of(columns: Sequence[tuple[str, Callable[[_Row], str]]], pages: Iterable[Sequence[_Row]]) -> Iterator[str]:
    """As ``calls_csv``, of any rows: a heading and how its cell is read, for each column."""
    yield _BOM + _line([name for name, _ in columns])
    for page in pages:
        yield "".join(_line([read(row) for _, read in columns]) for row in page)
        # Under gevent a long export would hold up everybody else's pages, and the worker's heartbeat. Not 0:
        # gevent looks at its sockets only after some fifty of those.
        time.sleep(0.001)


def _columns() -> list[tuple[str, Callable[[CallRow], str]]]:
    # In the language of this request, looked up once for each code, not for each row.
    kind, outcome = cache(words.kind), cache(words.outcome)
    # Numbers go in groups, so that a spreadsheet neither drops their zero nor writes 1.38E+10.
    return [
        (gettext("Date"), lambda row: day(row.started_at)),
        (gettext("Time"), lambda row: clock(row.started_at)),
        (gettext("Caller"), lambda row: phone(row.caller)),
        (gettext("Name sent"), lambda row: row.caller_name),
        (gettext("Kind"), lambda row: kind(row.caller_kind)),
        (gettext("400 number"), lambda row: phone(row.number)),
        (gettext("Keys"), lambda row: " ".join(key for _, key in row.keys)),
        (gettext("Line"), lambda row: row.line_name or row.line_id),
        (gettext("Line's number"), lambda row: phone(row.line_number)),
        (gettext("Outcome"), lambda row: outcome(row.outcome).text),
        (gettext("Detail"), lambda row: outcome(row.outcome).why),
        (gettext("Waited (s)"), lambda row: str(round(row.waited_ms / 1000))),
        (gettext("Talked (s)"), lambda row: str(round(row.bridged_ms / 1000))),
        (gettext("Charge (yuan)"), lambda row: "" if row.amount is None else yuan(row.amount).replace("¥", "")),
        (gettext("Recording"), lambda row: gettext("yes") if row.recording else ""),
        (gettext("Call id"), lambda row: row.uuid),
    ]


def _line(cells: list[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow([safe_cell(cell) for cell in cells])
    return written.getvalue()
