"""One exchange over HTTP, bounded in every way: in time, in size, in where it goes. No redirects, no proxies, no
connection kept; certificates are checked against the machine's own store."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpcore

from appliance.domain.lookup import MAX_ANSWER, Failed, Why
from appliance.domain.template import url_fault
from appliance.http.names import Names
from appliance.http.stream import CheckedBackend, Deadline, UntrustedError

#: Set by us, or by HTTP itself.
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "trailer", "upgrade"}
)
#: A field's name and value (RFC 9110, 5.1 and 5.5), found out before anybody is asked.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x1f\x7f]*")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent. Times are seconds: for the connection, for each part of the answer, for all together."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    connect_s: float = 5.0
    read_s: float = 10.0
    total_s: float = 15.0
    max_answer: int = MAX_ANSWER


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``headers`` in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def trusted() -> ssl.SSLContext:
    """Trust whom the machine trusts: an enterprise's own authority is installed there."""
    return ssl.create_default_context()


class Client:
    """Sends orders. One a process; for any number of threads or greenlets at a time."""

    def __init__(self, names: Names, tls: ssl.SSLContext | None = None) -> None:
        self._names = names
        self._tls = tls or trusted()

    def exchange(self, order: Order) -> Answer | Failed:
        """Send it and wait for the answer; whatever goes wrong is a value."""
        deadline = Deadline(order.total_s, order.connect_s, order.read_s)
        if url_fault(order.url) or not all(_may_stand(*header) for header in order.headers.items()):
            return Failed(Why.BAD_REQUEST)
        try:
            parts = urlsplit(order.url)
        except ValueError:  # brackets around what is no address
            return Failed(Why.BAD_REQUEST)
        targets = self._names.targets(parts.hostname or "", parts.port or _PORTS[parts.scheme], deadline)
        if isinstance(targets, Failed):
            return targets
        try:
            return self._sent(order, CheckedBackend(targets, deadline))
        except httpcore.TimeoutException:
            return Failed(Why.TIMEOUT)
        except UntrustedError:
            return Failed(Why.UNTRUSTED)
        except httpcore.NetworkError:
            return Failed(Why.UNREACHABLE)
        except httpcore.RemoteProtocolError:
            return Failed(Why.GARBAGE)

    def _sent(self, order: Order, backend: CheckedBackend) -> Answer | Failed:
        url = httpcore.URL(order.url.partition("#")[0])
        headers = {"Connection": "close", "Accept-Encoding": "identity", **order.headers}
        written = [(name.encode(), value.encode(errors="replace")) for name, value in headers.items()]
        connection = httpcore.HTTPConnection(url.origin, ssl_context=self._tls, network_backend=backend)
        body = bytearray()
        with (
            closing(connection),
            connection.stream(order.method, url, headers=written, content=order.body) as response,
        ):
            for part in response.iter_stream():
                body += part
                if len(body) > order.max_answer:
                    return Failed(Why.TOO_LARGE)
            read = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return Answer(response.status, read, bytes(body))


def _may_stand(name: str, value: str) -> bool:
    return name.lower() not in _OURS and bool(_NAME.fullmatch(name) and _VALUE.fullmatch(value))
