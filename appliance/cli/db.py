"""``appliance db``: the database and its version."""

from __future__ import annotations

import click

from appliance import config
from appliance.store import schema


@click.group("db")
def db() -> None:
    """The database: bring it to this version, check it."""


@db.command("upgrade")
def upgrade() -> None:
    """Bring the database to this program's version; make it where there is none."""
    before, after = schema.upgrade(config.load().database_url)
    if before == after:
        click.echo(f"nothing changed (version {after})")
    else:
        click.echo(f"version {before or 'none'} -> {after}")


@db.command("check")
def check() -> None:
    """Say whether the database is ours, reachable and of this version."""
    click.echo(f"version {schema.check(config.load().database_url)}, as this program wants it")
