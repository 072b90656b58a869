"""A bill as PDF, A4."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from appliance.domain.closing import month_name
from appliance.domain.money import format as exact
from appliance.domain.rmb import capitals
from appliance.errors import RatingError
from appliance.rating.bill import document as words
from appliance.rating.bill.document import Document

# reportlab takes a tenth of a second to be loaded, which only whoever sets a bill shall pay: it is imported there.

_MARGIN = 42.0
_WIDTH = 595.27 - 2 * _MARGIN
_INK, _GREY, _RULE, _BAND = "#1f2937", "#6b7280", "#d1d5db", "#f3f4f6"
#: Adobe's name of a font that readers of PDF bring along or replace; it is not in the file.
_READERS_FONT = "STSong-Light"
#: A command of reportlab's ``TableStyle``.
_Look = tuple[Any, ...]


def as_pdf(bill: Document, font: Path | None = None) -> bytes:
    """The bill as a PDF of as many pages as it needs.

    :param font: a TrueType font with Chinese, to be embedded; None: the reader's own Song.
    :raises RatingError: the font cannot be used.
    """
    from reportlab.platypus import SimpleDocTemplate

    name = _registered(font)
    made = io.BytesIO()
    template = SimpleDocTemplate(
        made,
        pagesize=(595.27, 841.89),
        # A frame has six points of its own.
        leftMargin=_MARGIN - 6,
        rightMargin=_MARGIN - 6,
        topMargin=40,
        bottomMargin=54,
        title=f"{bill.title} {bill.number}",
        author=bill.issuer.name,
        subject=words.period(bill.month),
        lang="zh-CN",
        # The same bill is the same file: no time of making, no random id.
        invariant=1,
    )
    template.build(_Setting(name).flow(bill), canvasmaker=_canvas_of(bill, name))
    return made.getvalue()


def _registered(font: Path | None) -> str:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    if font is None:
        pdfmetrics.registerFont(UnicodeCIDFont(_READERS_FONT))
        return _READERS_FONT
    name = f"bill-{font.stem}"
    try:
        pdfmetrics.registerFont(TTFont(name, str(font)))
    except (OSError, TTFError) as error:
        raise RatingError(f"{font}: not a TrueType font that can be embedded: {error}") from error
    return name


class _Setting:
    """The parts of the page, top to bottom."""

    def __init__(self, font: str) -> None:
        from reportlab.lib.enums import TA_RIGHT
        from reportlab.lib.styles import ParagraphStyle

        def style(name: str, size: float, **more: Any) -> ParagraphStyle:
            given = {
                "fontName": font,
                "fontSize": size,
                "leading": size * 1.45,
                "textColor": _INK,
                "wordWrap": "CJK",
            }
            return ParagraphStyle(name, **(given | more))

        self._font = font
        self._text = style("text", 9)
        self._right = style("right", 9, alignment=TA_RIGHT)
        self._small = style("small", 8, textColor=_GREY)
        self._small_right = style("small right", 8, textColor=_GREY, alignment=TA_RIGHT)
        self._section = style("section", 10.5, spaceBefore=14, spaceAfter=4)
        self._title = style("title", 18)
        self._sum = style("sum", 16, alignment=TA_RIGHT)

    def flow(self, bill: Document) -> list[Any]:
        """Everything."""
        parts = [*self._head(bill), *self._parties(bill), *self._owed(bill), *self._because(bill)]
        parts += self._lines(bill)
        parts += [*self._grants(bill), *self._prices(bill), *self._movements(bill)]
        from reportlab.platypus import Spacer

        return [*parts, Spacer(0, 14), self._p(words.NO_INVOICE, self._small)]

    def _p(self, text: str, style: Any) -> Any:
        """Text from the database; reportlab would read marks in it."""
        from reportlab.platypus import Paragraph

        return Paragraph(escape(text), style)

    def _head(self, bill: Document) -> list[Any]:
        facts = self._pairs([fact for fact in bill.head if fact[0] != words.BECAUSE])
        return [
            self._table(
                [[[self._p(bill.title, self._title), self._p(bill.issuer.name, self._small)], facts]],
                [_WIDTH * 0.52, _WIDTH * 0.48],
                [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, 0), 0)],
            )
        ]

    def _pairs(self, pairs: Sequence[tuple[str, str]]) -> Any:
        rows = [[self._p(name, self._small), self._p(value, self._text)] for name, value in pairs]
        tight: list[_Look] = [("TOPPADDING", (0, 0), (-1, -1), 1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1)]
        return self._table(rows, [62, None], [*tight, ("VALIGN", (0, 0), (-1, -1), "TOP")])

    def _parties(self, bill: Document) -> list[Any]:
        from reportlab.platypus import Spacer

        blocks = [
            [self._p(title, self._small), self._pairs([*words.party(one), *more])]
            for title, one, more in (
                ("客户", bill.customer, [("账户", bill.account)]),
                ("出账方", bill.issuer, []),
            )
        ]
        look: list[_Look] = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, 0), 0)]
        look += [("LINEABOVE", (0, 0), (-1, 0), 0.6, _RULE)]
        return [Spacer(0, 10), self._table([blocks], [_WIDTH / 2, _WIDTH / 2], look)]

    def _owed(self, bill: Document) -> list[Any]:
        from reportlab.platypus import Spacer

        owed = bill.totals
        label = "应退金额（含税）" if owed.gross < 0 else "应付金额（含税）"
        left = [self._p(label, self._small), self._p(capitals(abs(owed.gross)), self._text)]
        tax = f"不含税 {words.yuan(owed.net)} 元，税率 {words.rate(bill.tax_bp)}，税额 {words.yuan(owed.tax)} 元"
        right = [self._p(f"¥{words.yuan(owed.gross)}", self._sum), self._p(tax, self._small_right)]
        look: list[_Look] = [("BACKGROUND", (0, 0), (-1, -1), _BAND), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]
        look += [("TOPPADDING", (0, 0), (-1, -1), 8), ("BOTTOMPADDING", (0, 0), (-1, -1), 8)]
        look += [("LEFTPADDING", (0, 0), (0, 0), 10), ("RIGHTPADDING", (-1, 0), (-1, 0), 10)]
        return [Spacer(0, 12), self._table([[left, right]], [_WIDTH * 0.5, _WIDTH * 0.5], look)]

    def _because(self, bill: Document) -> list[Any]:
        """Why a bill is corrected: as many reasons as there were re-ratings, so not in a table, whose cell would
        have to fit one page."""
        if not bill.because:
            return []
        from reportlab.platypus import CondPageBreak

        title = self._p(words.BECAUSE, self._section)
        return [CondPageBreak(60), title, self._p(bill.because, self._text)]

    def _lines(self, bill: Document) -> list[Any]:
        head = ("400 号码", "项目", "通话", "计费量", "套餐抵扣", "超出计费", "金额（元）")
        rows = []
        for line in bill.lines:
            kind = line.charge_by
            figures = [line.billable_units, line.included_units, line.charged_units]
            counted = [f"{line.calls:,}" if line.calls else "", *(words.units(kind, figure) for figure in figures)]
            rows.append([line.number, words.what(line), *counted, words.yuan(line.amount)])
        total = ["", "合计", "", "", "", "", words.yuan(bill.totals.gross)]
        return self._listed("费用明细", head, [*rows, total], (66, None, 34, 66, 66, 66, 62), texts=2, total=True)

    def _grants(self, bill: Document) -> list[Any]:
        head = ("400 号码", "套餐", "授予月份", "期初可用", "本期使用", "期末结转", "到期作废")
        rows = [
            [
                grant.number,
                grant.plan_name,
                month_name(grant.use.granted),
                *(
                    words.units(grant.charge_by, units)
                    for units in (grant.use.before, grant.use.used, grant.use.left, grant.use.lapsed)
                ),
            ]
            for grant in bill.grants
        ]
        return self._listed("套餐内用量", head, rows, (66, None, 50, 66, 66, 66, 66), texts=3)

    def _prices(self, bill: Document) -> list[Any]:
        head = ("400 号码", "套餐", "价格生效时间", "通话", "超出计费", "精确金额（元）")
        rows = [
            [
                price.number,
                price.plan_name,
                price.price_from,
                f"{price.calls:,}",
                words.units(price.charge_by, price.charged_units),
                exact(price.amount),
            ]
            for price in bill.prices
        ]
        return self._listed("按价格汇总", head, rows, (66, None, 122, 40, 76, 76), texts=3)

    def _movements(self, bill: Document) -> list[Any]:
        rows = [[one.text, words.yuan(one.amount)] for one in bill.movements]
        return self._listed("账户往来", ("事项", "金额（元）"), rows, (None, 90), texts=1)

    def _listed(
        self,
        title: str,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths: Sequence[float | None],
        *,
        texts: int,
        total: bool = False,
    ) -> list[Any]:
        """A table under its title; the first ``texts`` columns are texts, the others figures."""
        if not rows:
            return []
        styles = [self._text if column < texts else self._right for column in range(len(head))]
        tops = [self._small if column < texts else self._small_right for column in range(len(head))]
        cells = [[self._p(text, style) for text, style in zip(head, tops, strict=True)]]
        cells += [[self._p(text, style) for text, style in zip(row, styles, strict=True)] for row in rows]
        look: list[_Look] = [
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, _INK),
            ("LINEBELOW", (0, 1), (-1, -1), 0.3, _RULE),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ]
        if total:
            look += [("LINEABOVE", (0, -1), (-1, -1), 0.8, _INK), ("BACKGROUND", (0, -1), (-1, -1), _BAND)]
        from reportlab.platypus import CondPageBreak

        # A title never stands alone at a page's end; a short table is not cut.
        room = CondPageBreak(min(28 + 24 * len(cells), 160))
        return [room, self._p(title, self._section), self._table(cells, widths, look, repeat=1)]

    def _table(
        self, rows: Sequence[Sequence[Any]], widths: Sequence[float | None], look: Sequence[Any], repeat: int = 0
    ) -> Any:
        from reportlab.platypus import Table, TableStyle

        return Table(rows, colWidths=widths, repeatRows=repeat, style=TableStyle(look))


def _canvas_of(bill: Document, font: str) -> type[Any]:
    """Pages that know how many they are: the foot is set when the last one is done."""
    from reportlab.pdfgen.canvas import Canvas

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for index, page in enumerate(self._pages, 1):
                self.__dict__.update(page)
                self.setFont(font, 8)
                self.setFillColor(_GREY)
                self.drawString(_MARGIN, 30, f"{bill.title} {bill.number}　{bill.customer.name}"[:60])
                self.drawRightString(_MARGIN + _WIDTH, 30, f"第 {index} 页，共 {len(self._pages)} 页")
                super().showPage()
            super().save()

    return Numbered
