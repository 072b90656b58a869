"""A bill as a workbook (XLSX) and as CSV: the same tables that the PDF sets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from appliance.domain.closing import month_name
from appliance.domain.rmb import capitals
from appliance.rating.bill import document as words
from appliance.rating.bill.document import Document
from appliance.sheets import BOM, safe_cell

Cell = str | int | Decimal
_Columns = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, its columns with their widths in characters, its rows. Money is a ``Decimal`` of yuan."""

    name: str
    columns: _Columns
    rows: tuple[tuple[Cell, ...], ...]


def tables(bill: Document) -> Iterator[Table]:
    """Those that have rows."""
    every = (_lines(bill), _grants(bill), _prices(bill), _movements(bill))
    return (table for table in every if table.rows)


def as_csv(bill: Document) -> str:
    """The bill's lines, one a row, with the bill's own facts in each: files of many months can be put together.

    With a byte order mark, as spreadsheets want it for Chinese; no cell is a formula.
    """
    table = _lines(bill)
    facts = [("账单编号", bill.number), ("账期", month_name(bill.month)), ("账户", bill.account)]
    facts += [("客户", bill.customer.name), ("更正账单", bill.corrects), ("发票号码", bill.tax_invoice)]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow([*(name for name, _ in facts), *(name for name, _ in table.columns)])
    for row in table.rows:
        texts = [safe_cell(cell) if isinstance(cell, str) else str(cell) for cell in row]
        writer.writerow([*(safe_cell(value) for _, value in facts), *texts])
    return BOM + written.getvalue()


def as_xlsx(bill: Document) -> bytes:
    """The bill as a workbook: a sheet with head, lines and sums, and one for each other table.

    Texts are written as texts, whatever they look like; money as the decimal number that it is.
    """
    import xlsxwriter

    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        # The same bill is the same file.
        book.set_properties(
            {"title": f"{bill.title} {bill.number}", "created": bill.issued_at.replace(tzinfo=None)}
        )
        looks = _Looks(book)
        first, *others = [_lines(bill), *(table for table in tables(bill) if table.name != _LINES)]
        page = _page(book, "账单")
        row = _head(page, bill, looks)
        row = _put(page, first, looks, row)
        for name, amount in _sums(bill):
            page.write_string(row, 1, name, looks.bold)
            page.write_number(row, len(first.columns) - 1, amount, looks.sum)
            row += 1
        page.write_string(row, 1, "金额大写", looks.bold)
        page.write_string(row, 2, capitals(bill.totals.gross), looks.text)
        page.write_string(row + 2, 0, words.NO_INVOICE, looks.note)
        for table in others:
            page = _page(book, table.name)
            _put(page, table, looks, 0)
            page.freeze_panes(1, 0)
    return made.getvalue()


_LINES = "费用明细"


def _page(book: Any, name: str) -> Any:
    """A sheet that is printed on A4, across, as many pages long as it needs."""
    page = book.add_worksheet(name)
    page.set_paper(9)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
    page.set_footer("&C&P / &N")
    page.set_default_row(18)
    page.hide_gridlines(2)
    return page


class _Looks:
    """Formats of a workbook."""

    def __init__(self, book: Any) -> None:
        self.title = book.add_format({"bold": True, "font_size": 16})
        self.name = book.add_format({"font_color": "#6b7280"})
        self.bold = book.add_format({"bold": True})
        self.text = book.add_format({})
        self.note = book.add_format({"font_color": "#6b7280", "italic": True})
        self.column = book.add_format({"bold": True, "bottom": 1, "bg_color": "#f3f4f6"})
        self.figures = book.add_format({"bold": True, "bottom": 1, "bg_color": "#f3f4f6", "align": "right"})
        # A line that is not for calls has none.
        self.count = book.add_format({"num_format": "#,##0;-#,##0;–", "align": "right"})
        self.money = book.add_format({"num_format": "#,##0.00"})
        self.exact = book.add_format({"num_format": "#,##0.000000"})
        self.sum = book.add_format({"num_format": "#,##0.00", "bold": True, "top": 1})

    def of(self, cell: Cell) -> Any:
        """The format of a figure."""
        if isinstance(cell, Decimal):
            return self.exact if cell.as_tuple().exponent == -6 else self.money
        return self.count


def _head(page: Any, bill: Document, looks: _Looks) -> int:
    """Title, facts, parties; the first row behind them."""
    page.write_string(0, 0, bill.title, looks.title)
    row = 2
    blocks = [bill.head, [("客户", ""), *words.party(bill.customer), ("账户", bill.account)]]
    blocks += [[("出账方", ""), *words.party(bill.issuer)]]
    for block in blocks:
        for name, value in block:
            page.write_string(row, 0, name, looks.name if value else looks.bold)
            page.write_string(row, 1, value, looks.text)
            row += 1
        row += 1
    return row


def _put(page: Any, table: Table, looks: _Looks, row: int) -> int:
    """A table with its columns' names; the first row behind it."""
    for column, (name, width) in enumerate(table.columns):
        is_text = isinstance(table.rows[0][column], str) if table.rows else True
        page.write_string(row, column, name, looks.column if is_text else looks.figures)
        page.set_column(column, column, width)
    for below, cells in enumerate(table.rows, 1):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                page.write_string(row + below, column, cell, looks.text)
            else:
                page.write_number(row + below, column, cell, looks.of(cell))
    return row + 1 + len(table.rows)


def _sums(bill: Document) -> Sequence[tuple[str, Decimal]]:
    owed = bill.totals
    return (
        ("不含税金额", _yuan(owed.net)),
        (f"税额（{words.rate(bill.tax_bp)}）", _yuan(owed.tax)),
        ("应退金额（含税）" if owed.gross < 0 else "应付金额（含税）", _yuan(owed.gross)),
    )


def _lines(bill: Document) -> Table:
    columns: _Columns = (("400 号码", 13), ("项目", 34), ("通话", 8), ("通话秒数", 10), ("单位", 8))
    columns += (("计费量", 12), ("套餐抵扣", 12), ("超出计费", 12), ("金额（元）", 14))
    rows = tuple(
        (
            line.number,
            words.what(line),
            line.calls,
            line.metered_seconds,
            words.unit_name(line.charge_by),
            line.billable_units,
            line.included_units,
            line.charged_units,
            _yuan(line.amount),
        )
        for line in bill.lines
    )
    return Table(_LINES, columns, rows)


def _grants(bill: Document) -> Table:
    columns: _Columns = (("400 号码", 13), ("套餐", 24), ("授予月份", 10), ("单位", 6))
    columns += (("期初可用", 12), ("本期使用", 12), ("期末结转", 12), ("到期作废", 12))
    rows = tuple(
        (
            one.number,
            one.plan_name,
            month_name(one.use.granted),
            words.unit_name(one.charge_by),
            one.use.before,
            one.use.used,
            one.use.left,
            one.use.lapsed,
        )
        for one in bill.grants
    )
    return Table("套餐内用量", columns, rows)


def _prices(bill: Document) -> Table:
    columns: _Columns = (
        ("400 号码", 13),
        ("套餐", 24),
        ("价格生效时间", 28),
        ("通话", 8),
        ("单位", 6),
        ("超出计费", 12),
    )
    columns += (("精确金额（元）", 16),)
    rows = tuple(
        (
            one.number,
            one.plan_name,
            one.price_from,
            one.calls,
            words.unit_name(one.charge_by),
            one.charged_units,
            Decimal(one.amount).scaleb(-6),
        )
        for one in bill.prices
    )
    return Table("按价格汇总", columns, rows)


def _movements(bill: Document) -> Table:
    rows = tuple((one.text, _yuan(one.amount)) for one in bill.movements)
    return Table("账户往来", (("事项", 30), ("金额（元）", 16)), rows)


def _yuan(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)
