"""A whole box as child processes of one command: for trying, for the demonstration, for tests."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from appliance import bootstrap
from appliance.config import Settings
from appliance.errors import ApplianceError, SettingsError
from appliance.ops.supervise import Part, Supervisor
from appliance.site import switchconf

#: The settings of a box that runs in a folder, as its parts and other commands read them.
SETTINGS = "appliance.toml"
LOCK = ".running"


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Nobody else runs a box in this folder meanwhile.

    :raises SettingsError: somebody does, or the folder cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise SettingsError(f"{folder}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"a box runs in {folder} already") from None
        yield


def free_port(host: str, preferred: int, *kinds: socket.SocketKind) -> int:
    """``preferred``, or the next port above it that is free for every kind (TCP, UDP) on ``host``.

    :raises SettingsError: none of the 200 ports from ``preferred`` on is free.
    """
    for port in range(preferred, preferred + 200):
        with contextlib.ExitStack() as stack:
            try:
                for kind in kinds:
                    one = stack.enter_context(socket.socket(socket.AF_INET, kind))
                    if kind is socket.SOCK_STREAM:
                        # As the parts do: connections of a box that has just ended hold no port.
                        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    one.bind((host, port))
            except OSError:
                continue
            return port
    raise SettingsError(f"no free port from {preferred} on {host}")


def with_free_ports(settings: Settings) -> Settings:
    """The settings with every port that somebody else has moved to the next free one."""
    tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
    return settings.model_copy(
        update={
            "sip_port": free_port(settings.sip_host, settings.sip_port, udp, tcp),
            "esl_port": free_port(settings.esl_host, settings.esl_port, tcp),
            "handlers_port": free_port(settings.handlers_host, settings.handlers_port, tcp),
            "console_port": free_port(settings.console_host, settings.console_port, tcp),
        }
    )


def freeswitch_program() -> str:
    """FreeSWITCH: ``$FREESWITCH``, or ``freeswitch`` on the path.

    :raises SettingsError: there is none.
    """
    program = os.environ.get("FREESWITCH") or shutil.which("freeswitch")
    if not program:
        raise SettingsError("no FreeSWITCH: neither $FREESWITCH nor freeswitch on the path")
    return program


def _values(settings: Settings) -> dict[str, str | int | float | bool]:
    """Every setting, paths and the password as texts."""
    return settings.model_dump(mode="json") | {"esl_password": settings.esl_password.get_secret_value()}


def write_settings(settings: Settings) -> Path:
    """The settings as the TOML file that the parts read; its path."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    path = settings.state_dir / SETTINGS
    # A basic string of TOML is written as one of JSON, and so are numbers, true and false.
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in _values(settings).items())
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return path


@contextlib.contextmanager
def running(settings: Settings, *, keep_up: bool = True, console: bool = True) -> Iterator[Supervisor]:
    """The box, up; everything it started is ended at the end. The database must hold a site already.

    :raises ApplianceError: a part did not come up; the end of its output is in the text.
    """
    environment = {"APPLIANCE_CONFIG": str(write_settings(settings)), "PYTHONUNBUFFERED": "1"}
    # What this process was given in its environment would win over the file in the parts.
    environment |= {
        f"APPLIANCE_{name.upper()}": str(value)
        for name, value in _values(settings).items()
        if f"APPLIANCE_{name.upper()}" in os.environ
    }
    for folder in (settings.recordings_dir, settings.prompts_dir, settings.spool_dir):
        folder.mkdir(parents=True, exist_ok=True)
    bootstrap.render_switch(settings, settings.state_dir / "switch")

    def part(name: str, *arguments: str) -> Part:
        return Part(name, [sys.executable, "-m", "appliance", *arguments], environment=environment)

    parts = [
        part("handlers", "calls", "serve", "--grace", "5"),
        part("switch", "switch", "run-mini") if settings.switch == "miniswitch" else freeswitch_part(settings),
        part("collector", "cdr", "collect"),
        part("sender", "notify", "send"),
        part("keeper", "recording", "keep"),
        part("live", "live", "serve"),
    ]
    if console:
        parts.append(part("console", "console", "serve"))
    with Supervisor(parts, settings.state_dir / "log", keep_up=keep_up) as supervisor:
        yield supervisor


def freeswitch_part(settings: Settings) -> Part:
    """FreeSWITCH in the foreground with the rendered configuration; up when its SIP profile runs."""
    folder = settings.state_dir / "switch"
    own = {name: folder / name for name in ("log", "run", "db", "temp", "storage", "grammar", "certs")}
    for place in own.values():
        place.mkdir(parents=True, exist_ok=True)
    argv = [freeswitch_program(), "-nf", "-nc", "-np", "-nonat", "-conf", str(folder)]
    for name, place in own.items():
        argv += [f"-{name}", str(place)]
    argv += ["-sounds", str(bootstrap.SCRIPTS_DIR / "prompts"), "-scripts", str(bootstrap.SCRIPTS_DIR)]

    def profile_is_up() -> bool:
        try:
            with bootstrap.switch_api(settings) as api:
                return "RUNNING" in api("sofia status")
        except (ApplianceError, OSError):
            return False

    return Part("switch", argv, is_up=profile_is_up, environment=switchconf.ENVIRONMENT)
