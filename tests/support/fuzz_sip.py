"""INVITEs that were spoilt by chance: a seed gives the same ones each time."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.support.torture import Place, invite

#: Texts that mean something to some part of the way; ``@RAN@`` is a file that is there once something was executed.
INJECTIONS = (
    b"${system touch @RAN@}",
    b"$${system touch @RAN@}",
    b"${hash(insert/hostile/ran/1)}",
    b"`touch @RAN@`",
    b"$(touch @RAN@)",
    b"|touch @RAN@",
    b"a|b",
    b"a,b",
    b"a:_:b",
    b"{absolute_codec_string=PCMA}a",
    b"[leg_timeout=1]a",
    b"<x>a",
    b"^^:gw_line=second",
    b"%0A%0Aapi uuid_kill all",
    b"%0D%0Asendmsg%0Acall-command: hangup",
    b"%00",
    b"%",
    b"%zz",
    b"..%2f..%2fetc%2fpasswd",
    b"'; DROP TABLE calls; --",
    b'"><script>alert(1)</script>',
    b"=cmd|' /C calc'!A0",
    "我们".encode("gbk"),
    "我们".encode(),
    b"\xff\xfe\x00",
    b"4" * 5000,
    b"",
)
_SDP_LINES = (
    b"m=audio 0 RTP/AVP 8",
    b"m=audio -1 RTP/AVP 8",
    b"m=audio 99999999999 RTP/AVP 8",
    b"m=audio 49170/2 RTP/AVP " + b" ".join(b"%d" % n for n in range(400)),
    b"m=video 5000 RTP/AVP 31",
    b"m=audio 5000 RTP/SAVPF 8",
    b"m=audio",
    b"m=",
    b"c=IN IP4 0.0.0.0",
    b"c=IN IP4 255.255.255.255",
    b"c=IN IP4 nobody.invalid",
    b"c=IN IP6 ::1",
    b"c=",
    b"a=rtpmap:8 PCMA/0",
    b"a=rtpmap:8 PCMA/4294967296",
    b"a=rtpmap:" + b"9" * 300,
    b"a=fmtp:8 " + b"x" * 3000,
    b"a=ptime:0",
    b"a=ptime:100000",
    b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:!!",
    b"a=ice-ufrag:${system touch @RAN@}",
    b"o=- 18446744073709551616 -1 IN IP4 x",
    b"b=AS:-1",
    b"t=",
    b"\x00",
)
_NAMES = (
    b"Via",
    b"From",
    b"To",
    b"Call-ID",
    b"CSeq",
    b"Contact",
    b"Max-Forwards",
    b"Content-Type",
    b"Content-Length",
)

Mutation = Callable[[bytes, random.Random], bytes]


def _header(data: bytes, dice: random.Random) -> tuple[list[bytes], int, bytes]:
    """Lines of the head, one of them by chance, and the rest."""
    head, end, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    return lines, dice.randrange(len(lines)), end + body


def _with_line(data: bytes, dice: random.Random, change: Callable[[bytes], list[bytes]]) -> bytes:
    lines, at, rest = _header(data, dice)
    return b"\r\n".join([*lines[:at], *change(lines[at]), *lines[at + 1 :]]) + rest


def _flipped(data: bytes, dice: random.Random) -> bytes:
    spoilt = bytearray(data)
    for _ in range(dice.randint(1, 12)):
        spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
    return bytes(spoilt)


def _inserted(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    what = dice.choice(
        (dice.randbytes(dice.randint(1, 40)), b"\r\n", b"\r", b"\n", b"\r\n\r\n", b"\0", b"\t ", b";;,,")
    )
    return data[:at] + what + data[at:]


def _injected(data: bytes, dice: random.Random) -> bytes:
    """In the user part of a URI, a display name, or a parameter."""
    text = dice.choice(INJECTIONS)
    old, new = dice.choice(
        (
            (b"sip:", b"sip:" + text + b"@" if dice.random() < 0.3 else b"sip:" + text),
            (b"From: ", b'From: "' + text + b'" '),
            (b"To: ", b"To: " + text + b" "),
            (b";tag=", b";tag=" + text),
            (b"Call-ID: ", b"Call-ID: " + text),
            (b"branch=z9hG4bK", b"branch=z9hG4bK" + text),
            (b"Contact: <sip:", b"Contact: <sip:" + text + b"@"),
        )
    )
    return data.replace(old, new, 1)


def _spoilt_sdp(data: bytes, dice: random.Random) -> bytes:
    head, end, body = data.partition(b"\r\n\r\n")
    lines = body.split(b"\r\n")
    for _ in range(dice.randint(1, 4)):
        lines.insert(dice.randrange(len(lines)), dice.choice(_SDP_LINES))
    if dice.random() < 0.3:
        dice.shuffle(lines)
    body = b"\r\n".join(lines)
    keeps = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length"))
    return keeps + b"\r\nContent-Length: %d" % len(body) + end + body


MUTATIONS: tuple[Mutation, ...] = (
    _flipped,
    _inserted,
    _injected,
    _injected,
    _spoilt_sdp,
    _spoilt_sdp,
    lambda data, dice: data[: dice.randrange(len(data))],
    lambda data, dice: data + dice.randbytes(dice.randint(1, 2000)),
    lambda data, dice: data + data,
    lambda data, dice: data.replace(b"\r\n", dice.choice((b"\n", b"\r", b"\r\r\n", b"\n\r"))),
    lambda data, dice: _with_line(data, dice, lambda line: []),
    lambda data, dice: _with_line(data, dice, lambda line: [line] * dice.randint(2, 60)),
    lambda data, dice: _with_line(data, dice, lambda line: [line[: len(line) // 2], b" " + line[len(line) // 2 :]]),
    lambda data, dice: _with_line(data, dice, lambda line: [line, b"X-Huge: " + b"h" * dice.randint(1000, 40_000)]),
    lambda data, dice: _with_line(
        data, dice, lambda line: [line, *(b"X-%d: y" % n for n in range(dice.randint(1, 900)))]
    ),
    lambda data, dice: _with_line(
        data, dice, lambda line: [line.partition(b":")[0] + b": " + dice.choice(INJECTIONS)]
    ),
    lambda data, dice: _with_line(
        data, dice, lambda line: [line, dice.choice(_NAMES) + b": " + dice.choice(INJECTIONS)]
    ),
    lambda data, dice: data.replace(
        b"INVITE", dice.choice((b"invite", b"PRACK", b"REFER", b"SUBSCRIBE", b"INVITEX", b"")), 1
    ),
    lambda data, dice: data.replace(
        b"Content-Length: ", b"Content-Length: " + dice.choice((b"-", b"0x", b"9" * 30, b"1 ", b"+", b"\t")), 1
    ),
)


def spoilt(place: Place, dice: random.Random, ran: str) -> bytes:
    """An INVITE to the place's number with one to three faults; at most what a datagram holds."""
    data = invite(place)
    for _ in range(dice.choice((1, 1, 2, 3))):
        if data:
            data = dice.choice(MUTATIONS)(data, dice)
    return data.replace(b"@RAN@", ran.encode())[:60_000]
