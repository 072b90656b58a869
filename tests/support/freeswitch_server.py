"""A real FreeSWITCH for a test: our configuration, free ports on loopback, a folder of its own.

::

    with FreeSwitch(tmp_path, handlers_port=8084, accept=["127.0.0.1"]) as switch:
        switch.api("sofia status")

The process is a child of the test, never a daemon, and is gone when the block ends.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, Self

import pytest

from appliance.config import Settings
from appliance.errors import SwitchError, SwitchGone, SwitchTimeout
from appliance.site import switchconf
from appliance.site.switchparts import Gateway, Phone, SwitchParts
from tests.support.freeswitch import require_freeswitch
from tests.support.ports import HOST, free_port_block, free_rtp_range

PASSWORD = "only-for-this-test-0"
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
RTP_STREAMS = 40


def settings_in(folder: Path, **overrides: Any) -> Settings:
    """Settings of a box that lives in ``folder``, with free ports; ``overrides`` win."""
    values: dict[str, Any] = {"state_dir": folder, "sip_host": HOST, "esl_password": PASSWORD} | overrides
    for name in ("sip_port", "phones_port", "outside_port", "esl_port", "handlers_port"):
        values.setdefault(name, free_port_block(1))
    if "rtp_port_min" not in values:
        values["rtp_port_min"], values["rtp_port_max"] = free_rtp_range(RTP_STREAMS)
    return Settings(**values)


class FreeSwitch:
    """One FreeSWITCH process, up for as long as the block.

    :param folder: an empty folder: state, configuration, log and databases go there.
    :param accept: addresses that may send calls, see ``switchconf.accepted``.
    :param scripts: folder of templates, prompts and the fallback script.
    :param change: texts put over the rendered ones, by path; for a deliberately bad configuration.
    :param gateways: trunks whose state is followed.
    :param phones: SIP phones that may register.
    :param outside: whether there is the profile for trunks behind an address translation.
    :param settings: overrides of :func:`settings_in`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        accept: Sequence[str] = ("127.0.0.1",),
        scripts: Path = switchconf.SCRIPTS,
        change: dict[PurePath, str] | None = None,
        gateways: Sequence[Gateway] = (),
        phones: Sequence[Phone] = (),
        outside: bool = False,
        **settings: Any,
    ) -> None:
        self.folder = folder
        self.settings = settings_in(folder, **settings)
        self.accept = tuple(accept)
        self.scripts = scripts
        self.change = change or {}
        self.gateways = tuple(gateways)
        self.phones = tuple(phones)
        self.outside = outside
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        freeswitch = require_freeswitch()
        self.configure()
        options = ["-nf", "-nc", "-np", "-nonat", "-nonatmap", "-scripts", str(self.scripts)]
        for name in ("conf", "log", "db", "run", "temp", "storage", "cache", "recordings", "sounds"):
            (self.folder / name).mkdir(exist_ok=True)
            options += [f"-{name}", str(self.folder / name)]
        self.settings.spool_dir.mkdir(exist_ok=True)
        with (self.folder / "output").open("wb") as output:
            self.process = subprocess.Popen(
                [freeswitch, *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                # The embedded Python must not leave compiled files beside fallback.py.
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""},
            )
        try:
            self._wait_until_up()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def configure(self) -> None:
        """Write the configuration."""
        parts = SwitchParts(self.gateways, self.phones, bool(self.phones), self.outside)
        files = switchconf.render(self.settings, PASSWORD, self.accept, self.scripts, parts)
        switchconf.write(files | self.change, self.folder / "conf")

    @property
    def sip_address(self) -> tuple[str, int]:
        """Where calls are sent."""
        return self.settings.sip_host, self.settings.sip_port

    @property
    def log(self) -> str:
        """The log so far, all of it."""
        file = self.folder / "log" / "freeswitch.log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def api(self, command: str, timeout_s: float = 5.0) -> str:
        """Run one API command over a connection of its own; return its text.

        :raises SwitchGone: nobody listens, or the connection closed.
        :raises SwitchTimeout: no answer within ``timeout_s``.
        :raises SwitchError: the password was refused.
        """
        address = self.settings.esl_host, self.settings.esl_port
        try:
            with (
                socket.create_connection(address, timeout_s) as connection,
                connection.makefile("rb") as stream,
            ):
                _frame(stream)
                connection.sendall(f"auth {PASSWORD}\n\n".encode())
                if not _frame(stream)[0].get("reply-text", "").startswith("+OK"):
                    raise SwitchError("the event socket refuses the password")
                connection.sendall(f"api {command}\n\n".encode())
                return _frame(stream)[1]
        except TimeoutError as error:
            raise SwitchTimeout(f"no answer to {command!r}") from error
        except OSError as error:
            raise SwitchGone(f"event socket: {error}") from error

    def channels(self) -> int:
        """How many legs there are, by the core's own count: it falls when a leg's CDR is written, while
        ``show channels`` reads a database that is a moment behind."""
        return int(re.findall(r"^(\d+) session\(s\) - peak", self.api("status"), re.MULTILINE)[0])

    def cdrs(self, count: int, timeout_s: float = 5.0, *, errors: str = "strict") -> dict[str, dict[str, str]]:
        """The variables of every CDR in the spool by file name, once there are ``count`` whole ones.

        ``errors`` is for bytes that are not UTF-8, as in ``bytes.decode``: the switch writes what it was sent.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            found: dict[str, dict[str, str]] = {}
            for file in self.settings.spool_dir.glob("*.cdr.json"):
                try:
                    found[file.name] = json.loads(file.read_text(encoding="utf-8", errors=errors))["variables"]
                except ValueError:
                    continue  # written in place, and not whole yet
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} CDRs instead of {count}: {sorted(found)}"
            time.sleep(0.05)

    def wait_log(self, text: str, timeout_s: float = 5.0) -> None:
        """Wait until the log holds ``text``; fails the test after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while text not in self.log:
            assert time.monotonic() < deadline, f"the log never said {text!r}"
            time.sleep(0.05)

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        assert self.process is not None
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if "RUNNING" in self.api("sofia status", 1.0):
                    return
            except SwitchError:
                pass
            time.sleep(0.05)
        output = (self.folder / "output").read_text(errors="replace")
        pytest.fail(f"FreeSWITCH did not come up:\n{output}\n{self.log}")

    def _stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            # Asked nicely FreeSWITCH takes four seconds to leave, and a test's has nothing to save.
            process.kill()
            process.wait(STOP_TIMEOUT_S)


def _frame(stream: Any) -> tuple[dict[str, str], str]:
    """One frame of the event socket: headers by lower-case name, and the body."""
    headers: dict[str, str] = {}
    while (line := stream.readline()) not in (b"\n", b""):
        name, _, value = line.decode("utf-8", "replace").partition(":")
        headers[name.strip().lower()] = value.strip()
    if not headers and line == b"":
        raise SwitchGone("the event socket closed")
    body = stream.read(int(headers.get("content-length", "0")))
    return headers, body.decode("utf-8", "replace")
