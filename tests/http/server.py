"""A server over HTTP that behaves as systems do: well, slowly, wrongly. In threads of its own, on 127.0.0.1."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

#: A bound on what is over after half a second: a busy machine may take so long, and no answer here comes so soon.
IN_TIME_S = 15.0


@dataclass
class Asked:
    """A request as it came."""

    line: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class HttpServer:
    """``asked``: every request so far; ``begun``: connections so far, requests or not."""

    port: int
    asked: list[Asked] = field(default_factory=list)
    begun: int = 0
    #: Path → answer of a test's own.
    answers: dict[str, tuple[int, object]] = field(default_factory=dict)
    #: How long those take.
    delay_s: float = 0.0

    def url(self, path: str, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@contextlib.contextmanager
def http_server(tls: ssl.SSLContext | None = None) -> Iterator[HttpServer]:
    """Up until the end of the block."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener, contextlib.ExitStack() as opened:
        server = HttpServer(listener.getsockname()[1])
        ending = threading.Event()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                if ending.is_set():
                    connection.close()
                    return
                server.begun += 1
                opened.callback(connection.close)
                threading.Thread(target=_handle, args=(server, connection, tls, ending), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            ending.set()
            with contextlib.suppress(OSError):
                socket.create_connection(listener.getsockname(), timeout=1).close()
            thread.join(5)


def _handle(
    server: HttpServer, connection: socket.socket, tls: ssl.SSLContext | None, ending: threading.Event
) -> None:
    with contextlib.suppress(OSError, IndexError):  # whoever says no HTTP is not answered
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as stream:
            line = stream.readline().decode(errors="replace").strip()
            headers: dict[str, str] = {}
            while text := stream.readline().decode(errors="replace").strip():
                name, _, value = text.partition(":")
                headers[name.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", 0)))
            server.asked.append(Asked(line, headers, body))
            path = line.split(" ")[1].partition("?")[0]
            if path in server.answers:
                ending.wait(server.delay_s)
                _answer(connection, *server.answers[path])
            else:
                _BEHAVIOURS.get(path, _BEHAVIOURS["/closes"])(connection, ending)


def _answer(connection: socket.socket, status: int, content: object, *more: str) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Content-Type: application/json", *more]
    connection.sendall("\r\n".join([*head, "", ""]).encode() + body)


def _drip(connection: socket.socket, content: bytes, ending: threading.Event) -> None:
    """A byte every tenth of a second: each comes well before any wait for one is over."""
    for byte in content:
        if ending.is_set():
            return
        connection.sendall(bytes([byte]))
        time.sleep(0.1)


def _slow(connection: socket.socket, ending: threading.Event) -> None:
    ending.wait(30)


def _chunked_for_ever(connection: socket.socket, ending: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not ending.is_set():
        connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
_BEHAVIOURS: Mapping[str, Callable[[socket.socket, threading.Event], None]] = {
    "/good": lambda connection, _: _answer(connection, 200, {"customer": {"level": "VIP"}}),
    "/slow": _slow,
    "/drip-head": lambda connection, ending: _drip(connection, _HEAD * 20, ending),
    "/drip-body": lambda connection, ending: (
        connection.sendall(_HEAD),
        _drip(connection, b"x" * 1000, ending),
    )[1],
    "/huge": lambda connection, _: _answer(connection, 200, b'{"a": "' + b"x" * 65536 + b'"}'),
    "/just-fits": lambda connection, _: _answer(connection, 200, b'{"a": "' + b"x" * 65527 + b'"}'),
    "/endless": _chunked_for_ever,
    "/redirect": lambda connection, _: _answer(connection, 302, {}, "Location: /good"),
    "/garbage": lambda connection, _: connection.sendall(b"\x00\x01SSH-2.0 hello\r\n\r\n"),
    "/no-json": lambda connection, _: _answer(connection, 200, b"<html>hello</html>"),
    "/zipped": lambda connection, _: _answer(connection, 200, b"\x1f\x8b\x08\x00", "Content-Encoding: gzip"),
    "/fault": lambda connection, _: _answer(connection, 500, {"customer": {"level": "VIP"}}),
    "/missing": lambda connection, _: _answer(connection, 404, b"no"),
    "/closes": lambda connection, _: None,
    "/closes-early": lambda connection, _: connection.sendall(_HEAD + b'{"a"'),
    "/large-head": lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000),
}
