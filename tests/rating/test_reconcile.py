"""A carrier's file, whatever it looks like, against calls and legs that are stored."""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.rating import rating
from appliance.domain.pricing import MeteredCall
from appliance.domain.reconcile import Status
from appliance.errors import RatingError
from appliance.rating.carrier.form import Mapped, find_form, read_mapping
from appliance.rating.carrier.reconcile import Against, Asked, reconcile
from appliance.rating.carrier.rows import Row, Unreadable, rows
from appliance.rating.carrier.values import read_amount, read_number, read_seconds, read_start
from appliance.store.models import Call, CallLeg, Charge, LegCost
from appliance.store.unit import Store
from tests.rating.stored import put_calls

AT = datetime(2026, 2, 1, 2, tzinfo=UTC)
HEAD = "主叫号码,被叫号码,开始时间,通话时长,费用(元)\n"
CHARGES = Asked(against=Against.CHARGES, window_s=5)


def put(store: Store, calls: list[tuple[str, int, int, int]], caller: str = "13800138000") -> None:
    """Calls to one number: id, seconds after ``AT``, billed seconds, amount."""
    put_calls(
        store,
        [
            MeteredCall(name, "4008001234", "mobile", AT, AT + timedelta(seconds=after), seconds, 0)
            for name, after, seconds, _ in calls
        ],
    )
    with store.work() as session:
        session.query(Call).update({"caller": caller})
        session.add_all(
            Charge(
                call_uuid=name,
                account_id="east",
                month=2026 * 12 + 1,
                booked_month=2026 * 12 + 1,
                plan_code="p",
                amount=amount,
                reason="charged",
                rated_at=AT,
            )
            for name, _, _, amount in calls
        )
        session.commit()


def line(after: int, seconds: object = 60, amount: object = "0.5", caller: str = "13800138000") -> str:
    at = datetime(2026, 2, 1, 10, tzinfo=UTC) + timedelta(seconds=after)
    return f"{caller},4008001234,{at:%Y-%m-%d %H:%M:%S},{seconds},{amount}\n"


def listed(out: Path) -> list[dict[str, str]]:
    with out.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_everything_that_can_differ(store: Store, tmp_path: Path) -> None:
    put(
        store,
        [
            ("same", 0, 60, 500_000),
            ("longer", 1000, 60, 500_000),
            ("dearer", 2000, 60, 500_000),
            ("both", 3000, 60, 500_000),
            ("ours", 4000, 60, 500_000),
            ("twice", 5000, 60, 500_000),
        ],
    )
    bill, out = tmp_path / "bill.csv", tmp_path / "diff.csv"
    bill.write_text(
        HEAD
        + line(0, 61)
        + line(1000, 63)
        + line(2000, 60, "0.51")
        + line(3000, "00:02:00", 1)
        + line(5000)
        + line(5000)
        + line(6000)
        + "合计,,,7,3.51\n",
        encoding="gb18030",
    )
    found = reconcile(bill, store, CHARGES, out=out)
    counts = {status.value: (found.billed[status].count, found.ours[status].count) for status in Status}
    assert counts == {
        "same": (2, 2),
        "seconds": (1, 1),
        "amount": (1, 1),
        "seconds-and-amount": (1, 1),
        "only-bill": (1, 0),
        "only-ours": (0, 1),
        "doubled": (1, 0),
    }
    assert found.differs and found.unreadable == 1 and (found.offset_ms, found.sure) == (0, 4)
    assert found.told == [Unreadable(9, "主叫号码: not a number: 合计")]
    rows_ = listed(out)
    assert [(row["status"], row["bill_line"], row["our_id"]) for row in rows_] == [
        ("unreadable", "9", ""),
        ("seconds", "3", "longer"),
        ("amount", "4", "dearer"),
        ("seconds-and-amount", "5", "both"),
        ("only-ours", "", "ours"),
        ("doubled", "7", ""),
        ("only-bill", "8", ""),
    ]
    assert (rows_[2]["seconds_apart"], rows_[2]["yuan_apart"]) == ("0", "0.010000")
    assert rows_[4]["our_start"] == "2026-02-01 11:06:40"


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_carriers_clock(store: Store, tmp_path: Path) -> None:
    put(store, [(f"c{n}", n * 3600, 60, 500_000) for n in range(9)])
    bill = tmp_path / "bill.csv"
    # Ahead by two minutes and a half, give or take a second; one line is of no call of ours.
    bill.write_text(HEAD + "".join(line(n * 3600 + 150 + (n % 3 - 1)) for n in range(9)) + line(30_000))
    found = reconcile(bill, store, CHARGES)
    assert (found.offset_ms, found.sure, found.billed[Status.SAME].count) == (150_000, 9, 9)
    assert (found.billed[Status.ONLY_BILL].count, found.ours[Status.ONLY_OURS].count) == (1, 0)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_month_has_to_be_there_whole(store: Store, tmp_path: Path) -> None:
    put(store, [("a", 0, 60, 500_000), ("b", 20 * 86_400, 60, 500_000), ("c", 40 * 86_400, 60, 500_000)])
    bill = tmp_path / "bill.csv"
    bill.write_text(HEAD + line(0))
    assert reconcile(bill, store, CHARGES).ours[Status.ONLY_OURS].count == 0
    by_month = Asked(against=Against.CHARGES, month=2026 * 12 + 1)
    assert reconcile(bill, store, by_month).ours[Status.ONLY_OURS].count == 1
    bill.write_text(HEAD)
    assert reconcile(bill, store, by_month).ours[Status.ONLY_OURS].count == 2
    assert not reconcile(bill, store, CHARGES).differs


def test_legs_by_what_they_cost(store: Store, tmp_path: Path) -> None:
    """By the number that was dialled and the caller that was shown; a bill may leave the caller out."""
    with store.work() as session:
        for name, trunk, amount, reason in (
            ("a", "t", 60_000, "charged"),
            ("b", "t", 0, "no-cost"),
            ("c", "u", 1, "charged"),
        ):
            at = AT + timedelta(hours=ord(name))
            session.add(CallLeg(leg_uuid=name, call_uuid="x", role="line", started_at=at, ended_at=at, facts={}))
            session.flush()
            session.add(
                LegCost(
                    leg_uuid=name,
                    call_uuid="x",
                    trunk_id=trunk,
                    dialled="02161234567",
                    shown="02160000000",
                    answered_at=at,
                    seconds=60,
                    amount=amount,
                    reason=reason,
                )
            )
        session.commit()
    bill = tmp_path / "bill.csv"
    at = (AT + timedelta(hours=97)).strftime("%Y%m%d%H%M%S"), (AT + timedelta(hours=98)).strftime("%Y%m%d%H%M%S")
    bill.write_text(
        f"被叫;起始时间;计费时长;金额（分）\n8602161234567;{at[0]}Z;60;6\n021-61234567;{at[1]}Z;1分;600\n"
    )
    found = reconcile(bill, store, Asked(trunk="t"))
    assert not found.differs and found.billed[Status.SAME].amount == 6_060_000
    assert reconcile(bill, store, Asked(trunk="u")).billed[Status.ONLY_BILL].count == 2


# ---- files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_a_file_is_read_however_it_is_written(tmp_path: Path, encoding: str, delimiter: str) -> None:
    bill = tmp_path / "bill.csv"
    text = f"某某公司话单\r\n\r\n{HEAD}{line(0)}".replace(",", delimiter).replace("\n", "\r\n")
    bill.write_bytes(text.encode(encoding))
    form = find_form(bill, Mapped())
    (row,) = rows(bill, form)
    assert row == Row(form.header_line + 1, "13800138000", "4008001234", 1769911200000, 60, 500_000)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ("1.38E+10,4008001234,2026-02-01 10:00:00,60,1", "主叫号码: not a number: 1.38E+10"),
        ("138,,2026-02-01 10:00:00,60,1", "被叫号码: not a number: "),
        ("138,400,01/02/2026 10:00,60,1", "开始时间: not a time: 01/02/2026 10:00"),
        ("138,400,2026-02-01 10:00:00,1.5,1", "通话时长: not a duration: 1.5"),
        ("138,400,2026-02-01 10:00:00,60,=1+1", "费用(元): not an amount: =1+1"),
        ("138,400", "2 cells, not 5"),
        ('138,"400', "its quotes do not close"),
        ("9" * 70_000, "too long"),
    ],
)
def test_a_row_that_cannot_be_read_says_why(tmp_path: Path, cells: str, why: str) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_text(f"{HEAD}{line(0)}{cells}\n{line(1)}")
    read = list(rows(bill, find_form(bill, Mapped())))
    assert read[1] == Unreadable(3, why) and [type(one) for one in read] == [Row, Unreadable, Row]


def test_what_is_mapped_goes_before_what_is_known(tmp_path: Path) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_text("a,b,日期,时刻,被叫,时长,费用\n1,4008001234,2026-02-01,10:00:00,10086,x,9\n")
    mapped = read_mapping(
        'amount_unit = "fen"\nencoding = "utf-8"\n[columns]\nb = "called"\n"时刻" = "time"\na = "seconds"\n'
    )
    assert list(rows(bill, find_form(bill, mapped))) == [Row(2, "", "4008001234", 1769911200000, 1, 90_000)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x", "not TOML"),
        ("other = 1", "other: unknown field"),
        ("columns = 1", "columns must be a table"),
        ('[columns]\na = "when"', "a: when is none of caller"),
        ('amount_unit = "jiao"', "jiao is none of yuan, fen"),
        ('encoding = "morse"', "morse is no encoding of text"),
    ],
)
def test_a_mapping_that_is_none(text: str, why: str) -> None:
    with pytest.raises(RatingError, match=why):
        read_mapping(text)


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("content", [b"", b"a,b,c\n1,2,3\n", b"\x00\xff\xfe\x81" * 40, b'"' * 5000, b"x" * 200_000])
def test_what_is_no_bill_is_refused(store: Store, tmp_path: Path, content: bytes) -> None:
    bill, out = tmp_path / "bill.csv", tmp_path / "diff.csv"
    bill.write_bytes(content)
    with pytest.raises(RatingError, match=str(bill)):
        reconcile(bill, store, CHARGES, out=out)
    assert not [left for left in tmp_path.iterdir() if "diff" in left.name]


def test_bytes_that_are_none_of_its_encoding(tmp_path: Path) -> None:
    bill = tmp_path / "bill.csv"
    bill.write_bytes(HEAD.encode("gb18030") + b"\xff\xff\n")
    with pytest.raises(RatingError, match="not gb18030"):
        list(rows(bill, find_form(bill, Mapped())))


@given(st.text(max_size=30))
def test_no_cell_is_too_strange(text: str) -> None:
    for found in (read_start(text), read_seconds(text), read_amount(text, 10_000), read_number(text)):
        assert found is None or isinstance(found, int | str)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_no_cell_that_a_spreadsheet_computes(store: Store, tmp_path: Path) -> None:
    bill, out = tmp_path / "bill.csv", tmp_path / "diff.csv"
    bill.write_text(HEAD + line(0, caller="+14155550100") + line(1).replace(",60,", ",=HYPERLINK(1),"))
    reconcile(bill, store, CHARGES, out=out)
    assert {row["status"]: row["caller"] for row in listed(out)}["only-bill"] == "'+14155550100"
    assert not [cell for row in listed(out) for cell in row.values() if cell.startswith(("=", "+", "@"))]


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_order_of_the_file_does_not_matter(store: Store, tmp_path: Path) -> None:
    dice = random.Random(5)
    put(store, [(f"c{n:03}", dice.randrange(4000), dice.randrange(60), 1) for n in range(120)])
    lines = [line(dice.randrange(4000), dice.randrange(60), "0.000001") for _ in range(120)]
    bill = tmp_path / "bill.csv"
    found = []
    for _ in range(2):
        bill.write_text(HEAD + "".join(lines))
        found.append(reconcile(bill, store, CHARGES))
        dice.shuffle(lines)
    assert found[0].billed == found[1].billed and found[0].ours == found[1].ours
    assert sum(one.count for one in found[0].billed.values()) == 120


# ---- the command


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_command(store: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", database_url)
    put(store, [("a", 0, 60, 500_000)])
    bill, out = tmp_path / "bill.csv", tmp_path / "diff.csv"
    bill.write_text(HEAD.replace("主叫号码", "A") + line(0))
    command = ["reconcile", str(bill), "--against", "charges", "--map", "A=caller"]
    run = CliRunner().invoke(rating, command)
    assert run.exit_code == 0, run.output
    assert "A=caller" in run.output and "一致 / the same" in run.output
    bill.write_text(HEAD.replace("主叫号码", "A") + line(0, 70))
    run = CliRunner().invoke(rating, [*command, "--out", str(out)])
    assert run.exit_code == 1 and "时长不同" in run.output and len(listed(out)) == 1
    assert CliRunner().invoke(rating, [*command, "--tolerance-seconds", "10"]).exit_code == 0
    for wrong in (["--map", "A"], ["--map", "A=when"], ["--encoding", "morse"], ["--tolerance-yuan", "x"]):
        refused = CliRunner().invoke(rating, [*command, *wrong])
        assert refused.exit_code == 2 or isinstance(refused.exception, RatingError)
    (tmp_path / "columns.toml").write_text("nonsense")
    refused = CliRunner().invoke(rating, [*command, "--columns", str(tmp_path / "columns.toml")])
    assert isinstance(refused.exception, RatingError) and "columns.toml: not TOML" in str(refused.exception)
    refused = CliRunner().invoke(rating, [*command, "--out", str(tmp_path / "no" / "diff.csv")])
    assert isinstance(refused.exception, RatingError) and "cannot write" in str(refused.exception)
