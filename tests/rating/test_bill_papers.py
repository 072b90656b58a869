"""A bill as PDF, workbook and CSV: what stands on it, and that nothing from outside works in it."""

from __future__ import annotations

import base64
import csv
import io
import re
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from appliance.domain.rmb import capitals
from appliance.errors import RatingError
from appliance.rating.bill.document import NO_INVOICE, Document
from appliance.rating.bill.pdf import as_pdf
from appliance.rating.bill.sheets import as_csv, as_xlsx
from tests.rating.bills import EVIL, MARKS, whole_bill

_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}sheet"
NS = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def texts_of(pdf: bytes) -> list[str]:
    """What a PDF's pages say, piece by piece."""
    found = []
    for stream in re.findall(rb"stream\n(.*?)endstream", pdf, re.DOTALL):
        page = zlib.decompress(base64.a85decode(stream.strip().removesuffix(b"~>")))
        pieces = re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", page, re.DOTALL)
        found += [_unescaped(one).decode("utf-16-be") for one in pieces]
    return found


def _unescaped(text: bytes) -> bytes:
    def plain(found: re.Match[bytes]) -> bytes:
        code = found[1]
        return bytes([int(code, 8)]) if code.isdigit() else {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(code, code)

    return re.sub(rb"\\([0-7]{3}|.)", plain, text, flags=re.DOTALL)


def sheets_of(xlsx: bytes) -> dict[str, list[list[str]]]:
    """Cells by sheet, numbers as they are written."""
    with zipfile.ZipFile(io.BytesIO(xlsx)) as book:
        shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        strings = ["".join(part.itertext()) for part in shared.findall("m:si", NS)]
        names = [one.attrib["name"] for one in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(_SHEET)]
        found = {}
        for index, name in enumerate(names, 1):
            page = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{index}.xml"))
            assert not page.findall(".//m:f", NS), "a formula"
            assert not page.findall(".//m:hyperlink", NS), "a link"
            found[name] = [[_cell(cell, strings) for cell in row] for row in page.findall(".//m:row", NS)]
    return found


def _cell(cell: ElementTree.Element, strings: list[str]) -> str:
    value = cell.findtext("m:v", "", NS)
    return strings[int(value)] if cell.get("t") == "s" else value


@pytest.fixture(scope="module")
def bill() -> Document:
    return whole_bill()


def test_the_pdf_says_it_all(bill: Document) -> None:
    said = texts_of(as_pdf(bill))
    assert {bill.title, bill.number, "2026-10-01 至 2026-10-31", bill.customer.name, bill.issuer.name} <= set(said)
    assert {capitals(bill.totals.gross), "¥195.41", "12.50", "165.06", "-0.70", "18.200000", NO_INVOICE} <= set(
        said
    )
    assert any("税率 6%" in one for one in said)
    assert any(MARKS in one for one in said), "marks are shown, not obeyed"
    assert "第 1 页，共 1 页" in said or "第 1 页，共 2 页" in said


def test_a_long_bill_has_its_head_on_each_page(bill: Document) -> None:
    said = texts_of(as_pdf(replace(bill, lines=bill.lines * 60)))
    pages = [one for one in said if re.fullmatch(r"第 \d+ 页，共 \d+ 页", one)]
    assert len(pages) > 5 and pages[-1] == f"第 {len(pages)} 页，共 {len(pages)} 页"
    assert said.count("超出计费") >= len(pages) - 2


def test_the_same_bill_is_the_same_file(bill: Document) -> None:
    assert as_pdf(bill) == as_pdf(bill)
    assert as_xlsx(bill) == as_xlsx(bill)


def test_a_font_that_is_none(bill: Document, tmp_path: Path) -> None:
    (tmp_path / "font.ttf").write_bytes(b"no font")
    for name in ("font.ttf", "missing.ttf"):
        with pytest.raises(RatingError, match=name):
            as_pdf(bill, tmp_path / name)


def test_the_workbook(bill: Document) -> None:
    sheets = sheets_of(as_xlsx(bill))
    assert list(sheets) == ["账单", "套餐内用量", "按价格汇总", "账户往来"]
    cells = [cell for row in sheets["账单"] for cell in row]
    assert {bill.number, "165.06", "195.41", "11.06", "184.35", "-0.70", capitals(bill.totals.gross)} <= set(cells)
    assert any(EVIL in cell for cell in cells), "a text like any other"
    assert sheets["套餐内用量"][1][2:] == ["2026-08", "秒", "6000", "6000", "0", "0"]
    assert sheets["按价格汇总"][1][-1] == "18.200000"


def test_the_csv(bill: Document) -> None:
    text = as_csv(bill)
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["金额（元）"] for row in rows] == ["18.20", "12.50", "165.06", "0.35", "-0.70"]
    assert {row["账单编号"] for row in rows} == {bill.number}
    evil = as_csv(replace(bill, corrects=EVIL))
    assert all(row["更正账单"] == f"'{EVIL}" for row in csv.DictReader(io.StringIO(evil.removeprefix("\ufeff"))))


def test_a_credit_note_says_what_it_corrects(bill: Document) -> None:
    owed = replace(bill.totals, gross=-100, net=-94, tax=-6)
    said = texts_of(as_pdf(replace(bill, corrects="ZD00000003", because="重复计费", totals=owed)))
    assert {"400 电话业务红字账单", "ZD00000003", "重复计费", "应退金额（含税）", "人民币壹元整"} <= set(said)


@pytest.mark.parametrize("reasons", [1, 2, 12])
def test_a_credit_note_has_room_for_every_reason(bill: Document, reasons: int) -> None:
    """Each may have 500 characters; all of them stand on it, over as many pages as they need."""
    because = "；".join(chr(ord("甲") + one) + "价" * 499 for one in range(reasons))
    said = "".join(texts_of(as_pdf(replace(bill, corrects="ZD00000017", because=because))))
    assert said.count("价") >= 499 * reasons
    assert because[:30] in said and because[-30:] in said
