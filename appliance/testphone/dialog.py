"""A dialog (RFC 3261 section 12): what every request within a call has to carry, and where it goes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from appliance.testphone.address import HostPort, parse_address, uri_host_port
from appliance.testphone.errors import MessageError
from appliance.testphone.message import Header, Message, split_list

_CAUSE = re.compile(r"Q\.850\s*;[^,]*?cause\s*=\s*(\d+)", re.IGNORECASE)
ALLOW = b"INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, NOTIFY, MESSAGE"


@dataclass
class Dialog:
    """``local`` and ``remote`` are From and To values of our requests with their tags; ``target`` is the
    other side's Contact URI; ``routes`` the route set; ``peer`` where its last message came from."""

    call_id: bytes
    local: bytes
    remote: bytes
    target: bytes
    peer: HostPort
    cseq: int
    routes: list[bytes] = field(default_factory=list)
    remote_cseq: int = 0

    def request(
        self,
        method: str,
        via: bytes,
        contact: bytes,
        *,
        headers: Iterable[Header] = (),
        body: bytes = b"",
        number: int | None = None,
    ) -> Message:
        """A request in this dialog with the next CSeq number; an ACK passes its INVITE's ``number``."""
        if number is None:
            self.cseq += 1
            number = self.cseq
        message = Message(method.encode() + b" " + self.target + b" SIP/2.0", body=body)
        message.headers = [
            (b"Via", via),
            *((b"Route", route) for route in self.routes),
            (b"Max-Forwards", b"70"),
            (b"From", self.local),
            (b"To", self.remote),
            (b"Call-ID", self.call_id),
            (b"CSeq", b"%d " % number + method.encode()),
            (b"Contact", contact),
            (b"User-Agent", b"testphone"),
            *headers,
        ]
        return message

    def hop(self) -> HostPort:
        """Where requests go: the first route, else the target (loose routing, section 12.2.1.1). A host name
        is not resolved: ``peer`` is taken instead."""
        uri = parse_address(self.routes[0]).uri if self.routes else self.target
        try:
            host, port = uri_host_port(uri)
            ipaddress.ip_address(host)
        except (MessageError, ValueError):
            return self.peer
        return host, port

    def retarget(self, message: Message) -> None:
        """A new Contact of the other side (section 12.2.2), if the message has one."""
        self.target = contact_uri(message) or self.target


def contact_uri(message: Message) -> bytes | None:
    """The URI of the first Contact, or None."""
    value = message.get("Contact")
    return None if value is None else parse_address(split_list(value)[0]).uri


def record_routes(message: Message) -> list[bytes]:
    """All Record-Route values in the order of the message."""
    return [one for value in message.all("Record-Route") for one in split_list(value)]


def reason_of(message: Message) -> tuple[str | None, int | None]:
    """The Reason headers as one text, and the Q.850 cause in it (RFC 3326)."""
    text = ", ".join(value.decode("latin-1") for value in message.all("Reason")) or None
    found = _CAUSE.search(text or "")
    return text, int(found.group(1)) if found else None
