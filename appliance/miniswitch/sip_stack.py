"""sippy, set up for this switch: what may come in, and the way into its thread.

All of sippy runs in one thread, its event loop; `SipStack.run` is the way in from the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sippy.Core.EventDispatcher import ED2
from sippy.SipConf import SipConf
from sippy.SipHeader import SipHeader
from sippy.SipTransactionManager import SipTransactionManager
from sippy.Udp_server import Udp_server_opts

from appliance.miniswitch.sip_udp import UdpPort

log = logging.getLogger(__name__)

METHODS = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "INFO")
ALLOWED = ", ".join(METHODS)
AGENT = "miniswitch"

_ADDRESS_HEADERS = ("contact", "record-route", "route")


class Transactions(SipTransactionManager):  # type: ignore[misc]
    """sippy's transaction layer, with what is refused refused before a call sees it."""

    model_udp_server = (UdpPort, Udp_server_opts)
    _datagram: bytes = b""

    def handleIncoming(self, data_in: bytes, ra: Any, server: Any, rtime: Any) -> None:
        """A datagram; kept while it is worked on, because sippy cuts headers at commas."""
        self._datagram = data_in
        super().handleIncoming(data_in, ra, server, rtime)

    def incomingRequest(self, msg: Any, checksum: bytes, tids: Any, server: Any) -> None:
        """A request: repaired where sippy is too strict, refused where this switch does nothing."""
        _lower_transport(msg)
        msg.datagram = self._datagram
        method = msg.getMethod()
        if method not in METHODS:
            # MESSAGE, REFER and the rest run nothing: no call ever sees them.
            self._refuse(msg, checksum, server, 405, "Method Not Allowed")
        elif method == "INVITE" and not _has_contact(msg):
            self._refuse(msg, checksum, server, 400, "Bad Request")
        else:
            super().incomingRequest(msg, checksum, tids, server)

    def incomingResponse(self, msg: Any, t: Any, checksum: bytes) -> None:
        """A response, repaired like a request."""
        _lower_transport(msg)
        super().incomingResponse(msg, t, checksum)

    def fail_waiting(self, address: tuple[str, int]) -> None:
        """Nobody listens at this address: answer every request still waiting there with a 503."""
        for t in [t for t in self.tclient.values() if t.address == address and t.teA is not None]:
            if t.resp_cb is not None:
                t.r408.setSCode(503, "Service Unavailable")
            t.teB.cancel()
            self.timerB(t)

    def _refuse(self, msg: Any, checksum: bytes, server: Any, code: int, phrase: str) -> None:
        response = msg.genResponse(code, phrase, server=None)
        if response.getHFBody("to").getTag() is None:
            response.getHFBody("to").genTag()
        response.appendHeader(SipHeader(s=f"Allow: {ALLOWED}"))
        self.transmitMsg(server, response, response.getHFBody("via").getTAddr(), checksum)


def _lower_transport(msg: Any) -> None:
    """`transport=UDP` is what SIPp and many switches write; sippy knows `udp` only."""
    for name in _ADDRESS_HEADERS:
        for header in msg.getHFs(name):
            try:
                body = header.getBody()
                if not getattr(body, "asterisk", False) and (url := body.getUrl()).transport is not None:
                    url.transport = url.transport.lower()
            except (ValueError, IndexError, AttributeError):
                continue


def _has_contact(msg: Any) -> bool:
    try:
        return msg.getHFBody("contact").getUrl().transport in (None, "udp")
    except (ValueError, IndexError, AttributeError):
        return False


class _Log:
    """What sippy wants of a logger: it writes each message that comes and goes."""

    def write(self, *args: Any, **_: Any) -> None:
        log.debug("%s", "".join(map(str, args)).rstrip())


class SipStack:
    """The SIP side of the switch. `on_invite(request, transaction)` makes a call of an INVITE."""

    def __init__(self, host: str, port: int, on_invite: Callable[[Any, Any], Any]) -> None:
        SipConf.my_uaname = AGENT
        self.host, self.port = host, port
        self.config: dict[str, Any] = {"_sip_address": host, "_sip_port": port, "_sip_logger": _Log()}
        self._on_invite = on_invite
        self.transactions = Transactions(self.config, self._request)
        self.config["_sip_tm"] = self.transactions
        for server in self.transactions.l4r.cache_l2s.values():
            server.unreachable = self.transactions.fail_waiting

    @staticmethod
    def run(work: Callable[..., None], *args: Any) -> None:
        """Do something in the SIP thread, soon."""
        ED2.callFromThread(work, *args)

    @staticmethod
    def loop() -> None:
        """Run SIP in this thread, the main one, until `stop`."""
        ED2.loop()

    @staticmethod
    def stop() -> None:
        """End `loop`; called in the SIP thread."""
        ED2.breakLoop()

    def close(self) -> None:
        """Close the socket, after `loop` has ended."""
        self.transactions.shutdown()

    def _request(self, request: Any, transaction: Any) -> Any:
        """A request outside every call."""
        if request.getHFBody("to").getTag() is not None:
            return request.genResponse(481, "Call Does Not Exist"), None, None
        if request.getMethod() == "INVITE":
            return self._on_invite(request, transaction)
        if request.getMethod() == "OPTIONS":
            response = request.genResponse(200, "OK")
            response.appendHeader(SipHeader(s=f"Allow: {ALLOWED}"))
            return response, None, None
        return request.genResponse(481, "Call Does Not Exist"), None, None
