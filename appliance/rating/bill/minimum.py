"""The minimum of a month that is billed, after late calls and corrections: what goes with them on paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy.orm import Session

from appliance.domain.bills import BillLine, Item, LineKind
from appliance.domain.closing import month_name
from appliance.domain.minimums import asked_by, settled
from appliance.domain.money import to_fen
from appliance.rating.bill.document import Document
from appliance.rating.bill.frozen import from_json
from appliance.store import bills

_LATE = (LineKind.LATE, LineKind.MINIMUM_LATE)


def for_corrections(session: Session, account_id: str, month: int, items: Iterable[Item]) -> Iterator[BillLine]:
    """What a credit note of a month's bill has beside these corrections, by number."""
    changes: dict[str, int] = {}
    for item in items:
        changes[item.number] = changes.get(item.number, 0) + to_fen(item.amount)
    yield from _settled(session, account_id, month, changes, LineKind.MINIMUM)


def for_late(session: Session, account_id: str, late: Iterable[tuple[int, Item]]) -> Iterator[BillLine]:
    """What a bill has beside late calls of these months, by month and number."""
    months: dict[int, dict[str, int]] = {}
    for month, item in late:
        months.setdefault(month, {})[item.number] = to_fen(item.amount)
    for month, changes in sorted(months.items()):
        yield from _settled(session, account_id, month, changes, LineKind.MINIMUM_LATE)


def came_late(session: Session, account_id: str, month: int) -> dict[str, int]:
    """What calls of a month that has no bill yet come to on later ones, by number, in fen."""
    found: dict[str, int] = {}
    for row in bills.since(session, account_id, month):
        for line in _of_month(from_json(row.document), month):
            found[line.number] = found.get(line.number, 0) + line.amount
    return found


def _settled(
    session: Session, account_id: str, month: int, changes: dict[str, int], kind: LineKind
) -> Iterator[BillLine]:
    standing = [(row, from_json(row.document)) for row in bills.since(session, account_id, month)]
    bill = next((one for row, one in standing if row.month == month and row.kind == bills.BILL), None)
    if bill is None:
        return
    lines = [line for row, one in standing for line in _of_month(one, month)]
    for asked in bill.minimums or asked_by(bill.lines):
        if asked.number in changes:
            before = [line for line in lines if line.number == asked.number]
            text = asked.text if kind is LineKind.MINIMUM else month_name(month)
            line = settled(asked, before, changes[asked.number], kind, text)
            if line is not None:
                yield line


def _of_month(document: Document, month: int) -> list[BillLine]:
    """The lines of a document that stand for a month: all of its own but what is late, or what is late of it."""
    if document.month == month:
        return [line for line in document.lines if line.kind not in _LATE]
    return [line for line in document.lines if line.kind in _LATE and line.text == month_name(month)]
