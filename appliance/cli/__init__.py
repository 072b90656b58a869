"""The command ``appliance``: subjects as groups, each in its own module, loaded when it is called."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
from collections.abc import Iterator

import click

from appliance.errors import ApplianceError

#: Command → (module, attribute). A subject's module is imported only when it is called: `calls serve` must
#: patch gevent's sockets before anything else opens one, and `--help` should not load a database driver.
COMMANDS: dict[str, tuple[str, str]] = {
    "bill": ("appliance.cli.bill", "bill"),
    "calls": ("appliance.cli.calls", "calls"),
    "cdr": ("appliance.cli.cdr", "cdr"),
    "console": ("appliance.cli.console", "console"),
    "db": ("appliance.cli.db", "db"),
    "demo": ("appliance.cli.demo", "demo"),
    "doctor": ("appliance.cli.doctor", "doctor"),
    "flow": ("appliance.cli.flow", "flow"),
    "ledger": ("appliance.cli.ledger", "ledger"),
    "live": ("appliance.cli.live", "live"),
    "notify": ("appliance.cli.notify", "notify"),
    "line": ("appliance.cli.line", "line"),
    "operator": ("appliance.cli.operator", "operator"),
    "prompt": ("appliance.cli.prompt", "prompt"),
    "queue": ("appliance.cli.queue", "queue"),
    "rating": ("appliance.cli.rating", "rating"),
    "recording": ("appliance.cli.recording", "recording"),
    "route": ("appliance.cli.route", "route"),
    "run": ("appliance.cli.run", "run"),
    "site": ("appliance.cli.site", "site"),
    "switch": ("appliance.cli.switch", "switch"),
    "trunk": ("appliance.cli.trunk", "trunk"),
}


class Subjects(click.Group):
    """A group whose commands are imported at need."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the subjects, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a subject, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        with _nothing_collected():
            _load_log()
            command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@contextlib.contextmanager
def _nothing_collected() -> Iterator[None]:
    """What modules make as they are imported stays: looking for garbage among it is a fifth of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _load_log() -> None:
    """structlog without rich, which it loads wherever it finds it, for tracebacks in colour; our log is JSON. The
    console's libraries bring rich along, and it would be a tenth of each program's start."""
    name = "rich"
    if name in sys.modules or "structlog" in sys.modules:
        return
    # None: "there is no such module" (Python's reference, 5.3.1).
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        importlib.import_module("structlog")
    finally:
        del sys.modules[name]


@click.group(cls=Subjects, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gateway400", prog_name="appliance")
def root() -> None:
    """The 400 gateway appliance."""


def main() -> None:
    """Run a command; an ``ApplianceError`` becomes its text on standard error and its exit code."""
    try:
        root(prog_name="appliance")
    except ApplianceError as error:
        click.echo(f"appliance: {error}", err=True)
        sys.exit(error.exit_code)
    finally:
        # The process's memory goes as a whole. Python would look through all modules for garbage several times
        # over before that, which takes a quarter of what the start took.
        gc.freeze()
