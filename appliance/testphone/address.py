"""Addresses in From, To, Contact, Route (RFC 3261 section 20.10) and the URIs in them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.testphone.errors import MessageError

HostPort = tuple[str, int]

_ESCAPE = re.compile(r'(["\\])')


@dataclass(frozen=True)
class NameAddress:
    """``"display" <uri>;params``; ``display`` is what stood between the quotes with its escapes, or empty."""

    display: bytes
    uri: bytes
    params: bytes = b""


def parse_address(value: bytes) -> NameAddress:
    """A From, To, Contact or Route value.

    The URI is what stands in the last angle brackets: a display name may hold brackets or, in GBK, a second
    byte 0x5C just before the closing quote, where a parser that follows the escape rule loses its way.
    """
    opened = value.rfind(b"<")
    if opened < 0:
        uri, semicolon, params = value.strip().partition(b";")
        return NameAddress(b"", uri, semicolon + params)
    closed = value.find(b">", opened)
    if closed < 0:
        raise MessageError(f"address {value!r}")
    display = value[:opened].strip()
    if len(display) >= 2 and display.startswith(b'"') and display.endswith(b'"'):
        display = display[1:-1]
    return NameAddress(display, value[opened + 1 : closed], value[closed + 1 :].strip())


def format_address(uri: bytes, display: bytes | str = b"", tag: bytes = b"") -> bytes:
    """An address for the wire.

    A ``str`` display is quoted with its escapes and sent as UTF-8; ``bytes`` are put between quotes
    untouched, so that a test can send GBK or a broken name.
    """
    if isinstance(display, str):
        display = _ESCAPE.sub(r"\\\1", display).encode()
    shown = b'"' + display + b'" ' if display else b""
    return shown + b"<" + uri + b">" + (b";tag=" + tag if tag else b"")


def uri_user(uri: bytes) -> str:
    """The user part as latin-1 without its parameters, or empty; of ``tel:`` the number."""
    scheme, _, rest = uri.partition(b":")
    if scheme.lower() == b"tel":
        return rest.partition(b";")[0].decode("latin-1")
    user, at, _ = rest.rpartition(b"@")
    return user.partition(b";")[0].decode("latin-1") if at else ""


def uri_host_port(uri: bytes) -> HostPort:
    """Host and port (5060 when the URI has none). Raises MessageError for a port that is no number."""
    rest = uri.partition(b":")[2].rpartition(b"@")[2]
    host_port = re.split(rb"[;?]", rest, maxsplit=1)[0].decode("latin-1")
    if host_port.startswith("["):
        host, _, port = host_port[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = host_port.partition(":")
    if not host or (port and not port.isdigit()):
        raise MessageError(f"URI {uri!r}")
    return host, int(port or 5060)
