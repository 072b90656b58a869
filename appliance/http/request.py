"""One request on the wire, and its answer: what httpcore does, and what its faults are called here."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import closing

import httpcore

from appliance.domain.lookup import Failed, Why
from appliance.http.deadline import Deadline, Target
from appliance.http.order import Answer, Order
from appliance.http.stream import CheckedBackend, UntrustedError


def sent(order: Order, targets: Sequence[Target], deadline: Deadline, tls: ssl.SSLContext) -> Answer | Failed:
    """Send an order to the first of the addresses that takes it, and read the answer until the deadline."""
    try:
        return _exchanged(order, CheckedBackend(targets, deadline), tls)
    except httpcore.TimeoutException:
        return Failed(Why.TIMEOUT)
    except UntrustedError:
        return Failed(Why.UNTRUSTED)
    except httpcore.NetworkError:
        return Failed(Why.UNREACHABLE)
    except httpcore.RemoteProtocolError:
        return Failed(Why.GARBAGE)


def _exchanged(order: Order, backend: CheckedBackend, tls: ssl.SSLContext) -> Answer | Failed:
    url = httpcore.URL(order.url.partition("#")[0])
    headers = {"Connection": "close", "Accept-Encoding": "identity", **order.headers}
    written = [(name.encode(), value.encode(errors="replace")) for name, value in headers.items()]
    connection = httpcore.HTTPConnection(url.origin, ssl_context=tls, network_backend=backend)
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
