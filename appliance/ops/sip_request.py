"""One SIP request as a stranger would send it."""

from __future__ import annotations

import ipaddress
import re
import secrets
import socket

REQUEST_TIMEOUT_S = 2.0


def send_request(
    address: tuple[str, int],
    method: str,
    user: str,
    content_type: str,
    body: str,
    timeout_s: float = REQUEST_TIMEOUT_S,
) -> str:
    """Send one SIP request outside any dialog by UDP; return the answer's status, or ``none`` if none came.

    :raises OSError: the address cannot be reached at all.
    """
    host, port = address
    six = ipaddress.ip_address(host).version == 6
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(address)
        sender.settimeout(timeout_s)
        own_host, own_port = sender.getsockname()[:2]
        own, target = (f"[{h}]:{p}" if six else f"{h}:{p}" for h, p in ((own_host, own_port), (host, port)))
        name, content = secrets.token_hex(8), body.encode()
        lines = (
            f"{method} sip:{user}@{target} SIP/2.0",
            f"Via: SIP/2.0/UDP {own};rport;branch=z9hG4bK{name}",
            "Max-Forwards: 70",
            f"From: <sip:doctor@{own}>;tag={name}",
            f"To: <sip:{user}@{target}>",
            f"Call-ID: {name}",
            f"CSeq: 1 {method}",
            f"Contact: <sip:doctor@{own}>",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(content)}",
        )
        sender.send("\r\n".join((*lines, "", "")).encode() + content)
        try:
            answer = sender.recv(65535)
        except TimeoutError:
            return "none"
    found = re.match(rb"SIP/2\.0 (\d{3})", answer)
    return found[1].decode() if found else "none"
