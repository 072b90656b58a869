"""What a carrier's file, and whoever names its encoding, cannot do to a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.rating import rating
from appliance.errors import RatingError
from appliance.rating.carrier.form import Mapped, checked, find_form
from appliance.rating.carrier.rows import Unreadable, rows
from appliance.store.unit import Store


@pytest.mark.parametrize("encoding", ["base64", "rot13", "hex", "zlib", "bz2", "morse", "utf-8\0", "\ud800"])
def test_only_encodings_of_text(encoding: str) -> None:
    with pytest.raises(RatingError, match="no encoding of text"):
        checked(Mapped(encoding=encoding))


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "big5", "utf-16-le"])
def test_encodings_of_text(encoding: str) -> None:
    assert checked(Mapped(encoding=encoding)).encoding == encoding


@pytest.mark.parametrize("kind", ["sqlite"])
def test_no_escape_sequence_reaches_the_terminal(
    store: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", database_url)
    bill = tmp_path / "bill.csv"
    bill.write_text(
        "主叫(\x1b[2J),被叫号码,开始时间,时长\n\x1b[2Jx\x9b31m,4001234567,2026-02-01 10:00:00,60\n"
        "13800138000,4001234567,\x1b[31m\u202e,60\n"
    )
    told = CliRunner().invoke(rating, ["reconcile", str(bill)]).output
    assert "主叫( [2J)=caller" in told and "not a number: [2Jx 31m" in told and "not a time: [31m" in told
    assert not [sign for sign in told if sign != "\n" and not sign.isprintable()]


@pytest.mark.parametrize("headings", ["被叫号码,开始,\x1b[2J", "被叫号码,开始时间,时长(\x1b[2J)"])
def test_nor_by_an_error(tmp_path: Path, headings: str) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_text(f"{headings}\n")
    with pytest.raises(RatingError) as refused:
        find_form(bill, Mapped())
    assert "[2J" in str(refused.value) and "\x1b" not in str(refused.value)


def test_a_cell_that_is_cut(tmp_path: Path) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_text(f"被叫号码,开始时间,时长\n4001234567,2026-02-01 10:00:00,{'x' * 99}\n")
    assert list(rows(bill, find_form(bill, Mapped()))) == [Unreadable(2, f"时长: not a duration: {'x' * 60}")]
