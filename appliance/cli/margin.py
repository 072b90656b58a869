"""``appliance rating margin``: what calls bring, what their legs cost, and what is left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict

import click

from appliance import config
from appliance.cli.month import Month
from appliance.domain.grants import month_start
from appliance.domain.money import format as written
from appliance.domain.money import round_half_up
from appliance.store import schema
from appliance.store.margins import Margin, margins


@click.command()
@click.option("--month", type=Month(), required=True, help="Month of Asia/Shanghai.")
@click.option("--account", help="Only this account.")
@click.option("--json", "as_json", is_flag=True, help="Amounts in millionths of a yuan.")
def margin(month: int, account: str | None, as_json: bool) -> None:
    """Charges less the cost of the legs that went out, by account and number."""
    with closing(schema.opened(config.load().database_url)) as store, store.reading() as session:
        rows = margins(session, month_start(month), month_start(month + 1), account)
    if as_json:
        click.echo(json.dumps([asdict(row) | {"margin": row.margin} for row in rows], ensure_ascii=False))
        return
    for line in _table(rows):
        click.echo(line)


def _table(rows: Sequence[Margin]) -> list[str]:
    whole = Margin(
        "合计",
        "",
        *(
            sum(getattr(row, name) for row in rows)
            for name in ("calls", "charged", "unrated", "legs", "cost", "uncosted")
        ),
    )
    lines = ["account       number      calls       charged          cost        margin       %"]
    for row in [*rows, *([whole] if len(rows) != 1 else [])]:
        share = round_half_up(row.margin * 1000, row.charged) if row.charged > 0 else None
        percent = "-" if share is None else f"{'-' if share < 0 else ''}{abs(share) // 10}.{abs(share) % 10}"
        lines.append(
            f"{row.account_id or '-':<12}  {row.number or '-':<10}  {row.calls:>5}  {written(row.charged):>12}"
            f"  {written(row.cost):>12}  {written(row.margin):>12}  {percent:>6}"
        )
    if whole.unrated:
        lines.append(f"未计费的通话 / calls without a charge: {whole.unrated}")
    if whole.uncosted:
        lines.append(f"没有成本价的外呼，毛利偏高 / legs without a cost, the margin is less: {whole.uncosted}")
    return lines
