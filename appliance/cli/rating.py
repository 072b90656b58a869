"""``appliance rating``: calls and files are priced, charges explained."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from appliance import config
from appliance.cli.closing import close
from appliance.cli.rerating import run
from appliance.rating.explain import explain as explained
from appliance.rating.files import rate_files
from appliance.store import schema

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def rating() -> None:
    """Prices of calls."""


rating.add_command(run)
rating.add_command(close)


@rating.command()
@click.argument("uuid")
def explain(uuid: str) -> None:
    """Say in words why a call costs what it costs, in Chinese and in English."""
    with closing(schema.opened(config.load().database_url)) as store, store.reading() as session:
        words = explained(session, uuid)
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
