"""Session descriptions: what the other side offers, and what this switch says (RFC 4566, RFC 3264)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address

from appliance.miniswitch import g711


class SdpError(ValueError):
    """No audio in this description that this switch can speak."""


@dataclass(frozen=True)
class Media:
    """The audio of one side: where its RTP goes, its G.711 law, its telephone-event payload type.

    `event` is None when the side knows no telephone-events. `sends` and `receives` are from its view.
    """

    host: str
    port: int
    law: int
    event: int | None
    sends: bool = True
    receives: bool = True


def parse(text: str) -> Media:
    """Read an offer or an answer; the law is the first of the two that it lists.

    Raises `SdpError` when there is no audio over RTP/AVP in A-law or mu-law.
    """
    session_host = host = ""
    direction = "sendrecv"
    formats: list[int] = []
    port, in_audio, in_media = 0, False, False
    names: dict[int, str] = {}
    for line in text.splitlines():
        kind, _, value = line.strip().partition("=")
        if kind == "m":
            in_media = True
            in_audio = not formats and value.startswith("audio ")
            if in_audio:
                port, formats = _media_line(value)
        elif kind == "c":
            found = value.split()[-1].split("/")[0] if value else ""
            if in_audio:
                host = found
            elif not in_media:
                session_host = found
        elif kind == "a" and (in_audio or not in_media):
            if value in ("sendrecv", "sendonly", "recvonly", "inactive"):
                direction = value
            elif in_audio and (mapped := re.fullmatch(r"rtpmap:(\d+) ([\w.-]+)/(\d+).*", value)):
                names[int(mapped.group(1))] = f"{mapped.group(2).lower()}/{mapped.group(3)}"
    host = host or session_host
    law = next((number for number in formats if number in g711.NAMES), None)
    if law is None or not 0 < port < 65536 or not _is_ipv4(host):
        raise SdpError("no G.711 audio over IPv4 in the description")
    event = next((number for number in formats if names.get(number) == "telephone-event/8000"), None)
    held = host == "0.0.0.0"  # noqa: S104 - RFC 2543's way to put a call on hold
    return Media(
        host,
        port,
        law,
        event,
        sends=direction in ("sendrecv", "sendonly"),
        receives=direction in ("sendrecv", "recvonly") and not held,
    )


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True


def _media_line(value: str) -> tuple[int, list[int]]:
    words = value.split()
    if len(words) < 4 or words[2] != "RTP/AVP" or not words[1].split("/")[0].isdigit():
        raise SdpError(f"not a plain RTP audio line: {value!r}")
    return int(words[1].split("/")[0]), [int(word) for word in words[3:] if word.isdigit()]


def build(
    host: str, port: int, laws: list[int], event: int | None, version: int = 1, direction: str = "sendrecv"
) -> str:
    """Our offer or answer: `laws` in order of preference, telephone-event under number `event`."""
    formats = [*laws, *([] if event is None else [event])]
    lines = [
        "v=0",
        f"o=miniswitch {port} {version} IN IP4 {host}",
        "s=call",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, formats))}",
    ]
    lines += [f"a=rtpmap:{law} {g711.NAMES[law]}/8000" for law in laws]
    if event is not None:
        lines += [f"a=rtpmap:{event} telephone-event/8000", f"a=fmtp:{event} 0-15"]
    lines += ["a=ptime:20", f"a={direction}"]
    return "\r\n".join(lines) + "\r\n"
