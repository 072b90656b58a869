"""Callers who write what they like: whatever a call says of itself, it goes the way of a harmless one.

The calls of a test are made together, a harmless one among them. Their INVITEs to the line must be the same to the
byte, but for what differs from call to call, and so must their records.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from appliance import bootstrap
from appliance.errors import SwitchRefused
from appliance.store.queries.call_views import CallDetail
from appliance.testphone import CallFailed, IncomingCall, LineScript, OutgoingCall, Phone, RequestFailed
from tests.e2e.live import NUMBER, LiveBox, live_box, site_text

#: Syntax to some part of the way: event socket, variables, dial strings, SIP, the record's JSON. ``@RAN@`` becomes
#: a file that is there once something was executed.
TEXTS: dict[str, bytes] = {
    "event header": b"%0AUnique-ID: 00000000-0000-0000-0000-000000000000",
    "event frame": b"%0AContent-Length: 100000%0A%0A",
    "event lines": b"a%0D%0AReply-Text: -ERR b%0D%0A%0D%0A",
    "our own fact": b"%0Avariable_gw_facts: number%3D4009999999%0A",
    "folded": b"a\r\n Unique-ID: b\r\n\tgw_number: 4009999999",
    "gbk": "张三贸易".encode("gbk"),
    "gbk with a backslash": "誠信貿易".encode("gbk"),  # the second byte of its first character is 0x5C
    "no text": b"a\xff\xfeb\x80",
    "line separators": "x\u2028Unique-ID: y\u2029z\u0085gw_number: 4009999999".encode(),
    "system": b"${system touch @RAN@}",
    "hash": b"${hash(insert/hostile/ran/1)}",
    "variables": b"$${domain} ${hangup_cause} ${uuid_dump ${uuid}} `touch @RAN@` $(touch @RAN@)",
    "dial string": b"{gw_number=4009999999}[leg_timeout=1]<x>,error/user_busy|error/user_busy:_:x",
    "multiset": b"^^:gw_number=4009999999:gw_line=second",
    "json": b'a\\", \\"gw_number\\": \\"4009999999\\", \\"b\\": \\"',
    "long": b"z" * 2000,
}

#: Bodies of ``application/dtmf-relay`` that press no key; what FreeSWITCH cannot read it takes for a 0
#: (``sofia_handle_sip_i_info``), which is a wrong key here.
INFOS: dict[str, bytes] = {
    "empty": b"",
    "no signal": b"Duration=160\r\n",
    "signal of nothing": b"Signal=\r\nDuration=160\r\n",
    "huge": b"Signal=" + b"z" * 20_000 + b"\r\n",
    "huge without signal": b"8 " * 10_000,
    "system": b"Signal=${system touch @RAN@}\r\nDuration=160\r\n",
    "hash": b"Signal=${hash(insert/hostile/ran/1)}\r\nDuration=${uuid_kill ${uuid}}\r\n",
    "gbk": b"Signal=" + "八".encode("gbk") + b"\r\n",
    "event header": b"Signal=%0AUnique-ID: 0\r\nDuration=%0A%0A\r\n",
    "newline before the key": b"Signal=%0A8\r\n",
    "another request": b"\r\n\r\nBYE sip:8@127.0.0.1 SIP/2.0\r\n\r\n",
    "event": b"\r\n\r\nContent-Type: auth/request\n\nsendmsg\ncall-command: hangup\n\n",
    "a key in a line of its own": b"Duration=160\r\n8\r\n",
    "a key of another header": b"X-Signal: 8\r\nSignal: 8\r\n",
}

#: Calls at once; more would measure the machine.
TOGETHER = 8
#: Seconds until a call that is still expected to go on is given up: eight of them begin at once.
PATIENCE_S = 20
#: Refused calls, which only listen to the announcement.
REFUSED_TOGETHER = 20
HARMLESS = "harmless"
_callers = (f"1390001{n:04d}" for n in itertools.count(1))
_CALLER = re.compile(rb"1390001\d{4}")


@dataclass(frozen=True)
class Asked:
    """What a caller sends: arguments of ``Phone.dial``, and INFO bodies in the menu.

    ``caller`` is empty where ``from_uri`` says that it cannot be read; then ``display`` tells the calls apart.
    """

    caller: str = field(default_factory=lambda: next(_callers))
    called: str = NUMBER
    display: bytes | str = b""
    headers: tuple[tuple[str, str | bytes], ...] = ()
    to_user: str | None = None
    from_uri: str | None = None
    infos: tuple[bytes, ...] = ()


@pytest.fixture(scope="module")
def box(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    """A box whose lines take all the calls, and whose menu asks again at once after a wrong key: what is pressed
    while a prompt says that it was wrong would be lost."""
    folder: Path = tmp_path_factory.mktemp(f"hostile-{switch}")
    lines = site_text(1, 2, max_calls=100).replace(':1"', ':@A@"').replace(':2"', ':@B@"')
    site = lines.replace("wrong_prompt: tone-700", "")
    with live_box(folder, switch, site=site) as running:
        yield running


def ran(box: LiveBox) -> Path:
    return box.settings.state_dir / "ran"


def armed(box: LiveBox, texts: Mapping[str, bytes]) -> dict[str, bytes]:
    """The texts, with the file that they would make."""
    return {name: text.replace(b"@RAN@", str(ran(box)).encode()) for name, text in texts.items()}


def in_uri(text: bytes) -> str:
    """A text as a URI's user: what may not stand there is escaped, an escape stays one (RFC 3261 section 25.1)."""
    return quote(text, safe="%$&=+,;?/")


def assert_nothing_ran(box: LiveBox) -> None:
    """No file was made, and nothing put into FreeSWITCH's hash, which is a command that it allows."""
    assert not ran(box).exists()
    with bootstrap.switch_api(box.settings) as api, pytest.raises(SwitchRefused):
        api("hash select/hostile/ran")


def shape(leg: IncomingCall) -> bytes:
    """The line's INVITE without what differs between two harmless calls."""
    wire = _CALLER.sub(b"CALLER", leg.request.encode())
    wire = re.sub(rb"((?:branch|tag)=|(?:Call-ID|CSeq|Content-Length): *)[^\s;]+", rb"\1", wire)
    return re.sub(rb"(?m)^(o=|m=audio |a=rtcp:).*$", rb"\1", wire)


def facts(one: CallDetail) -> tuple[object, ...]:
    """What a record says of a call, but for its times, its caller's number and name."""
    row = one.row
    return (
        (row.number, row.account_id, row.trunk_id, row.caller_kind, one.flow, row.keys, row.line_id, row.outcome),
        tuple((tried.line_id, tried.disposition) for tried in one.tried),
        tuple((leg.role, leg.line_id, leg.hangup_cause) for leg in one.legs),
        (one.hangup_cause, one.sip_status, bool(row.recording)),
        one.charge.amount if one.charge is not None else None,
    )


def records(box: LiveBox, asked: Mapping[str, Asked], within_s: float = 10.0) -> dict[str, CallDetail]:
    """The stored calls by their names in ``asked``, as soon as all are whole."""
    names = {what.caller or what.display: name for name, what in asked.items()}
    deadline = time.monotonic() + within_s
    while True:
        stored = ((one, names.get(one.row.caller or one.row.caller_name)) for one in box.stored(0, charged=False))
        found = {
            name: one
            for one, name in stored
            if name and (one.row.account_id is None or (one.charge is not None and len(one.legs) > 1))
        }
        if len(found) == len(asked):
            return found
        missing = asked.keys() - found.keys()
        assert time.monotonic() < deadline, (
            f"{missing} not stored; collector:\n{box.parts.log('collector')[-2000:]}"
        )
        time.sleep(0.25)


async def together(
    asked: Mapping[str, Asked], make: Callable[[Asked], Awaitable[None]], most: int = TOGETHER
) -> None:
    """Make all calls; every one that went wrong is named."""
    turn = asyncio.Semaphore(most)

    async def one(what: Asked) -> None:
        async with turn:
            await make(what)

    ends = await asyncio.gather(*(one(what) for what in asked.values()), return_exceptions=True)
    assert {name: end for name, end in zip(asked, ends, strict=True) if end is not None} == {}


async def dial(phone: Phone, box: LiveBox, what: Asked) -> OutgoingCall:
    return await phone.dial(
        what.called,
        box.sip,
        caller=what.caller,
        display=what.display,
        headers=what.headers,
        to_user=what.to_user,
        from_uri=what.from_uri,
    )


async def assert_unmoved(box: LiveBox, hostile: Mapping[str, Asked], harmless: Asked) -> None:
    """Each call hears the menu, presses 7 and talks to the first line: the same to that line and to the books."""
    asked = {HARMLESS: harmless, **hostile}
    async with (
        Phone() as phone,
        Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=900.0)) as first,
        Phone(port=box.port_b, on_invite=LineScript.busy()) as second,
    ):

        async def talk(what: Asked) -> None:
            call = await dial(phone, box, what)
            await call.answered(PATIENCE_S)
            await call.hears(1750, PATIENCE_S)
            for body in what.infos:
                # Whether the switch refuses it is its own affair.
                with contextlib.suppress(RequestFailed):
                    await call.press_info("", body=body)
            await call.press("7")
            await call.hears(900, PATIENCE_S)
            await call.hangup()

        await together(asked, talk)
        assert second.calls == []
        assert sorted(leg.caller for leg in first.calls) == sorted(
            what.caller or "anonymous" for what in asked.values()
        )
        assert {leg.called for leg in first.calls} == {"02160000001"}
        shapes = {shape(leg) for leg in first.calls}
        assert len(shapes) == 1, shapes
        assert not re.search(rb"(?mi)^X-", shapes.pop())
    one = await asyncio.to_thread(records, box, asked)
    row = one[HARMLESS].row
    assert (row.number, row.caller, row.keys, row.line_id) == (NUMBER, harmless.caller, (("ask", "7"),), "first")
    assert one[HARMLESS].flow.startswith("front")
    assert {name: facts(found) for name, found in one.items()} == dict.fromkeys(asked, facts(one[HARMLESS]))
    assert_nothing_ran(box)


async def test_a_display_name(box: LiveBox) -> None:
    hostile = {name: Asked(display=text) for name, text in armed(box, TEXTS).items()}
    await assert_unmoved(box, hostile, Asked(display="Plain"))


async def test_the_callers_number(box: LiveBox) -> None:
    """One that cannot be read is withheld."""
    hostile = {
        name: Asked("", display=name, from_uri=f"sip:{in_uri(text)}@carrier.invalid")
        for name, text in armed(box, TEXTS).items()
    }
    await assert_unmoved(box, hostile, Asked("", display=HARMLESS, from_uri="sip:guest@carrier.invalid"))


async def test_what_was_dialled_where_another_field_has_the_number(box: LiveBox) -> None:
    """The trunk may have it in To or in Diversion, too."""
    hostile = {}
    for name, text in armed(box, TEXTS).items():
        diversion = (("Diversion", f"<sip:{NUMBER}@carrier.invalid>;reason=unconditional"),)
        hostile[f"{name}, To"] = Asked(called=in_uri(text), to_user=NUMBER)
        hostile[f"{name}, Diversion"] = Asked(called=in_uri(text), headers=diversion)
    await assert_unmoved(box, hostile, Asked())


async def test_what_was_dialled_where_no_field_has_a_number(box: LiveBox) -> None:
    """It is refused as any unknown number is."""
    asked = {name: Asked(called=in_uri(text)) for name, text in armed(box, TEXTS).items()}
    asked[HARMLESS] = Asked(called="02188887777")
    async with Phone() as phone, Phone(port=box.port_a) as first, Phone(port=box.port_b) as second:

        async def be_refused(what: Asked) -> None:
            call = await dial(phone, box, what)
            with pytest.raises(CallFailed) as failed:
                await call.answered(20)
            assert failed.value.status == 404

        await together(asked, be_refused, REFUSED_TOGETHER)
        assert first.calls == second.calls == []
    one = await asyncio.to_thread(records, box, asked)
    row = one[HARMLESS].row
    assert (row.outcome, row.number, row.line_id) == ("refused:unknown-number", "", "")
    assert {name: facts(found) for name, found in one.items()} == dict.fromkeys(asked, facts(one[HARMLESS]))
    assert_nothing_ran(box)


async def test_headers_of_the_callers_own(box: LiveBox) -> None:
    hostile = {
        name: Asked(
            headers=(("X-Evil", text), ("X-FS-Support", text), ("X-gw_number", text), ("X-%0Agw_number", text))
        )
        for name, text in armed(box, TEXTS).items()
    }
    await assert_unmoved(box, hostile, Asked())


async def test_info_that_is_no_key(box: LiveBox) -> None:
    hostile = {name: Asked(infos=(body,)) for name, body in armed(box, INFOS).items()}
    await assert_unmoved(box, hostile, Asked())
