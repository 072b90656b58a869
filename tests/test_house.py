"""The house's walls stand, and what users can set or call is documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.cli import COMMANDS, root
from appliance.config import Settings
from tests.accept.test_mutations import MUTATIONS

PROJECT = Path(__file__).resolve().parent.parent


def test_imports_run_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [linter, "--no-cache"], cwd=PROJECT, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_link_is_kept() -> None:
    """Git keeps a link as it is (mode 120000), and it leads to nothing on another machine."""
    if not (PROJECT / ".git").exists():
        pytest.skip("no repository here: a copy of the files")
    kept = subprocess.run(["git", "ls-files", "--stage"], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert [line for line in kept.stdout.splitlines() if line.startswith("120000")] == []


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    """Every command and sub-command as one types it."""
    import click

    found = []
    context = click.Context(root)
    for name in COMMANDS:
        command = root.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += [f"appliance {name} {sub}" for sub in command.commands]
        else:
            found.append(f"appliance {name}")
    return found


def test_every_command_is_documented() -> None:
    # In a process of its own: importing the handlers' command patches the sockets of whoever imports it.
    listed = subprocess.run(
        [sys.executable, "-c", "from tests.test_house import commands; print(*commands(), sep='\\n')"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    text = (PROJECT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert len(listed) > 10
    assert [command for command in listed if command and f"`{command}" not in text] == []


#: What no program of a box loads as it starts.
ONLY_SETS_UP = {"alembic", "jinja2", "psycopg", "ruamel.yaml", "flask", "rich", "httpcore"}
#: What one program needs, and the others do not.
NOT_FOR = {
    "calls": {"argon2", "numpy", "soundfile", "appliance.rating", "appliance.live.publish", "appliance.cdr"},
    "cdr": {"numpy", "soundfile", "gevent", "appliance.calls.desk", "appliance.domain.flow"},
    "notify": {"numpy", "soundfile", "gevent", "argon2", "appliance.calls", "appliance.rating"},
    "recording": {"gevent", "argon2", "appliance.calls", "appliance.rating", "appliance.http"},
    "live": {"numpy", "soundfile", "argon2", "appliance.calls.desk", "appliance.rating", "appliance.http"},
}


@pytest.mark.parametrize("command", NOT_FOR)
def test_a_program_starts_without_what_only_others_need(command: str) -> None:
    """They are started again when they die, and each import is a part of the time that callers wait for them."""
    load = f"import sys; from appliance.cli import root; root.get_command(None, {command!r}); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", load], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "sqlalchemy" in loaded
    assert not (ONLY_SETS_UP | NOT_FOR[command]) & set(loaded)


def test_files_have_one_subject() -> None:
    too_long = {
        str(path.relative_to(PROJECT)): lines
        for folder in ("appliance", "webui")
        for path in (PROJECT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert too_long == {}


def test_nothing_of_this_machine_is_committed() -> None:
    """No home folder and no package registry's address stands in a tracked file."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    wrong = []
    address = re.compile(
        r"https?://(?:registry|files)\.[a-z]+|https?://[^ ]+/simple(?:/|\"|$)|\"resolved\": *\"https?://"
    )
    for name in tracked.stdout.split("\0"):
        path = PROJECT / name
        if not name or not path.is_file() or path.suffix in {".wav", ".mo", ".png"}:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if str(PROJECT) + "/" in text or (address.search(text) and name != "tests/test_house.py"):
            wrong.append(name)
    assert wrong == []


@pytest.mark.parametrize(
    ("what", "file", "there"), [one[:3] for one in MUTATIONS], ids=[one[0] for one in MUTATIONS]
)
def test_a_rule_that_is_broken_on_purpose_is_there(what: str, file: str, there: str) -> None:
    """`make accept` breaks it: it must find it as it is written by now."""
    assert (PROJECT / "appliance" / file).read_text(encoding="utf-8").count(there) == 1
