"""What the end-to-end tests of the embedded switch share: the process, a handler, small tools."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.miniswitch.sip_phone import Dialog, NothingCame, Phone

Headers = dict[str, str]


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def eventually(look: Callable[[], Any], what: str, timeout: float = 5.0) -> Any:
    """Wait until `look` gives something true, and return it."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise NothingCame(f"{what} within {timeout} s")


class Socket:
    """One event socket connection, read and written step by step."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.events: list[Headers] = []
        self._file = sock.makefile("rb")
        sock.settimeout(10)

    def close(self) -> None:
        """Break the connection, as a handler that dies does."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self._file.close()
        self.sock.close()

    def frame(self) -> tuple[Headers, bytes]:
        """Read one frame; raises `EOFError` at the end."""
        headers: Headers = {}
        while True:
            line = self._file.readline()
            if not line:
                raise EOFError
            if line == b"\n":
                break
            name, _, value = line.decode().rstrip("\n").partition(": ")
            headers[name] = value
        return headers, self._file.read(int(headers.get("Content-Length", "0")))

    def write(self, *lines: str) -> None:
        """Send a command of several lines."""
        self.sock.sendall(("\n".join(lines) + "\n\n").encode())

    def command(self, *lines: str) -> Headers:
        """Send a command and read its answer; the body of an API answer is under the key `body`."""
        self.write(*lines)
        while True:
            headers, body = self.frame()
            if headers.get("Content-Type") == "text/event-plain":
                self.events.append(event(body))
            elif headers.get("Content-Type") in ("command/reply", "api/response"):
                return headers | {"body": body.decode("utf-8", "surrogateescape")}

    def event_in_turn(self) -> Headers:
        """The next event, whichever it is."""
        return event(self.frame()[1])

    def event(self, name: str, **wanted: str) -> Headers:
        """The next event of that name with these headers; dashes in header names as underscores."""
        while True:
            for index, found in enumerate(self.events):
                if found["Event-Name"] == name and all(
                    found.get(key.replace("_", "-")) == value for key, value in wanted.items()
                ):
                    return self.events.pop(index)
            headers, body = self.frame()
            if headers.get("Content-Type") == "text/event-plain":
                self.events.append(event(body))


def event(body: bytes) -> Headers:
    """An event's headers, decoded; bytes that are not UTF-8 as surrogate escapes."""
    lines = body.decode().split("\n\n")[0].splitlines()
    pairs = (line.partition(": ") for line in lines)
    return {name: unquote(value, errors="surrogateescape") for name, _, value in pairs}


class CallControl(Socket):
    """The handler's side of one call: says one thing after the other, and the switch does it."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.data: Headers = {}

    def connect(self) -> CallControl:
        """Say `connect`."""
        raw = self.command("connect")
        self.data = {name: unquote(value, errors="surrogateescape") for name, value in raw.items()}
        return self

    @property
    def uuid(self) -> str:
        """The call."""
        return self.data["Unique-ID"]

    def start(self, name: str, argument: str = "") -> None:
        """Have an application run; its end is waited for by `wait`."""
        lines = ["sendmsg", "call-command: execute", f"execute-app-name: {name}"]
        self.write(*lines, *([f"execute-app-arg: {argument}"] if argument else []))

    def wait(self) -> None:
        """Wait until the application that was started first has ended."""
        headers, _ = self.frame()
        assert headers == {"Content-Type": "command/reply", "Reply-Text": "+OK"}, headers

    def run(self, name: str, argument: str = "") -> None:
        """Run an application to its end."""
        self.start(name, argument)
        self.wait()

    def get(self, variable: str) -> str:
        """A variable's value; what is not set is to FreeSWITCH a command that it does not know."""
        found = self.command(f"getvar {variable}")["Reply-Text"]
        return "" if found == "-ERR command not found" else found

    def ended(self) -> None:
        """The call is over: the last answer has come, and nothing but the notice and the end follows."""
        headers, _ = self.frame()
        assert headers["Content-Type"] == "text/disconnect-notice", headers
        with pytest.raises(EOFError):
            self.frame()

    def hangup(self, cause: str = "NORMAL_CLEARING") -> None:
        """Hang up."""
        self.run("hangup", cause)
        self.ended()


class Handlers:
    """Listens where the switch looks for its handlers. `stop` and `listen` play a restart."""

    def __init__(self) -> None:
        self.port = free_port()
        self.calls: queue.Queue[CallControl] = queue.Queue()
        self._all: list[CallControl] = []
        self._server: socket.socket | None = None
        self.listen()

    def listen(self) -> None:
        """Begin to accept calls."""
        self._server = socket.create_server(("127.0.0.1", self.port), backlog=50)
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    def stop(self) -> None:
        """Accept no more; the calls that are there stay."""
        if self._server is not None:
            with contextlib.suppress(OSError):
                self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            self._server = None

    def close(self) -> None:
        """Stop, and leave every call."""
        self.stop()
        for call in self._all:
            call.close()

    def take(self, timeout: float = 5.0) -> CallControl:
        """The next call, not connected yet."""
        try:
            return self.calls.get(timeout=timeout)
        except queue.Empty:
            raise NothingCame("no call at the handlers") from None

    def call(self, dialog: Dialog) -> CallControl:
        """The control of this call, connected; calls that other tests left behind are dropped."""
        while True:
            control = self.take().connect()
            if control.data["variable_sip_call_id"] == dialog.call_id:
                return control
            control.close()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            call = CallControl(sock)
            self._all.append(call)
            self.calls.put(call)


class SwitchProcess:
    """A running embedded switch in a folder of its own."""

    def __init__(self, folder: Path, handlers: Handlers, **changes: Any) -> None:
        self.folder = folder
        sip, low = free_port(socket.SOCK_DGRAM), 20000 + os.getpid() % 100 * 100
        self.address = ("127.0.0.1", sip)
        self.esl_port = free_port()
        self.spool, self.recordings = folder / "spool", folder / "recordings"
        settings = {
            "sip_host": "127.0.0.1",
            "sip_port": sip,
            "rtp_port_range": [low, low + 400],
            "accept": ["127.0.0.1/32"],
            "esl_host": "127.0.0.1",
            "esl_port": self.esl_port,
            "esl_password": "for-tests",
            "handlers": f"127.0.0.1:{handlers.port}",
            "spool_dir": str(self.spool),
            "recordings_dir": str(self.recordings),
            "music_file": "tone_stream://%(1000,0,440);loops=-1",
            "apology_file": "tone_stream://%(200,0,800)",
            "log_file": str(folder / "switch.log"),
        } | changes
        config = folder / "switch.json"
        config.write_text(json.dumps(settings), encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "appliance.miniswitch", "--config", str(config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline().strip()
        assert self.ready.startswith("READY"), self.process.communicate(timeout=5)

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=10)
        return self.process.returncode

    def kill(self) -> None:
        """End it whatever it does, for the end of a test."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=10)

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.folder / "switch.log").read_text(encoding="utf-8")

    def cdr(self, uuid: str, caller: bool = True) -> dict[str, Any]:
        """The record of a leg, once it is there and whole."""
        path = self.spool / f"{'a_' if caller else ''}{uuid}.cdr.json"

        def read() -> Any:
            try:
                return json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
            except (OSError, ValueError):
                return None

        found: dict[str, Any] = eventually(read, f"the record of {uuid}")
        return found

    def variables(self, uuid: str, caller: bool = True) -> dict[str, str]:
        """The variables of a leg's record."""
        found: dict[str, str] = self.cdr(uuid, caller)["variables"]
        return found

    @contextlib.contextmanager
    def event_socket(self, password: str = "for-tests") -> Iterator[Socket]:
        """A connection to the event socket, logged in."""
        conn = Socket(socket.create_connection(("127.0.0.1", self.esl_port)))
        try:
            conn.frame()
            conn.command(f"auth {password}")
            yield conn
        finally:
            conn.close()

    def joined(self, uuid: str) -> str:
        """Wait until a caller is joined to a line; the line's leg."""

        def look() -> str:
            rows = json.loads(self.api("show calls as json")).get("rows", [])
            return next((row["b_uuid"] for row in rows if row["uuid"] == uuid), "")

        found: str = eventually(look, f"{uuid} is joined")
        return found

    def api(self, text: str) -> str:
        """One API command."""
        with self.event_socket() as conn:
            return conn.command(f"api {text}")["body"]


def answered(
    caller: Phone, handlers: Handlers, switch: SwitchProcess, number: str = "4008001234", **more: Any
) -> tuple[Dialog, CallControl]:
    """A call that the handler has answered."""
    dialog = caller.call(number, switch.address, **more)
    control = handlers.call(dialog)
    control.run("answer")
    dialog.wait(200)
    dialog.ack()
    return dialog, control


def dial_string(line: Phone, number: str = "13900000001", **variables: str) -> str:
    """The dial string of a test's line."""
    inside = ",".join(f"{name}={value}" for name, value in variables.items())
    return f"[{inside}]sofia/gateway400/{number}@127.0.0.1:{line.port}"
