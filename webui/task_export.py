"""Tasks as CSV for a spreadsheet, as calls are exported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from appliance.store.queries.tasks import TaskRow
from webui import words
from webui.export import csv_of
from webui.i18n import gettext
from webui.shown import clock, day, phone


def tasks_csv(pages: Iterable[Sequence[TaskRow]]) -> Iterator[str]:
    """The lines of the file, page by page."""
    kind, outcome = cache(words.kind), cache(words.outcome)

    def ended(row: TaskRow) -> str:
        last = outcome(row.last_outcome)
        return " ".join(filter(None, (last.text, last.why)))

    columns: list[tuple[str, Callable[[TaskRow], str]]] = [
        (gettext("Caller"), lambda row: phone(row.caller)),
        (gettext("Kind"), lambda row: kind(row.caller_kind)),
        (gettext("400 number"), lambda row: phone(row.number)),
        (gettext("Missed calls"), lambda row: str(row.calls)),
        (gettext("First call"), lambda row: f"{day(row.first_at)} {clock(row.first_at)}"),
        (gettext("Last call"), lambda row: f"{day(row.last_at)} {clock(row.last_at)}"),
        (gettext("How it ended"), ended),
        (gettext("Closed"), lambda row: f"{day(row.closed_at)} {clock(row.closed_at)}" if row.closed_at else ""),
        (gettext("Closed by"), lambda row: row.closed_by),
        (gettext("Note"), lambda row: row.note),
        (gettext("Call that reached the caller"), lambda row: row.closing_call),
    ]
    return csv_of(columns, pages)
