"""``appliance rating``: calls and files are priced, charges explained."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from appliance import bootstrap, config
from appliance.cli.advise import advise
from appliance.cli.margin import margin
from appliance.cli.months import Month
from appliance.cli.reconcile import reconcile
from appliance.rating.cost import cost_all
from appliance.rating.explain import explain as explained
from appliance.rating.files import rate_files
from appliance.rating.run import rate_all
from appliance.store import schema
from appliance.store.queries import Scope, reading

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def rating() -> None:
    """Prices of calls."""


for _command in (advise, margin, reconcile):
    rating.add_command(_command)


@rating.command()
@click.option("--again", is_flag=True, help="Calls that have a charge too, unless it is final.")
@click.option("--month", type=Month(), help="Only calls of this month of Asia/Shanghai.")
def run(again: bool, month: int | None) -> None:
    """Rate stored calls that have no charge yet. Doing it again changes nothing."""
    with closing(schema.opened(config.load().database_url)) as store:
        rated = rate_all(store, bootstrap.utc_now, again=again, month=month)
        costs = cost_all(store, again=again, month=month)
    click.echo(f"calls: {rated.calls}, charges written: {rated.changed}, not ratable: {rated.rejects}")
    if costs:
        click.echo(f"costs of legs written: {costs}")


@rating.command()
@click.argument("uuid")
def explain(uuid: str) -> None:
    """Say in words why a call costs what it costs, in Chinese and in English."""
    with closing(schema.opened(config.load().database_url)) as store, reading(store, Scope(None)) as reader:
        words = explained(reader, uuid, costs=True)
    for line in (*(word.zh for word in words), "", *(word.en for word in words)):
        click.echo(line)


@rating.command()
@click.option("--plans", type=_FILE, required=True, help="Price book (TOML).")
@click.option("--cdrs", type=_FILE, required=True, help="Call records (CSV).")
@click.option("--charges", type=_FILE, required=True, help="Written: a charge a call (CSV).")
@click.option("--rejects", type=_FILE, required=True, help="Written: rows that are not rated, and why (CSV).")
def file(plans: Path, cdrs: Path, charges: Path, rejects: Path) -> None:
    """Rate call records from a file by a price book; needs no database. docs/rating.md has the formats."""
    rated = rate_files(plans, cdrs, charges, rejects)
    click.echo(f"charges: {len(rated.charges)}, rejects: {len(rated.rejects)}")
