"""``appliance run``: the whole box in the foreground, for trying it."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType

import click

from appliance import config
from appliance.cli import box
from appliance.cli.demo import new_password, set_up, who_sees
from appliance.cli.trial import box_options


@click.command()
@box_options("box", "What the box keeps; calls of an earlier run are still there.")
def run(site: Path | None, prompts: Path | None, switch: str, folder: Path) -> None:
    """Keep a box up on free ports with the demonstration's site (or another); ^C ends it.

    The operator it names for signing in gets a new password at each start.
    """
    with box.claimed(folder):
        _keep_up(folder, site, prompts, switch)


def _keep_up(folder: Path, site: Path | None, prompts: Path | None, switch: str) -> None:
    settings = box.with_free_ports(config.load_apart(folder, switch=switch))
    set_up(settings, site, prompts)
    login = who_sees(settings)
    word = new_password(settings, login) if login else ""

    def end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    with box.running(settings):
        click.echo(f"Console   http://{settings.console_host}:{settings.console_port}")
        click.echo(f"Sign in   {login} / {word}" if login else "Sign in   nobody can: the site names no operator")
        click.echo(f"SIP       {settings.sip_host}:{settings.sip_port} (UDP), switch: {switch}")
        click.echo(f"State     {folder}")
        click.echo(f"Commands  APPLIANCE_CONFIG={settings.state_dir / box.SETTINGS} appliance …")
        click.echo("^C ends it.")
        try:
            signal.pause()
        except KeyboardInterrupt:
            click.echo("\nending …")
