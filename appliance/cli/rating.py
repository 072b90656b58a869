"""``appliance rating``: calls and files are priced, charges explained."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from typing import get_args

import click

from appliance import config
from appliance.cli.advise import advise
from appliance.cli.closing import close
from appliance.cli.ending import ended_in_order
from appliance.cli.margin import margin
from appliance.cli.reconcile import reconcile
from appliance.cli.rerating import run
from appliance.rating.backend import Backend, Progress, rate_files
from appliance.rating.explain import explain as explained
from appliance.store import schema
from appliance.store.queries import Scope, reading

_EVERY_S = 0.5
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def rating() -> None:
    """Prices of calls."""


for _command in (run, close, advise, margin, reconcile):
    rating.add_command(_command)


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
@click.option(
    "--backend",
    type=click.Choice(get_args(Backend)),
    help="What computes; the setting rating_backend without it.",
)
def file(plans: Path, cdrs: Path, charges: Path, rejects: Path, backend: Backend | None) -> None:
    """Rate call records from a file by a price book. docs/rating.md has the formats.

    Needs no database: postgres and pyspark are for the calls of many boxes (docs/scale.md).
    """
    settings = config.load()
    chosen = backend or settings.rating_backend
    url = settings.rating_url.get_secret_value()
    if chosen == "postgres" and not url:
        url = settings.database_url
    with ended_in_order():
        done = rate_files(plans, cdrs, charges, rejects, backend=chosen, url=url, progress=_progress())
    click.echo(f"charges: {done.charges}, rejects: {done.rejects}")


def _progress() -> Progress:
    """Say on a terminal how far long work is, at most twice a second."""
    said, said_at = "", 0.0

    def told(what: str, done: int, of: int) -> None:
        nonlocal said, said_at
        now = time.monotonic()
        if not sys.stderr.isatty() or (what == said and now - said_at < _EVERY_S and done != of):
            return
        said, said_at = what, now
        share = f" {100 * done // of} %" if of else f" {done}" if done else " …"
        click.echo(f"{what}{share}", err=True)

    return told
