"""``appliance switch``: the switch's configuration."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from appliance import config
from appliance.errors import SettingsError


@click.group()
def switch() -> None:
    """The switch: FreeSWITCH, or the embedded one for trying."""


@switch.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder to write to: FreeSWITCH's -conf, or where miniswitch.json goes.",
)
def render(output: Path) -> None:
    """Write the switch's configuration from the settings and the trunks; say which files changed."""
    from appliance import bootstrap  # `run-mini`, beside it, has no use for all that

    settings = config.load()
    changed = bootstrap.render_switch(settings, output)
    for name in changed:
        click.echo(f"changed {name}")
    click.echo(f"{len(changed)} changed" if changed else "nothing changed")


@switch.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="FreeSWITCH's -conf folder; default: `switch` in the state folder.",
)
def reload(output: Path | None) -> None:
    """Write FreeSWITCH's configuration and have it taken while it runs: trunks, phones, dialplan; no call ends.

    What it cannot take without ending calls is said behind `waits:`.
    """
    from appliance import bootstrap
    from appliance.ops.reload import reload as take

    settings = config.load()
    if settings.switch != "freeswitch":
        raise SettingsError("the embedded switch reads its configuration as it starts: restart it")
    folder = output or settings.state_dir / "switch"
    for name in bootstrap.render_switch(settings, folder):
        click.echo(f"changed {name}")
    with bootstrap.switch_api(settings) as api:
        found = take(folder, api)
    for line in found.done:
        click.echo(line)
    for line in found.waits:
        click.echo(f"waits: {line}")


@switch.command("run-mini")
@click.option(
    "--config",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its configuration; default: miniswitch.json in the state folder's `switch`.",
)
def run_mini(file: Path | None) -> None:
    """Run the embedded switch in the foreground. For trying and testing, never for customers' calls."""
    at = file or config.load().state_dir / "switch" / "miniswitch.json"
    # Its own process, and nothing of ours in it: it stands outside the house.
    os.execv(sys.executable, [sys.executable, "-m", "appliance.miniswitch", "--config", str(at)])  # noqa: S606
