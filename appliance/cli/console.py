"""``appliance console``: the console under gunicorn."""

from __future__ import annotations

import click

from appliance import config


@click.group()
def console() -> None:
    """The console and its API."""


@console.command()
def serve() -> None:
    """Serve the console until SIGTERM."""
    import webui.serve  # gunicorn and Flask: only when they are wanted

    webui.serve.main(config.load())
