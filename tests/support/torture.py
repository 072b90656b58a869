"""SIP messages that test a parser, after the list of RFC 4475: each is composed here from what the RFC says of it.

A message is made for a place (the switch's address), with a branch and a Call-ID of its own. ``VALID`` ones have to
be understood, however strange they look; of the others nothing is asked but that the switch goes on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

SDP = (
    b"v=0\r\no=t 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 49172 RTP/AVP 8 0\r\n"
    b"a=rtpmap:8 PCMA/8000\r\n"
)
_numbers = itertools.count(1)

Header = tuple[bytes, bytes]


@dataclass(frozen=True)
class Place:
    """Where messages go, from whom, and the number that they ask for."""

    switch: tuple[str, int]
    own: tuple[str, int]
    number: str

    @property
    def target(self) -> bytes:
        """``HOST:PORT`` of the switch."""
        return b"%s:%d" % (self.switch[0].encode(), self.switch[1])

    @property
    def here(self) -> bytes:
        """``HOST:PORT`` of the sender."""
        return b"%s:%d" % (self.own[0].encode(), self.own[1])


def usual(place: Place, method: bytes = b"INVITE") -> dict[bytes, bytes]:
    """The headers of a plain request."""
    count = next(_numbers)
    return {
        b"Via": b"SIP/2.0/UDP %s;branch=z9hG4bKtorture%d" % (place.here, count),
        b"Max-Forwards": b"70",
        b"From": b"<sip:13900990%04d@%s>;tag=t%d" % (count % 10_000, place.here, count),
        b"To": b"<sip:%s@%s>" % (place.number.encode(), place.target),
        b"Call-ID": b"torture-%d@%s" % (count, place.own[0].encode()),
        b"CSeq": b"%d %s" % (count, method),
        b"Contact": b"<sip:t@%s>" % place.here,
    }


def wire(
    line: bytes, headers: Mapping[bytes, bytes] | Sequence[Header], body: bytes = b"", length: bytes | None = None
) -> bytes:
    """Bytes on the wire; ``length`` instead of the right Content-Length."""
    rows = list(headers.items() if isinstance(headers, Mapping) else headers)
    rows.append((b"Content-Length", b"%d" % len(body) if length is None else length))
    return line + b"\r\n" + b"".join(b"%s: %s\r\n" % row for row in rows) + b"\r\n" + body


def invite(
    place: Place,
    *,
    uri: bytes = b"",
    line: bytes = b"",
    change: Mapping[bytes, bytes] | None = None,
    without: Sequence[bytes] = (),
    more: Sequence[Header] = (),
    body: bytes = SDP,
    length: bytes | None = None,
) -> bytes:
    """An INVITE that differs from a plain one as told."""
    uri = uri or b"sip:%s@%s" % (place.number.encode(), place.target)
    headers = usual(place) | {b"Content-Type": b"application/sdp"} | dict(change or {})
    rows = [row for row in headers.items() if row[0] not in without]
    return wire(line or b"INVITE " + uri + b" SIP/2.0", [*rows, *more], body, length)


def other(place: Place, method: bytes, *, uri: bytes = b"", change: Mapping[bytes, bytes] | None = None) -> bytes:
    """Another request without a body."""
    uri = uri or b"sip:" + place.target
    return wire(method + b" " + uri + b" SIP/2.0", usual(place, method) | dict(change or {}))


def response(place: Place, line: bytes, *, change: Mapping[bytes, bytes] | None = None) -> bytes:
    """A response that nobody asked for."""
    return wire(line, usual(place) | dict(change or {}))


def _tortuous(place: Place) -> bytes:
    """Compact names, folded lines, blanks before colons, quoted semicolons, headers of no name that is known."""
    rows = usual(place)
    return (
        b"INVITE sip:%s@%s;unknown-param SIP/2.0\r\n" % (place.number.encode(), place.target)
        + b"TO :\r\n sip:%s@%s ;  tag    =\t\t1918181833n\r\n" % (place.number.encode(), place.target)
        + b'from   : "J \\\\\\"" <sip:t@%s>\r\n  ;\r\n  tag = x%s\r\n' % (place.here, rows[b"CSeq"].split()[0])
        + b"MaX-fOrWaRdS: 0068\r\n"
        + b"i: %s\r\n" % rows[b"Call-ID"]
        + b"cseq: 0009\r\n  INVITE\r\n"
        + b"v:  SIP  / 2.0  / UDP\r\n  %s ; branch=z9hG4bKtortuous%s\r\n" % (place.here, rows[b"CSeq"].split()[0])
        + b"s :\r\nNewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        + b"UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
        + b"Route:\r\n <sip:services.invalid;lr;unknownwith=value;unknown-no-value>\r\n"
        + b'm:"Quoted string \\"\\"" <sip:t@%s>\r\n  ; newparam = newvalue ;\r\n  secondparam ; q = 0.33\r\n'
        % place.here
        + b"c: application/sdp\r\nl: %d\r\n\r\n" % len(SDP)
        + SDP
    )


def _multipart(place: Place) -> bytes:
    """A body of two parts, the second binary."""
    mark = b"7a9cbec02ceef655"
    body = (
        b"--%s\r\nContent-Type: text/plain\r\n\r\nHello\r\n--%s\r\nContent-Type: application/octet-stream\r\n\r\n"
        % (mark, mark)
        + bytes(range(256))
        + b"\r\n--%s--\r\n" % mark
    )
    kind = b"multipart/mixed;boundary=" + mark
    return wire(b"MESSAGE sip:%s SIP/2.0" % place.target, usual(place, b"MESSAGE") | {b"Content-Type": kind}, body)


_STRANGE = b"!interesting-Method0123456789_*+`.%indeed'~"
_BIG = b"9" * 60

VALID: dict[str, Callable[[Place], bytes]] = {
    "tortuous": _tortuous,
    "wide range of characters": lambda p: other(
        p,
        _STRANGE,
        uri=b"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@"
        + p.target,
    ),
    "escapes": lambda p: invite(p, uri=b"sip:sips%3Auser%40example.com@" + p.target + b";other-param=summit"),
    "escaped nulls": lambda p: other(p, b"REGISTER", change={b"To": b"<sip:null-%00-null@" + p.target + b">"}),
    "a percent sign that escapes nothing": lambda p: other(p, b"RE%47IST%45R"),
    "no blank before the address": lambda p: invite(p, change={b"From": b"caller<sip:t@" + p.here + b">;tag=323"}),
    "long values": lambda p: invite(
        p,
        change={b"From": b'"' + b"long" * 250 + b'" <sip:' + b"t" * 600 + b"@" + p.here + b">;tag=12" + b"9" * 600},
        more=[(b"Unknown-" + b"Long" * 60 + b"-Name", b"value" * 400), (b"Call-Info", b"<sip:x>;" + b"p=v;" * 300)],
    ),
    "octets behind the message": lambda p: other(p, b"REGISTER") + invite(p),
    "semicolons in the user part": lambda p: other(p, b"OPTIONS", uri=b"sip:user;par=u%40example.net@" + p.target),
    "strange transports": lambda p: other(
        p,
        b"OPTIONS",
        change={
            b"Via": b"SIP/2.0/UDP " + p.here + b";branch=z9hG4bKtr1, SIP/2.0/SCTP a.invalid;branch=z9hG4bKtr2,"
            b" SIP/2.0/UNKNOWN b.invalid;branch=z9hG4bKtr3, SIP/2.0/TLS c.invalid;branch=z9hG4bKtr4"
        },
    ),
    "several parts": _multipart,
    "an unusual reason": lambda p: response(
        p, b"SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xe5\x91\xbc\xe5\x8f\xab"
    ),
    "no reason": lambda p: response(p, b"SIP/2.0 100 "),
    "lower-case, folded, old form": lambda p: invite(
        p, change={b"Via": b"SIP/2.0/UDP " + p.here, b"From": b"sip:t@" + p.here + b"; tag=old"}
    ),
}

INVALID: dict[str, Callable[[Place], bytes]] = {
    "separators of nothing": lambda p: invite(
        p, change={b"Contact": b'"Joe" <sip:t@' + p.here + b">;;;;", b"Via": b"SIP/2.0/UDP " + p.here + b";;,;,,"}
    ),
    "longer than it is": lambda p: invite(p, length=b"9999"),
    "of negative length": lambda p: invite(p, length=b"-999"),
    "a length that overflows": lambda p: invite(p, length=_BIG),
    "two lengths": lambda p: invite(p, more=[(b"Content-Length", b"5")]),
    "scalars that overflow": lambda p: other(
        p,
        b"REGISTER",
        change={
            b"CSeq": _BIG + b" REGISTER",
            b"Max-Forwards": b"300",
            b"Expires": b"1" + _BIG,
            b"Contact": b"<sip:t@" + p.here + b">;expires=280297596632815",
        },
    ),
    "a response's scalars that overflow": lambda p: response(
        p, b"SIP/2.0 503 Service Unavailable", change={b"CSeq": _BIG + b" INVITE", b"Retry-After": _BIG}
    ),
    "a quote that never closes": lambda p: invite(p, change={b"To": b'"Mr. J. User <sip:j@' + p.target + b">"}),
    "angle brackets around the URI": lambda p: invite(p, line=b"INVITE <sip:" + p.target + b"> SIP/2.0"),
    "a blank within the URI": lambda p: invite(p, line=b"INVITE sip:user@" + p.target + b"; lr SIP/2.0"),
    "blanks between": lambda p: invite(p, line=b"INVITE  sip:user@" + p.target + b"  SIP/2.0"),
    "blanks at the end": lambda p: invite(p, line=b"OPTIONS sip:" + p.target + b" SIP/2.0  "),
    "headers within the URI": lambda p: invite(p, uri=b"sip:user@" + p.target + b"?Route=%3Csip:x%3E"),
    "a date of another zone": lambda p: invite(p, more=[(b"Date", b"Fri, 01 Jan 2010 16:00:00 EST")]),
    "a contact without brackets": lambda p: other(
        p, b"REGISTER", change={b"Contact": b"sip:user@x.invalid?Route=%3Csip:sip.invalid%3E"}
    ),
    "blanks within the address": lambda p: other(p, b"OPTIONS", change={b"To": b'"W" < sip:t@' + p.target + b" >"}),
    "a display name of no tokens": lambda p: other(
        p, b"OPTIONS", change={b"From": b"Bell, Alexander <sip:a@" + p.here + b">;tag=43"}
    ),
    "another version": lambda p: invite(p, line=b"INVITE sip:" + p.target + b" SIP/7.0"),
    "a method that differs": lambda p: other(p, b"OPTIONS", change={b"CSeq": b"8 INVITE"}),
    "an unknown method that differs": lambda p: other(p, b"NEWMETHOD", change={b"CSeq": b"8 INVITE"}),
    "a status that overflows": lambda p: response(p, b"SIP/2.0 4294967301 better not break the receiver"),
    "an empty branch": lambda p: invite(p, change={b"Via": b"SIP/2.0/UDP " + p.here + b";branch=z9hG4bK"}),
    "without what is needed": lambda p: invite(p, without=(b"Call-ID", b"From", b"To")),
    "without a Via": lambda p: invite(p, without=(b"Via",)),
    "a scheme that nobody knows": lambda p: invite(p, uri=b"nobodyKnowsThisScheme:totallyopaquecontent"),
    "a scheme of another world": lambda p: invite(p, uri=b"soap.beep://192.0.2.103:3002"),
    "unknown schemes in headers": lambda p: invite(
        p, change={b"To": b"isbn:2983792873", b"From": b"<http://x.invalid>;tag=1", b"Contact": b"<name:a_b>"}
    ),
    "extensions that nobody has": lambda p: invite(
        p, more=[(b"Require", b"nothingSupportsThis, nothingSupportsThisEither"), (b"Proxy-Require", b"noProxy")]
    ),
    "a body of a strange type": lambda p: invite(
        p, change={b"Content-Type": b"application/unknownformat"}, body=b"<audio>\x00\x01</audio>"
    ),
    "an authorization of a strange kind": lambda p: other(
        p, b"REGISTER", change={b"Authorization": b"NoOneKnowsThisScheme opaque-data=here"}
    ),
    "several values where one is": lambda p: invite(
        p,
        more=[
            (b"Call-ID", b"other@x"),
            (b"From", b"<sip:o@x.invalid>;tag=2"),
            (b"To", b"<sip:o@x.invalid>"),
            (b"CSeq", b"59 INVITE"),
            (b"Max-Forwards", b"5"),
            (b"Content-Type", b"text/plain"),
        ],
    ),
    "a response from everywhere": lambda p: response(
        p, b"SIP/2.0 200 OK", change={b"Via": b"SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23"}
    ),
    "no forwards left": lambda p: invite(p, change={b"Max-Forwards": b"0"}),
    "a parameter of a contact": lambda p: other(
        p, b"REGISTER", change={b"Contact": b"sip:+19725552222@" + p.here + b";unknownparam"}
    ),
    "no session that is accepted": lambda p: invite(p, more=[(b"Accept", b"text/nobodyKnowsThis")]),
    "nothing but lines": lambda p: b"\r\n" * 400,
    "nothing": lambda p: b"",
    "binary": lambda p: bytes(range(256)) * 4,
    "a start and no more": lambda p: b"INVITE sip:" + p.target + b" SIP/2.0\r\n",
}
MESSAGES = VALID | INVALID
