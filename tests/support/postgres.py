"""A private PostgreSQL server for the tests: Debian's binaries, a temporary folder, a free port.

The server refuses to run as root, so root runs it as the user ``postgres``. It forgets everything when the
tests end, so nothing is synced to the disk.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

_USER = "gateway"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60")


class Unavailable(Exception):
    """There is no server here; the text says why."""


class Server:
    """A running server. ``database()`` makes a new, empty database and gives its URL."""

    def __init__(self) -> None:
        """:raises Unavailable: no binaries, or no user to run them."""
        self._programs = _programs()
        self._as = _other_user()
        self._folder = Path(tempfile.mkdtemp(prefix="gateway400-postgres-"))
        self._names = itertools.count(1)
        self.port = _free_port()
        try:
            if self._as:
                shutil.chown(self._folder, "postgres", "postgres")
            self._make()
            self._process = self._start()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    @property
    def admin(self) -> str:
        """Connection text of the server's own database."""
        return f"host=127.0.0.1 port={self.port} user={_USER} dbname=postgres connect_timeout=5"

    @property
    def pid(self) -> int:
        """The server's first process."""
        return self._process.pid

    def database(self, *, encoding: str = "UTF8", like: str = "") -> str:
        """A new database's SQLAlchemy URL; empty, or a copy of the one whose URL is ``like``."""
        name = f"test_{next(self._names)}"
        locale = "C.UTF-8" if encoding == "UTF8" else "C"
        how = f"TEMPLATE {like.rpartition('/')[2]} STRATEGY file_copy"
        if not like:
            how = f"TEMPLATE template0 ENCODING '{encoding}' LOCALE '{locale}'"
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {how}")
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        """End the server and remove its files."""
        self.down()
        shutil.rmtree(self._folder, ignore_errors=True)

    def down(self) -> None:
        """End the server; its databases are there again after ``up``."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def up(self) -> None:
        """Start it again, on the same port."""
        self._process = self._start()

    def _make(self) -> None:
        made = subprocess.run(
            [
                *self._as,
                str(self._programs / "initdb"),
                *("-D", str(self._folder / "data"), "-U", _USER, "-A", "trust"),
                *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        if made.returncode:
            raise Unavailable(f"initdb: {made.stderr.strip()}")

    def _start(self) -> subprocess.Popen[bytes]:
        options = [word for option in _FAST for word in ("-c", option)]
        with (self._folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *self._as,
                    str(self._programs / "postgres"),
                    *("-D", str(self._folder / "data"), "-h", "127.0.0.1", "-p", str(self.port), "-k", ""),
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
            )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            try:
                psycopg.connect(self.admin).close()
                return process
            except psycopg.OperationalError:
                time.sleep(0.05)
        process.kill()
        process.wait()
        raise Unavailable(f"the server did not start: {(self._folder / 'log').read_text()[-2000:]}")


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    named = shutil.which("postgres")
    if named is None:
        raise Unavailable("no PostgreSQL server here (Debian: apt-get install postgresql)")
    return Path(named).resolve().parent


def _other_user() -> list[str]:
    """The words before a command that must not run as root."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError as error:
        raise Unavailable("PostgreSQL refuses to run as root, and there is no user postgres") from error
    # The server goes down with the tests, however these end.
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT", "--"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@functools.cache
def _shared() -> Server | str:
    try:
        server = Server()
    except Unavailable as error:
        return str(error)
    atexit.register(server.stop)
    return server


def shared_server() -> Server:
    """The one server of a test run, started at first use.

    :raises Unavailable: there is none; asked again it answers the same at once.
    """
    found = _shared()
    if isinstance(found, str):
        raise Unavailable(found)
    return found
