"""``appliance trunk``: the carriers' trunks."""

from __future__ import annotations

from contextlib import closing

import click

from appliance import bootstrap, config
from appliance.domain.calendar import SHANGHAI
from appliance.domain.routing import Trunk
from appliance.store.journal import Journal, TrunkState


@click.group()
def trunk() -> None:
    """Trunks: which there are, and whether they answer."""


@trunk.command("list")
def list_trunks() -> None:
    """List the trunks and how they were found last."""
    settings = config.load()
    with closing(Journal(settings.journal_file, reads_only=True)) as journal:
        states = journal.trunks()
    trunks = bootstrap.routing_table(settings).trunks
    if not trunks:
        click.echo("no trunks; a site file names them")
    for one in trunks:
        click.echo(f"{one.id:<16}  {one.proxy or 'receives only':<24}  {_state(one, states.get(one.id))}")


def _state(trunk: Trunk, state: TrunkState | None) -> str:
    if not trunk.is_watched:
        return "not asked"
    if state is None:
        return "not known yet"
    since = state.since.astimezone(SHANGHAI)
    up = "registered" if trunk.registration is not None else "up"
    return f"{up if state.up else 'DOWN'} since {since:%Y-%m-%d %H:%M:%S}"
