"""Options of the commands that set a box up for trying it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from appliance.config import PROJECT_ROOT

_Command = TypeVar("_Command", bound=Callable[..., Any])


def box_options(name: str, kept: str) -> Callable[[_Command], _Command]:
    """``site``, ``prompts``, ``switch`` and ``folder`` of a command.

    :param name: of its folder below ``run``, unless another is told.
    :param kept: what becomes of the folder, for the command's help.
    """
    options = (
        click.option(
            "--site", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Another site file."
        ),
        click.option(
            "--prompts",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Its prompts, ACCOUNT/NAME.wav; default: the folder `prompts` beside the site file.",
        ),
        click.option(
            "--switch", type=click.Choice(["miniswitch", "freeswitch"]), default="miniswitch", show_default=True
        ),
        click.option(
            "--folder",
            type=click.Path(file_okay=False, path_type=Path),
            default=PROJECT_ROOT / "run" / name,
            show_default=f"run/{name}",
            help=kept,
        ),
    )

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add
