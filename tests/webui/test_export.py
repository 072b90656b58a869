"""The CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import update

from appliance.rating.cells import safe_cell
from appliance.store.models import Call
from appliance.store.unit import Store
from tests.webui.conftest import SignIn
from webui.views import calls

FIRST = "00000000-0000-4000-8000-000000000000"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_excel_reads_it(sign_in: SignIn) -> None:
    answer = sign_in(language="zh_Hans_CN").get("/calls.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.get_data().startswith(b"\xef\xbb\xbf")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="calls-')
    assert list(rows(answer.text)[0])[:3] == ["日期", "时间", "主叫"]
    assert "\r\n" in answer.get_data().decode("utf-8-sig")


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\u3000=1", "=cmd|'/c calc'!A1", "＝1"],
)
def test_no_cell_is_computed(sign_in: SignIn, store: Store, cell: str) -> None:
    with store.work() as session:
        session.execute(update(Call).where(Call.uuid == FIRST).values(caller_name=cell, outcome=cell))
        session.commit()
    found = next(row for row in rows(sign_in().get("/calls.csv").text) if row["Call id"] == FIRST)
    for value in found.values():
        assert not value.lstrip(" \u3000").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")), found


def test_every_cell_of_every_row_is_safe(sign_in: SignIn) -> None:
    for row in rows(sign_in().get("/calls.csv?from=&to=").text):
        for value in row.values():
            assert safe_cell(value) == value or value.startswith("'"), row
        assert row["Caller"] == "" or row["Caller"][0] in "01'", "an overseas number is text"


def test_it_holds_what_the_page_was_asked_for(sign_in: SignIn) -> None:
    client = sign_in("desk")
    assert len(rows(client.get("/calls.csv?from=&to=").text)) == 60
    found = rows(client.get("/calls.csv?from=&to=&outcome=answered").text)
    assert {row["Outcome"] for row in found} == {"Answered"}
    assert client.get("/calls.csv?from=yesterday").status_code == 400


def test_pages_of_the_export_join_without_a_gap(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_EXPORT_PAGE", 7)
    found = [row["Call id"] for row in rows(sign_in("desk").get("/calls.csv?from=&to=").text)]
    assert len(found) == len(set(found)) == 60
