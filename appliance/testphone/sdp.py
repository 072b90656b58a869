"""Session descriptions with one audio stream (RFC 8866), offer and answer (RFC 3264)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.testphone.errors import MessageError
from appliance.testphone.g711 import BY_NAME, Codec

_STATIC = {0: "PCMU", 8: "PCMA"}
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass
class Description:
    """What the other side said about its audio.

    ``payloads`` in the order of preference, ``names`` the codec of each in upper case, ``others`` its further
    ``m=`` lines, which an answer has to refuse.
    """

    host: str
    port: int
    payloads: list[int]
    names: dict[int, str]
    direction: str = "sendrecv"
    others: list[str] = field(default_factory=list)

    @property
    def dtmf(self) -> int | None:
        """The payload type of telephone-event, or None."""
        return next((p for p in self.payloads if self.names.get(p) == "TELEPHONE-EVENT"), None)

    @property
    def listens(self) -> bool:
        """Whether the other side wants to hear us (not on hold, RFC 3264 section 8.4)."""
        # An address of zeros is the hold of RFC 2543, which RFC 3264 section 8.4 still knows.
        held = self.host in ("", "0.0.0.0") or self.direction in ("sendonly", "inactive")  # noqa: S104
        return self.port != 0 and not held

    def choose(self, codecs: Sequence[str]) -> tuple[int, Codec] | None:
        """The first of its payloads that is in ``codecs``, with its payload type; None when there is none."""
        for payload in self.payloads:
            name = self.names.get(payload, "")
            if name in codecs:
                return payload, BY_NAME[name]
        return None


def parse_sdp(body: bytes) -> Description:
    """Reads the first audio stream. Raises MessageError when there is none or a line cannot be read."""
    host, audio, description = "", False, None
    others: list[str] = []
    direction = "sendrecv"
    for line in body.decode("latin-1").splitlines():
        kind, _, value = line.partition("=")
        try:
            if kind == "m":
                words = value.split()
                audio = words[0] == "audio" and description is None
                if audio:
                    payloads = [int(word) for word in words[3:]]
                    names = {p: _STATIC[p] for p in payloads if p in _STATIC}
                    description = Description(host, int(words[1]), payloads, names, direction)
                else:
                    others.append(value)
            elif kind == "c" and (audio or description is None):
                host = value.split()[2]
                if description is not None:
                    description.host = host
            elif kind == "a" and value in _DIRECTIONS:
                direction = value
                if audio and description is not None:
                    description.direction = value
            elif kind == "a" and value.startswith("rtpmap:") and audio and description is not None:
                payload, _, codec = value[len("rtpmap:") :].partition(" ")
                name, _, rate = codec.partition("/")
                if rate.partition("/")[0] == "8000":
                    description.names[int(payload)] = name.upper()
        except (IndexError, ValueError) as problem:
            raise MessageError(f"SDP line {line!r}") from problem
    if description is None:
        raise MessageError(f"no audio in SDP {body[:80]!r}")
    description.others = others
    return description


def build_sdp(
    host: str,
    port: int,
    payloads: Sequence[tuple[int, str]],
    dtmf: int | None,
    *,
    version: int = 1,
    direction: str = "sendrecv",
    refused: Sequence[str] = (),
) -> bytes:
    """An offer or an answer. ``refused`` are the offer's other ``m=`` values, answered with port 0."""
    numbers = [payload for payload, _ in payloads] + ([dtmf] if dtmf is not None else [])
    lines = [
        "v=0",
        f"o=testphone {port} {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP " + " ".join(map(str, numbers)),
    ]
    lines += [f"a=rtpmap:{payload} {name}/8000" for payload, name in payloads]
    if dtmf is not None:
        lines += [f"a=rtpmap:{dtmf} telephone-event/8000", f"a=fmtp:{dtmf} 0-15"]
    lines += ["a=ptime:20", f"a={direction}"]
    for value in refused:
        kind, _, rest = value.split(" ", 2)
        lines.append(f"m={kind} 0 {rest}")
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")


def mirrored(direction: str) -> str:
    """The direction an answer gives to an offer's (RFC 3264 section 6.1)."""
    return {"sendonly": "recvonly", "recvonly": "sendonly"}.get(direction, direction)
