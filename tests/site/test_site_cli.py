"""The commands as a person meets them: what is printed, the exit code, and that nothing else changed."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import argon2
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from appliance import bootstrap, cli
from appliance.errors import SettingsError
from appliance.store import schema
from tests.site.texts import DEMO, edited
from tests.support.databases import sqlite_database
from tests.support.ports import free_tcp_port
from tests.support.process import Process


class Done(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("APPLIANCE_CONFIG", raising=False)
    monkeypatch.delenv("APPLIANCE_DATABASE_URL", raising=False)

    def run(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["appliance", *words])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The box has one, as ``appliance db upgrade`` makes it."""
    return sqlite_database(tmp_path / "state" / "appliance.db")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "site.yaml"
    made.write_text(DEMO, encoding="utf-8")
    return made


def test_from_nothing_to_an_applied_site(run: Run, file: Path, tmp_path: Path) -> None:
    assert run("db", "check").code == 4
    newest = ScriptDirectory.from_config(schema.config()).get_current_head()
    assert run("db", "upgrade").out == f"version none -> {newest}\n"
    assert run("db", "upgrade").out == f"nothing changed (version {newest})\n"
    assert run("db", "check").out.startswith(f"version {newest}")
    assert run("site", "check", str(file)).out == f"{file}: no fault: 1 accounts, 1 numbers, 2 lines, 1 plans\n"
    assert "nothing was changed (revision 0)" in run("site", "apply", str(file), "--dry-run").out
    first = run("site", "apply", str(file))
    assert first.code == 0 and "3 trunks added (revision 1)" in first.out
    assert run("site", "apply", str(file)).out == "nothing changed (revision 1)\n"
    snapshot = json.loads((tmp_path / "state" / "routing.json").read_text())
    assert snapshot["numbers"]["4008001234"]["first_line"]["dial"] == "sofia/gateway400/02160000001@127.0.0.1:5090"

    exported = run("site", "export").out
    assert run("site", "export", "--output", str(tmp_path / "now.yaml")).code == 0
    assert (tmp_path / "now.yaml").read_text() == exported
    assert run("site", "apply", "--prune", str(tmp_path / "now.yaml")).out == "nothing changed (revision 1)\n"


def test_operators_are_listed_and_given_passwords(run: Run, database: str, file: Path, tmp_path: Path) -> None:
    assert "no operators" in run("operator", "list").out
    run("site", "apply", str(file))
    assert "admin       administrator  every account  no password" in run("operator", "list").out
    word = run("operator", "password", "Admin", "--generate").out.strip()
    engine = create_engine(f"sqlite:///{tmp_path}/state/appliance.db")
    with engine.connect() as connection:
        stored = connection.execute(text("SELECT password_hash FROM operators WHERE login = 'admin'")).scalar_one()
    engine.dispose()
    assert argon2.PasswordHasher().verify(stored, word)
    assert "admin       administrator  every account\n" in run("operator", "list").out
    refused = run("operator", "password", "nobody", "--generate")
    assert (refused.code, refused.out) == (3, "")
    assert refused.err == "appliance: there is no operator nobody; a site file names the operators\n"


def test_a_password_is_asked_for_twice(
    run: Run, database: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("site", "apply", str(file))
    monkeypatch.setattr("click.prompt", lambda *_, **__: "correct horse")
    assert run("operator", "password", "admin").out == "password of admin set\n"
    monkeypatch.setattr("click.prompt", lambda *_, **__: "short")
    assert run("operator", "password", "admin").code == 3


def state(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


BAD = [
    (("    name: 示范企业", "    nmae: 示范企业"), ":8: accounts[0].nmae: unknown field"),
    (
        (
            '  - number: "4008001234"\n',
            '  - {number: "4008001234", account: demo, lines: [sales-1]}\n  - number: "4008001234"\n',
        ),
        "numbers[1].number: 4008001234 is there already, in line",
    ),
    (
        ('"02160000001"', '"4008001234"'),
        "lines[0].number: a line may not be a 400 number (the call would come back)",
    ),
    (("prompt: welcome-demo", "prompt: not-recorded"), "menu.prompt: there is no prompt not-recorded: neither"),
    (("{plan: time-60, starts", "{plan: none, starts"), "subscriptions[0].plan: there is no plan none"),
    (("failed: busy}\n      service", "failed: gone}\n      service"), "nodes.sales.failed: no such node: gone"),
]


COMMANDS = [("check",), ("apply", "--prune"), ("apply", "--dry-run")]
CASES = [(("apply",), *case) for case in BAD] + [(command, *BAD[0]) for command in COMMANDS]


@pytest.mark.parametrize(("command", "change", "said"), CASES)
def test_a_wrong_file_is_refused_and_nothing_changes(
    run: Run,
    database: str,
    file: Path,
    tmp_path: Path,
    command: tuple[str, ...],
    change: tuple[str, str],
    said: str,
) -> None:
    run("site", "apply", str(file))
    file.write_text(edited(change), encoding="utf-8")
    before = state(tmp_path / "state")
    done = run("site", *command, str(file))
    assert (done.code, done.out) == (3, "")
    assert f"{file}:" in done.err and said in done.err
    assert "Traceback" not in done.err
    assert state(tmp_path / "state") == before


def test_a_database_that_is_not_ours_is_refused_and_not_touched(run: Run, file: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    engine = create_engine(f"sqlite:///{tmp_path}/state/appliance.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE customers (id INTEGER)"))
    engine.dispose()
    before = state(tmp_path / "state")
    for words in (
        ("db", "check"),
        ("db", "upgrade"),
        ("site", "apply", str(file)),
        ("site", "export"),
        ("operator", "list"),
        ("operator", "password", "admin", "--generate"),
    ):
        done = run(*words)
        assert (done.code, done.out) == (4, "")
        assert done.err == (
            f"appliance: database {tmp_path}/state/appliance.db: not a database of this appliance:"
            " it holds tables of another program\n"
        )
    assert state(tmp_path / "state") == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB where the state folder is."""
    folder = tmp_path / "state"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no small disk here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_one_clear_message(run: Run, file: Path, small_disk: Path) -> None:
    run("db", "upgrade")
    run("site", "apply", str(file))
    before = state(small_disk)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as full, contextlib.suppress(OSError):
        while full.write(b"x" * 1024):
            pass
    file.write_text(edited(("    name: 示范企业", "    name: 新名")), encoding="utf-8")
    done = run("site", "apply", str(file))
    assert (done.code, done.out) == (4, "")
    assert done.err == f"appliance: database {small_disk}/appliance.db: the disk is full; nothing was stored\n"
    filler.unlink()
    # Empty journals may be left behind; the next one who opens the database removes them.
    kept = {name: content for name, content in state(small_disk).items() if not name.endswith(("-wal", "-shm"))}
    assert kept == before
    assert "1 account changed (revision 2)" in run("site", "apply", str(file)).out


def test_handlers_come_up_on_a_full_disk(run: Run, file: Path, small_disk: Path) -> None:
    run("db", "upgrade")
    """With the database's routing; the fallback's copy follows as soon as there is room.

    The collector and the console have the database open as they always have: without them SQLite would want room
    for its shared memory even to read.
    """
    run("site", "apply", str(file))
    snapshot, filler = small_disk / "routing.json", small_disk / "filler"
    snapshot.unlink()
    others = create_engine(f"sqlite:///{small_disk}/appliance.db").connect()
    others.execute(text("SELECT count(*) FROM accounts"))
    with filler.open("wb", buffering=0) as full, contextlib.suppress(OSError):
        while full.write(b"x" * 1024):
            pass
    ports = {name: str(free_tcp_port()) for name in ("APPLIANCE_HANDLERS_PORT", "APPLIANCE_ESL_PORT")}
    env = {"APPLIANCE_STATE_DIR": str(small_disk), **ports}
    with Process([sys.executable, "-m", "appliance", "calls", "serve"], env=env) as handlers:
        handlers.wait_for_line("^READY")
        assert "not kept for the fallback" in handlers.output
        assert "Traceback" not in handlers.output
        filler.unlink()
        until = time.monotonic() + 5
        while not snapshot.exists():
            assert time.monotonic() < until, handlers.output
            time.sleep(0.1)
    others.close()


def test_a_password_is_read_on_a_full_disk_and_not_half_made(small_disk: Path) -> None:
    there, missing = small_disk / "esl-password", small_disk / "secret-key"
    word = bootstrap.secret(there)
    assert len(word) == 43 and there.stat().st_mode & 0o777 == 0o600
    with (small_disk / "filler").open("wb", buffering=0) as full, contextlib.suppress(OSError):
        while full.write(b"x" * 1024):
            pass
    assert bootstrap.secret(there) == word
    with pytest.raises(SettingsError, match="No space left on device"):
        bootstrap.secret(missing)
    assert {file.name for file in small_disk.iterdir()} == {"esl-password", "filler"}


@pytest.mark.parametrize(
    ("environment", "file", "says"),
    [
        ({"APPLIANCE_SIP_PROT": "1"}, "", "APPLIANCE_SIP_PROT: there is no such setting (environment)"),
        ({}, "sip_prot = 1\n", "box.toml: sip_prot: there is no such setting"),
        ({"APPLIANCE_SIP_PORT": "x"}, "", "sip_port: Input should be a valid integer"),
        ({}, "sip_port = \n", "box.toml: not TOML"),
    ],
)
def test_a_setting_that_is_none(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], file: str, says: str
) -> None:
    (tmp_path / "box.toml").write_text(file)
    for name, value in {"APPLIANCE_CONFIG": str(tmp_path / "box.toml"), **environment}.items():
        monkeypatch.setenv(name, value)
    done = run("db", "check")
    assert done.code == 2 and says in done.err


def test_a_snapshot_that_cannot_be_written_does_not_undo_the_site(
    run: Run, database: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLIANCE_SNAPSHOT_FILE", str(tmp_path / "absent" / "routing.json"))
    done = run("site", "apply", str(file))
    assert done.code == 0 and "(revision 1)" in done.out
    assert "warning" in done.err and "cannot be written" in done.err


def test_an_export_that_cannot_be_written(run: Run, database: str, file: Path, tmp_path: Path) -> None:
    done = run("site", "export", "--output", str(tmp_path / "absent" / "x.yaml"))
    assert done.code == 3 and "cannot be written: No such file or directory" in done.err
