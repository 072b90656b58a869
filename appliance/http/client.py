"""One exchange over HTTP, bounded in every way: in time, in size, in where it goes. No redirects, no proxies, no
connection kept; certificates are checked against the machine's own store."""

from __future__ import annotations

import importlib
import re
import ssl
from functools import cache
from urllib.parse import urlsplit

from appliance.domain.lookup import Failed, Why
from appliance.domain.template import url_fault
from appliance.http.deadline import Deadline
from appliance.http.names import Names
from appliance.http.order import Answer, Order

#: Set by us, or by HTTP itself.
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "te", "trailer", "upgrade"}
)
#: A field's name and value (RFC 9110, 5.1 and 5.5), found out before anybody is asked.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x1f\x7f]*")
_PORTS = {"http": 80, "https": 443}


@cache
def trusted() -> ssl.SSLContext:
    """Trust whom the machine trusts: an enterprise's own authority is installed there."""
    return ssl.create_default_context()


def warm() -> None:
    """Load what an exchange needs: a tenth of a second, in which no greenlet goes on."""
    # Here and not above: it would be a tenth of the handlers' start, and most boxes ask nobody.
    importlib.import_module("appliance.http.request")
    trusted()


class Client:
    """Sends orders. One a process; for any number of threads or greenlets at a time."""

    def __init__(self, names: Names, tls: ssl.SSLContext | None = None) -> None:
        self._names = names
        self._tls = tls

    def exchange(self, order: Order) -> Answer | Failed:
        """Send it and wait for the answer; whatever goes wrong is a value."""
        # Before the time begins to count; who has not warmed up does it with the first order.
        from appliance.http import request

        tls = self._tls or trusted()
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
        return request.sent(order, targets, deadline, tls)


def _may_stand(name: str, value: str) -> bool:
    return name.lower() not in _OURS and bool(_NAME.fullmatch(name) and _VALUE.fullmatch(value))
