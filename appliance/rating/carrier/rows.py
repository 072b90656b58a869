"""A bill's rows: each read, or said why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.domain.cdr import clean as shown
from appliance.rating.carrier.form import Form, cells, lines
from appliance.rating.carrier.values import clean, read_amount, read_number, read_seconds, read_start


@dataclass(frozen=True, slots=True)
class Row:
    """A row that was read. Numbers as we keep them, ``at`` in milliseconds, ``amount`` in millionths of a yuan."""

    line: int
    caller: str
    called: str
    at: int
    seconds: int
    amount: int | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that was not, by which column, and why."""

    line: int
    why: str


def rows(path: Path, form: Form, home_area_code: str = "") -> Iterator[Row | Unreadable]:
    """Every row behind the header; blank lines are none.

    :param home_area_code: as ``values.read_number``.
    :raises RatingError: as ``form.lines``.
    """
    for line, text in lines(path, form.encoding):
        if line <= form.header_line or (text is not None and not text.strip()):
            continue
        parted = None if text is None else cells(text, form.delimiter)
        if parted is None:
            yield Unreadable(line, "too long" if text is None else "its quotes do not close")
        elif any(clean(cell) for cell in parted):
            yield _row(line, [clean(cell) for cell in parted], form, home_area_code)


def _row(line: int, parted: list[str], form: Form, home_area_code: str) -> Row | Unreadable:
    last = max(form.places.values())
    if len(parted) <= last:
        return Unreadable(line, f"{len(parted)} cells, not {last + 1}")
    told = {name: parted[place] for name, place in form.places.items()}
    start = told["start"] if "start" in told else f"{told['date']} {told['time']}"
    if "start" in told and "date" in told and read_start(start) is None:
        # A time of day: the date stands beside it.
        start = f"{told['date']} {start}"
    caller, called = (read_number(told.get(name, ""), home_area_code) for name in ("caller", "called"))
    at, seconds = read_start(start), read_seconds(told["seconds"], form.seconds_unit)
    amount = read_amount(told["amount"], form.unit) if told.get("amount") else None
    if caller is None:
        return _unread(line, "caller", "a number", told, form)
    if not called:
        return _unread(line, "called", "a number", told, form)
    if at is None:
        return _unread(line, "start" if "start" in told else "time", "a time", told | {"time": start}, form)
    if seconds is None:
        return _unread(line, "seconds", "a duration", told, form)
    if told.get("amount") and amount is None:
        return _unread(line, "amount", "an amount", told, form)
    return Row(line, caller, called, at, seconds, amount)


def _unread(line: int, name: str, what: str, told: Mapping[str, str], form: Form) -> Unreadable:
    heading, cell = shown(form.headings[form.places[name]], 300), shown(told[name], 60)
    return Unreadable(line, f"{heading}: not {what}: {cell}")
