"""What the handlers are told of an INVITE: every byte of it a caller's, none of it structure."""

from __future__ import annotations

import dataclasses

import pytest

from tests.contract.remote import RemoteLeg
from tests.contract.worlds import SwitchWorld

#: Display names and header values that have broken event-socket clients, or would be syntax to the switch.
HOSTILE = [
    "%0AUnique-ID: 00000000-0000-0000-0000-000000000000",
    "%0AContent-Length: 100000%0A%0A",
    "%0ACaller-Destination-Number: 4009999999%0A",
    "a%0D%0AReply-Text: -ERR b",
    "x\u2028Unique-ID: y\u2029z",
    "x\u0085Caller-Destination-Number: 4009999999",
    "${system id}",
    "${hangup_cause} $${domain}",
    "{a=b}[c=d]<e=f>,g|h^^:i=j",
    "it's 'quoted' \\x",
    "%%25%2",
]


async def test_the_facts_of_a_call(real: SwitchWorld) -> None:
    leg, _ = await real.call(
        "4008001234",
        caller="02160001111",
        display="Plain",
        to_user="95013",
        headers=[
            ("diversion", "<sip:4008005678@carrier.example>;reason=unconditional"),
            ("History-Info", "<sip:4008001234@carrier.example>;index=1"),
        ],
    )
    invite = leg.invite
    assert (invite.address, invite.port) == real.caller_phone.address
    assert (invite.request_user, invite.to_user) == ("4008001234", "95013")
    assert (invite.caller_number, invite.caller_name) == ("02160001111", "Plain")
    assert invite.diversion == "<sip:4008005678@carrier.example>;reason=unconditional"
    assert invite.history_info == "<sip:4008001234@carrier.example>;index=1"
    assert "joined" not in leg.notes_at_start


async def test_a_call_that_says_little(real: SwitchWorld) -> None:
    leg, _ = await real.call("4008001234", caller="13800138000")
    assert (leg.invite.diversion, leg.invite.history_info) == ("", "")
    assert leg.invite.caller_number == "13800138000"


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "gb18030"])
async def test_a_chinese_name_in_any_encoding(real: SwitchWorld, encoding: str) -> None:
    leg, caller = await real.call(display="测试用户".encode(encoding))
    assert leg.invite.caller_name == "测试用户"
    await leg.answer()
    await leg.play(real.prompt("short"))
    await caller.call.answered()


async def test_bytes_that_are_no_text(real: SwitchWorld) -> None:
    leg, caller = await real.call(display=b"a\xff\xfeb\x80")
    assert leg.invite.caller_name.startswith("a")
    await leg.answer()
    await leg.play(real.prompt("short"))
    await caller.call.answered()


def _only(name: str = "", diversion: str = "", number: str = "13800138000") -> dict[str, str]:
    """The texts of a call to 4008001234 that was given nothing else."""
    numbers = {"request_user": "4008001234", "to_user": "4008001234", "caller_number": number}
    return {**numbers, "caller_name": name, "diversion": diversion, "history_info": ""}


def _texts(leg: RemoteLeg) -> dict[str, str]:
    facts = dataclasses.asdict(leg.invite)
    return {name: fact for name, fact in facts.items() if name not in ("address", "port")}


def _comes_through(text: str) -> bool:
    """Whether FreeSWITCH hands a text on as it is: it leaves ``%0A`` unencoded, as if it were a newline
    (``switch_url_encode_opt``), and spoils or drops what looks like a variable (``switch_string_var_check``)."""
    return "%" not in text and "$" not in text


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_display_name_moves_nothing(real: SwitchWorld, text: str) -> None:
    leg, caller = await real.call("4008001234", display=text)
    assert _texts(leg) == _only(name=leg.invite.caller_name)
    if _comes_through(text):
        assert leg.invite.caller_name.replace("\\", "") == text.replace("\\", "")
    await leg.note(seen="name")
    await leg.answer()
    await leg.play(real.prompt("short"))
    await leg.hang_up()
    assert (await real.cdr(leg.uuid))["gw_seen"] == "name"
    assert caller.call.answered_at is not None


@pytest.mark.parametrize("text", HOSTILE)
async def test_headers_move_nothing(real: SwitchWorld, text: str) -> None:
    leg, _ = await real.call("4008001234", headers=[("X-Odd", text), ("Diversion", f"<sip:1@x>;x={text}")])
    assert _texts(leg) == _only(name="13800138000", diversion=leg.invite.diversion)
    if _comes_through(text):
        assert leg.invite.diversion == f"<sip:1@x>;x={text}"
    await leg.answer()
    await leg.play(real.prompt("short"))


@pytest.mark.parametrize("user", ["%0AUnique-ID%3A%20x", "%24%7Bsystem%20id%7D", "400$1", "a;b=c"])
async def test_the_callers_number_moves_nothing(real: SwitchWorld, user: str) -> None:
    leg, _ = await real.call("4008001234", from_uri=f"sip:{user}@127.0.0.1:{real.caller_phone.port}")
    assert _texts(leg) == _only(name=leg.invite.caller_name, number=leg.invite.caller_number)
    await leg.answer()
    await leg.play(real.prompt("short"))
