"""``appliance rating reconcile``: a carrier's bill against our calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import click

from appliance import config
from appliance.cli.month import Month
from appliance.domain import money
from appliance.domain.cdr import clean
from appliance.domain.reconcile import Status
from appliance.errors import RatingError
from appliance.rating.carrier.form import Mapped, checked, read_mapping
from appliance.rating.carrier.reconcile import Against, Asked, Reconciled, Sum
from appliance.rating.carrier.reconcile import reconcile as reconciled
from appliance.store import schema

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NAMES = {
    Status.SAME: "一致 / the same",
    Status.SECONDS: "时长不同 / seconds differ",
    Status.AMOUNT: "金额不同 / amounts differ",
    Status.SECONDS_AND_AMOUNT: "时长与金额都不同 / both differ",
    Status.ONLY_BILL: "账单有、本机无 / on the bill only",
    Status.DOUBLED: "账单重复 / doubled on the bill",
    Status.ONLY_OURS: "本机有、账单无 / with us only",
}


class _Amount(click.ParamType[int]):
    """Yuan as millionths."""

    name = "YUAN"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        try:
            return money.parse(str(value))
        except RatingError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("bill", type=_FILE)
@click.option(
    "--against",
    type=click.Choice([one.value for one in Against]),
    default=Against.COSTS.value,
    show_default=True,
    help="Legs that went out and what they cost us, or calls that came in and what we charge.",
)
@click.option("--month", type=Month(), help="What has to be on the bill; default: from its first line to its last.")
@click.option("--trunk", help="Only calls and legs of this trunk.")
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="HEADING=NAME",
    help="The bill's heading is our caller, called, start, date, time, seconds or amount.",
)
@click.option("--columns", type=_FILE, help="The same in a file (TOML), with amount_unit and encoding.")
@click.option("--amount-unit", type=click.Choice(["yuan", "fen"]), help="Default: by the heading, else yuan.")
@click.option("--encoding", help="Default: UTF-8 or UTF-16 by its mark, UTF-8, GB18030.")
@click.option(
    "--tolerance-seconds",
    type=click.IntRange(0, 3600),
    default=2,
    show_default=True,
    help="Durations may differ so much.",
)
@click.option(
    "--tolerance-yuan", type=_Amount(), default="0", show_default=True, help="Amounts may differ so much."
)
@click.option(
    "--window-seconds",
    type=click.IntRange(0, 3600),
    default=30,
    show_default=True,
    help="Starts of one call lie at most so far apart once the clocks agree.",
)
@click.option(
    "--clock-seconds",
    type=click.IntRange(0, 86_400),
    default=900,
    show_default=True,
    help="The carrier's clock may be so far from ours.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Written: every difference (CSV).")
def reconcile(
    bill: Path,
    against: str,
    month: int | None,
    trunk: str | None,
    pairs: tuple[str, ...],
    columns: Path | None,
    amount_unit: str | None,
    encoding: str | None,
    tolerance_seconds: int,
    tolerance_yuan: int,
    window_seconds: int,
    clock_seconds: int,
    out: Path | None,
) -> None:
    """Match a carrier's BILL (CSV, call by call) with ours, and say what differs. Exit 1 when anything does."""
    settings = config.load()
    asked = Asked(
        against=Against(against),
        month=month,
        trunk=trunk,
        window_s=window_seconds,
        reach_s=clock_seconds,
        seconds=tolerance_seconds,
        amount=tolerance_yuan,
        home_area_code=settings.home_area_code,
    )
    mapped = _mapped(columns, pairs, amount_unit, encoding)
    with closing(schema.opened(settings.database_url)) as store:
        found = reconciled(bill, store, asked, mapped, out)
    for line in _told(found, asked):
        click.echo(line)
    if found.differs:
        raise click.exceptions.Exit(1)


def _mapped(columns: Path | None, pairs: tuple[str, ...], unit: str | None, encoding: str | None) -> Mapped:
    told = Mapped()
    if columns is not None:
        try:
            told = read_mapping(columns.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise RatingError(f"{columns}: {error}") from error
        except RatingError as error:
            raise RatingError(f"{columns}: {error}") from error
    named: Mapping[str, str] = {}
    for pair in pairs:
        heading, sign, name = pair.rpartition("=")
        if not sign or not heading:
            raise RatingError(f"--map {pair}: not HEADING=NAME")
        named = {**named, heading: name}
    return checked(Mapped({**told.columns, **named}, unit or told.unit, encoding or told.encoding))


def _told(found: Reconciled, asked: Asked) -> Iterator[str]:
    read = {name: clean(found.form.headings[place], 300) for name, place in found.form.places.items()}
    yield "列 / columns: " + ", ".join(f"{heading}={name}" for name, heading in sorted(read.items()))
    if found.sure:
        ahead = f"{found.offset_ms} ms ({found.sure})"
        yield f"时钟 / clocks: 运营商快 / the carrier's is ahead by {ahead}"
    yield f"{'':<34}{'账单 / bill':>40}{'本机 / ours':>42}"
    for status, name in _NAMES.items():
        billed, ours = found.billed[status], found.ours[status]
        if billed.count or ours.count or status is Status.SAME:
            yield f"{name:<34}{_sum(billed)}{_sum(ours)}"
    yield f"{'合计 / together':<34}{_sum(_whole(found.billed))}{_sum(_whole(found.ours))}"
    if found.unreadable:
        yield f"无法读取的行 / rows that cannot be read: {found.unreadable}"
        for row in found.told:
            yield f"  {row.line}: {row.why}"


def _whole(sums: Mapping[Status, Sum]) -> Sum:
    return Sum(*(sum(getattr(one, name) for one in sums.values()) for name in ("count", "seconds", "amount")))


def _sum(one: Sum) -> str:
    return f"{one.count:>10}{one.seconds:>12} s{money.format(one.amount):>18}"
