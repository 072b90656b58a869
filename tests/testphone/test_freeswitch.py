"""The phone and FreeSWITCH understand each other: a switch with a configuration of a few lines."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.testphone import CallFailed, LineScript, Phone, RequestFailed
from tests.support.audio import assert_tone, segments
from tests.support.freeswitch import require_freeswitch
from tests.support.ports import HOST, free_rtp_range, free_udp_port
from tests.support.process import Process

pytestmark = pytest.mark.freeswitch

MODULES = ("console", "commands", "dptools", "dialplan_xml", "sofia", "tone_stream", "sndfile")
EXTENSIONS = {
    "echo": ["answer", "echo"],
    "menu": [
        "answer",
        "play_and_get_digits 1 1 1 3000 # tone_stream://%(5000,0,440) silence_stream://100 got \\d 1000",
        "hangup USER_BUSY",
    ],
    "early": ["pre_answer", "playback tone_stream://%(500,0,600)", "respond 486"],
    "reg": ["bridge user/1001@127.0.0.1"],
    "b(\\d+)": ["ring_ready", "set hangup_after_bridge=true", "bridge [leg_timeout=1]sofia/test/line@127.0.0.1:$1"],
}


def _params(**values: object) -> str:
    return "".join(f'<param name="{name.replace("_", "-")}" value="{value}"/>' for name, value in values.items())


def _configuration(sip_port: int, rtp: tuple[int, int]) -> str:
    modules = "".join(f'<load module="mod_{name}"/>' for name in MODULES)
    profile = _params(
        sip_ip=HOST, rtp_ip=HOST, sip_port=sip_port, context="public", dialplan="XML", auth_calls="false",
        codec_prefs="PCMA,PCMU", rtp_timer_name="soft", force_register_domain=HOST, force_register_db_domain=HOST,
        challenge_realm=HOST,
    )  # fmt: skip
    switch = _params(rtp_start_port=rtp[0], rtp_end_port=rtp[1], max_sessions=20, sessions_per_second=20)
    extensions = ""
    for name, steps in EXTENSIONS.items():
        actions = "".join(
            f'<action application="{app}" data="{data}"/>' for app, _, data in (s.partition(" ") for s in steps)
        )
        extensions += (
            f'<extension name="x"><condition field="destination_number" expression="^{name}$">{actions}'
            "</condition></extension>"
        )
    dial = "{sip_invite_domain=127.0.0.1}${sofia_contact(${dialed_user}@${dialed_domain})}"
    return f"""<document type="freeswitch/xml"><section name="configuration">
<configuration name="modules.conf"><modules>{modules}</modules></configuration>
<configuration name="console.conf"><mappings><map name="all" value="notice,warning,err,crit,alert"/></mappings>
<settings>{_params(colorize="false", loglevel="notice")}</settings></configuration>
<configuration name="switch.conf"><settings>{switch}</settings></configuration>
<configuration name="sofia.conf"><profiles><profile name="test"><settings>{profile}</settings></profile>
</profiles></configuration></section>
<section name="directory"><domain name="{HOST}"><params>{_params(dial_string=dial)}</params>
<groups><group name="g"><users><user id="1001"><params>{_params(password="secret")}</params></user></users></group>
</groups></domain></section>
<section name="dialplan"><context name="public">{extensions}</context></section></document>"""


@dataclass(frozen=True)
class Switch:
    """Where the switch takes calls."""

    address: tuple[str, int]


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    program = require_freeswitch()
    folder: Path = tmp_path_factory.mktemp("freeswitch")
    port = free_udp_port()
    (folder / "freeswitch.xml").write_text(_configuration(port, free_rtp_range(20)))
    command: list[str | Path] = [program, "-nonat", "-np", "-nf", "-nc"]
    for option in ("-conf", "-log", "-db", "-run"):
        command += [option, folder]
    with Process(command) as process:
        _wait_for_sip(port, process)
        yield Switch((HOST, port))
        process.stop(0.2)  # an orderly end takes five seconds and keeps nothing that is needed


def _wait_for_sip(port: int, process: Process) -> None:
    """Sends REGISTER until it is challenged: while it starts, FreeSWITCH answers 503 (but OPTIONS with 200)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        probe.settimeout(0.2)
        own = probe.getsockname()[1]
        deadline, number = time.monotonic() + 15, 0
        while time.monotonic() < deadline and process.returncode is None:
            number += 1  # and a new branch: a repetition would be given the 503 again
            text = (
                f"REGISTER sip:{HOST} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:{own};branch=z9hG4bKup{number}\r\n"
                f"From: <sip:up@{HOST}>;tag=1\r\nTo: <sip:up@{HOST}>\r\nCall-ID: up\r\nCSeq: {number} REGISTER\r\n"
                f"Contact: <sip:up@{HOST}:{own}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            )
            try:
                probe.sendto(text.encode(), (HOST, port))
                if probe.recv(4096).startswith(b"SIP/2.0 401"):
                    return
            except OSError:
                pass  # nothing listens yet
            time.sleep(0.1)
    raise process.failure("FreeSWITCH did not challenge a REGISTER")


async def test_echo_and_menu(switch: Switch) -> None:
    async with Phone() as phone:
        call = await phone.dial("echo", switch.address)
        await call.answered()
        call.say(500)
        await call.hears(500)
        await call.hangup()

        call = await phone.dial("menu", switch.address)
        await call.answered()
        await call.hears(440)
        await call.press("7")
        ended = await call.ended(2.0)  # the key ends a prompt of five seconds
        assert (ended.by, ended.cause) == ("them", 17)


async def test_early_media_and_refusal(switch: Switch) -> None:
    async with Phone() as phone:
        call = await phone.dial("early", switch.address)
        await call.early_media()
        with pytest.raises(CallFailed) as failed:
            await call.answered()
        assert (failed.value.status, failed.value.cause) == (486, 17)
        assert 0.4 < sum(end - start for start, end in segments(call.heard, 600)) < 0.6


async def test_bridge_between_two_phones(switch: Switch) -> None:
    name = "张三".encode("gbk")
    async with Phone() as phone, Phone(on_invite=LineScript.answer(0.2, say=600)) as line:
        call = await phone.dial(f"b{line.port}", switch.address, display=name, headers={"Diversion": "<sip:4@h>"})
        await call.ringing()
        await call.answered()
        call.say(700)
        leg = await line.incoming()
        assert (leg.caller, leg.display, leg.request.get("Diversion")) == ("13800138000", name, b"<sip:4@h>")
        await leg.hears(700)
        await call.hears(600)
        await call.press("12")
        await leg.hears_keys("12")
        await leg.press("9")
        await call.hears_keys("9")
        await asyncio.sleep(0.45)
        await leg.hangup()
        assert (await call.ended()).by == "them"
        assert leg.end is not None and leg.end.by == "us"
        assert_tone(leg.heard, 700, leg.dtmf_heard[-1].at + 0.2, leg.dtmf_heard[-1].at + 0.4)


@pytest.mark.parametrize(
    ("script", "cause"), [(LineScript.busy(), 17), (LineScript.reject(), 21), (LineScript.not_found(), 1)]
)
async def test_refusals_pass_through(switch: Switch, script: LineScript, cause: int) -> None:
    async with Phone() as phone, Phone(on_invite=script) as line:
        call = await phone.dial(f"b{line.port}", switch.address)
        with pytest.raises(CallFailed) as failed:
            await call.answered()
        assert failed.value.cause == cause
        (leg,) = line.calls
        assert (await leg.ended()).by == "us"


async def test_caller_gives_up(switch: Switch) -> None:
    async with Phone() as phone, Phone(on_invite=LineScript.no_answer()) as line:
        call = await phone.dial(f"b{line.port}", switch.address)
        await call.ringing()
        leg = await line.incoming()
        await call.hangup()
        assert (await leg.ended()).by == "them"
        assert leg.cancelled


async def test_registered_phone_is_reached(switch: Switch) -> None:
    async with Phone() as phone, Phone(on_invite=LineScript.answer()) as line:
        with pytest.raises(RequestFailed, match="403"):
            await line.register(switch.address, "1001", "wrong")
        await line.register(switch.address, "1001", "secret")
        call = await phone.dial("reg", switch.address)
        await call.answered()
        assert line.calls[0].called == "1001"
        await call.hangup()
        await line.register(switch.address, "1001", "secret", expires=0)
