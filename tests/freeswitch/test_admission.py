"""Who gets in, and what a caller can write into a call without effect."""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePath

import pytest

from appliance.ops.doctor import send_request
from appliance.site import switchconf
from appliance.testphone import CallFailed, LineScript, Phone
from tests.freeswitch.scripted import Handlers, Leg, ring
from tests.support.freeswitch_server import PASSWORD, FreeSwitch
from tests.support.ports import free_udp_port

pytestmark = pytest.mark.freeswitch


async def refuse(leg: Leg) -> None:
    """A handler that looks at the call and refuses it."""
    await leg.connect()
    await leg.execute("hangup", "CALL_REJECTED")


async def test_only_addresses_on_the_list_get_in(tmp_path: Path) -> None:
    listed = free_udp_port()
    with FreeSwitch(tmp_path, accept=["192.0.2.0/24", f"127.0.0.1:{listed}"]) as switch:
        async with Phone() as stranger, Phone(port=listed) as carrier, Handlers(switch, refuse) as handlers:
            refused = await stranger.dial("4008001234", switch.sip_address)
            with pytest.raises(CallFailed) as failure:
                await refused.answered()
            assert failure.value.status == 403
            # A password is never asked for, so none can be guessed; credentials do not change a thing.
            credentials = {"Authorization": 'Digest username="a", realm="b", nonce="c", uri="d", response="e"'}
            refused = await stranger.dial("4008001234", switch.sip_address, headers=credentials)
            with pytest.raises(CallFailed) as failure:
                await refused.answered()
            assert failure.value.status == 403
            assert handlers.legs == []

            taken = await carrier.dial("4008001234", switch.sip_address, headers=credentials)
            with pytest.raises(CallFailed) as failure:
                await taken.answered()
            assert failure.value.status == 603
            assert len(handlers.legs) == 1
        # A refused stranger leaves no record either: he could fill the disk.
        assert set(switch.cdrs(1)) == {f"a_{handlers.legs[0].uuid}.cdr.json"}


async def test_a_trunk_that_is_added_gets_in_at_once(tmp_path: Path) -> None:
    async def status(phone: Phone) -> int | None:
        return (await (await phone.dial("4008001234", switch.sip_address)).ended()).status

    with FreeSwitch(tmp_path, accept=[]) as switch:
        async with Phone() as carrier, Handlers(switch, refuse):
            assert await status(carrier) == 403
            files = switchconf.render(switch.settings, PASSWORD, ["127.0.0.1"])
            changed = switchconf.write(files, tmp_path / "conf")
            assert changed == [PurePath("configuration/acl.conf.xml")]
            assert "+OK" in switch.api("reloadacl")
            assert await status(carrier) == 603


@pytest.mark.parametrize(
    ("method", "user", "content_type", "body"),
    [
        ("MESSAGE", "api+hash%20insert%2Ftest%2Fran%2F1", "text/plain", "x"),
        ("MESSAGE", "api+hash%2520insert%252Ftest%252Fran%252F1", "text/plain", "x"),
        ("INFO", "x", "freeswitch/api-request", "hash:insert/test/ran/1"),
    ],
)
def test_a_request_runs_no_command(
    switch: FreeSwitch, method: str, user: str, content_type: str, body: str
) -> None:
    # That the first and the last would work on a careless profile is shown in test_doctor.
    assert send_request(switch.sip_address, method, user, content_type, body) != "none"
    assert switch.api("hash select/test/ran").startswith("-ERR")


async def test_a_callers_headers_do_not_reach_the_line(switch: FreeSwitch) -> None:
    hostile = {
        "X-Evil": "evil-1",
        "X-FS-Support": "evil-2",
        "P-Evil": "evil-3",
        "P-Asserted-Identity": "<sip:evil-4@evil.example>",
        "Remote-Party-ID": "<sip:evil-5@evil.example>",
        "Diversion": "<sip:evil-6@evil.example>",
        "History-Info": "<sip:evil-7@evil.example>;index=1",
        "User-to-User": "evil-8",
        "Alert-Info": "<http://evil-9.example>",
        "Call-Info": "<http://evil-10.example>;purpose=icon",
        "Subject": "evil-11",
        "Reason": "SIP;cause=200;text=evil-12",
        "Referred-By": "<sip:evil-13@evil.example>",
        "Privacy": "id",
        "Geolocation": "<sip:evil-14@evil.example>",
    }

    async with (
        Phone(on_invite=LineScript.busy()) as line,
        Phone() as caller,
        Handlers(switch, ring(line)) as handlers,
    ):
        await (await caller.dial("4008001234", switch.sip_address, headers=hostile, display=b"evil-15")).ended()
    sent = line.calls[0].request.encode()
    assert b"evil" not in sent
    assert b"13800138000" not in sent  # not even the number, until a handler says so
    assert b"FreeSWITCH" not in sent
    # The handlers do see what the carrier wrote.
    assert handlers.legs[0].data["variable_sip_h_Diversion"] == hostile["Diversion"]
    assert handlers.legs[0].data["variable_sip_history_info"] == hostile["History-Info"]


@pytest.mark.parametrize(
    "display",
    [
        b"${system touch x}",
        b"%0d%0aX-Evil: 1",
        b"%0D%0AX-Evil: 1",
        b'x\\" <sip:9@9>;a=\\"',
        b"<sip:110@9>",
        "张三".encode("gbk"),
        b"z" * 500,
    ],
)
async def test_a_callers_name_is_only_text(switch: FreeSwitch, display: bytes) -> None:
    async with (
        Phone(on_invite=LineScript.answer(0.1, hang_up_after=0.2)) as line,
        Phone() as caller,
        Handlers(switch, ring(line)) as handlers,
    ):
        call = await caller.dial("4008001234", switch.sip_address, display=display)
        await call.answered()
        await call.ended()
    start = line.calls[0].request.need("From")
    assert start.startswith(b'"anonymous" <sip:anonymous@127.0.0.1>')
    assert line.calls[0].request.get("X-Evil") is None
    # It stays one header of the channel's data, whatever it holds.
    assert "X-Evil" not in handlers.legs[0].data
    assert handlers.legs[0].data["variable_sip_req_user"] == "4008001234"


@pytest.mark.parametrize(
    "called",
    ["handlers-gone", "handlers-try-1", "fallback", "$%7Bsystem%20id%7D", "%0d%0aX:%201", "4008001234%22%5B"],
)
async def test_what_is_dialled_chooses_no_way_through_the_dialplan(switch: FreeSwitch, called: str) -> None:
    async with Phone() as caller, Handlers(switch, refuse) as handlers:
        call = await caller.dial(called, switch.sip_address)
        ended = await call.ended()
    assert ended.status == 603
    (leg,) = handlers.legs
    assert leg.data["Caller-Context"] == "gateway"
    assert "variable_gw_losses" not in leg.data


async def test_more_calls_than_the_box_may_carry(tmp_path: Path) -> None:
    async def hold(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("answer")
        await leg.until_gone()

    # The switch counts the call that it is about to refuse (sofia_handle_sip_i_invite): of three, two get in.
    with FreeSwitch(tmp_path, max_calls=3) as switch:
        async with Phone() as caller, Handlers(switch, hold):
            held = [await caller.dial("4008001234", switch.sip_address) for _ in range(2)]
            for call in held:
                await call.answered()
            third = await caller.dial("4008001234", switch.sip_address)
            with pytest.raises(CallFailed) as failure:
                await third.answered()
            assert failure.value.status == 503
            await asyncio.gather(*(call.hangup() for call in held))
