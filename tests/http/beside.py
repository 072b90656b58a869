"""Fifty lookups at once in a process like the handlers', and how long another greenlet ever waits meanwhile.

``python -m tests.http.beside URL…``: each URL is one that does not answer. Prints what it measured.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import socket  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
import gevent.monkey  # noqa: E402

from appliance.domain.breaker import Limits  # noqa: E402
from appliance.domain.lookup import Failed, Request, Why  # noqa: E402
from appliance.http.client import Client, warm  # noqa: E402
from appliance.http.lookup import HttpLookup  # noqa: E402
from appliance.http.names import Names  # noqa: E402

AT_ONCE = 50
_blocking_sleep = gevent.monkey.get_original("time", "sleep")


def _hangs(host: str, port: int) -> list[Any]:
    """A name server that does not answer: a real thread of gevent's waits for it, as in ``getaddrinfo``."""
    if host == "hangs.example":
        gevent.get_hub().threadpool.apply(_blocking_sleep, (3,))
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def main(urls: list[str]) -> None:
    warm()  # as the handlers do
    names = Names({"127.0.0.1"}, look_up=_hangs)
    lookup = HttpLookup(Client(names), Limits(1000), lambda: datetime.now(UTC))
    asked = [*urls, "http://hangs.example/"]
    longest = 0.0

    def another_call() -> None:
        """What a call does: it takes turns, and looks a numeric address up, as every connection to the switch."""
        nonlocal longest
        while True:
            began = time.monotonic()
            try:
                gevent.sleep(0.005)
                socket.getaddrinfo("127.0.0.1", 8021, type=socket.SOCK_STREAM)
            finally:  # also when it still waits in the end
                longest = max(longest, time.monotonic() - began - 0.005)

    beside = gevent.spawn(another_call)
    gevent.sleep(0.1)
    longest, began = 0.0, time.monotonic()
    said = [
        gevent.spawn(lookup.ask, Request(asked[number % len(asked)], timeout_s=2.0), {})
        for number in range(AT_ONCE)
    ]
    gevent.joinall(said)
    took = time.monotonic() - began
    beside.kill()
    timeouts = sum(one.value == Failed(Why.TIMEOUT) for one in said)
    print(f"timeouts={timeouts} took_s={took:.2f} longest_ms={longest * 1000:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:])
