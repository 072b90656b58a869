"""What a switch must bear: strangers, broken messages, silence, and its own end."""

from __future__ import annotations

import queue
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.miniswitch.harness import Handlers, SwitchProcess, answered, dial_string
from tests.miniswitch.sip_phone import Message, NothingCame, Phone


def ask(phone: Phone, switch: SwitchProcess, method: str, extra: str = "", body: str = "") -> Message:
    """Send a request outside every call and return what comes."""
    mark = f"{random.getrandbits(48):x}"
    phone.send(
        f"{method} sip:400@127.0.0.1:{switch.address[1]} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{phone.port};"
        f"branch=z9hG4bK{mark}\r\nFrom: <sip:1@127.0.0.1>;tag=1\r\nTo: <sip:400@127.0.0.1>\r\nCall-ID: {mark}\r\n"
        f"CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContact: <sip:1@127.0.0.1:{phone.port}>\r\n{extra}"
        f"Content-Length: {len(body)}\r\n\r\n{body}",
        switch.address,
    )
    try:
        return phone.stray.get(timeout=3)
    except queue.Empty:
        raise NothingCame(f"no answer to {method}") from None


def test_requests_outside_a_call(switch: SwitchProcess, caller: Phone, tmp_path: Path) -> None:
    """OPTIONS is answered; a MESSAGE that would be a command is refused and runs nothing."""
    answer = ask(caller, switch, "OPTIONS")
    assert answer.status == 200
    assert "INVITE" in answer.get("Allow")
    victim = tmp_path / "ran"
    body = f"system touch {victim}"
    for extra in ("Content-Type: text/plain\r\n", "Content-Type: api/command\r\n"):
        assert ask(caller, switch, "MESSAGE", extra, body).status in (403, 405)
    for method in ("SUBSCRIBE", "NOTIFY", "REGISTER", "PUBLISH", "REFER", "IN"):
        assert ask(caller, switch, method).status == 405
    assert ask(caller, switch, "BYE").status == 481
    assert not victim.exists()


def test_options_within_a_call(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """The way many trunks ask whether a call is still there."""
    dialog, control = answered(caller, handlers, switch)
    dialog.request("OPTIONS")
    dialog.wait(200)
    dialog.request("MESSAGE", "Content-Type: text/plain\r\n", "")
    dialog.wait(405)
    control.run("set", "a=1")
    assert control.get("a") == "1"
    dialog.bye()


def test_a_stranger_is_refused(switch: SwitchProcess, phone: Callable[..., Phone]) -> None:
    """An INVITE from an address that is not on the list never becomes a call."""
    so_far = re.compile(r"\d+ session\(s\) since startup")
    before = so_far.findall(switch.api("status"))
    stranger = phone(host="127.0.0.2")
    stranger.call("400", switch.address).wait(403)
    assert before == so_far.findall(switch.api("status"))
    assert before
    assert not any("127.0.0.2" in path.read_text(encoding="utf-8") for path in switch.spool.iterdir())


def test_an_invite_without_sound_that_we_speak(switch: SwitchProcess, caller: Phone) -> None:
    """No G.711, no audio, no description at all: 488."""
    other = caller.sdp("18 101").replace(
        "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n", "a=rtpmap:18 G729/8000\r\n"
    )
    for body in (other, caller.sdp().replace("m=audio", "m=video"), "v=0\r\n", ""):
        caller.call("400", switch.address, body=body).wait(488)


def test_a_name_in_gbk_and_a_name_that_would_be_a_header(
    switch: SwitchProcess, handlers: Handlers, caller: Phone
) -> None:
    """Bytes that are not UTF-8 travel as they are; an encoded newline stays encoded."""
    name = "中国".encode("gbk").decode("utf-8", "surrogateescape")
    dialog, control = answered(caller, handlers, switch, name=name)
    assert control.data["Caller-Caller-ID-Name"] == name
    dialog.bye()
    assert switch.variables(control.uuid)["sip_from_display"] == name

    dialog = caller.call(
        "400",
        switch.address,
        name="公司 %0ACaller-Destination-Number: 999",
        extra="DIVERSION: <sip:1@h>;a=b,\r\n <sip:2@h>\r\n",
    )
    control = handlers.take()
    data = control.command("connect")
    assert data["Caller-Destination-Number"] == "400"
    assert data["variable_sip_h_DIVERSION"] == "%3Csip%3A1%40h%3E%3Ba%3Db,%20%3Csip%3A2%40h%3E"
    assert "%0ACaller-Destination-Number%3A" in data["Caller-Caller-ID-Name"]
    control.hangup()
    dialog.wait(480)


def test_broken_messages(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Whatever comes, the next call is taken."""
    chance = random.Random(400)
    good = (
        f"INVITE sip:400@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{caller.port};branch=z9hG4bK1\r\n"
        f"From: <sip:1@127.0.0.1>;tag=1\r\nTo: <sip:400@127.0.0.1>\r\nCall-ID: CALL\r\nCSeq: 1 INVITE\r\n"
        f"Contact: <sip:1@127.0.0.1:{caller.port};transport=UDP>\r\nContent-Type: application/sdp\r\n"
        f"Content-Length: 9999\r\n\r\n{caller.sdp()}"
    ).encode()
    bad = [b"", b"\0" * 40, b"INVITE", good[:200], good.replace(b"Via", b"X"), good.replace(b"sip:1@", b"tel:1@")]
    bad += [good.replace(b"CSeq: 1 INVITE", b"CSeq: x"), good.replace(b"<sip:1@127", b"<sip:\xff\xfe@127")]
    bad += [good.replace(b"Contact: <sip:1@127.0.0.1", b"Contact: <sip:1@no.such.host.invalid")]
    bad += [re.sub(rb"Contact:[^\r]*\r\n", b"", good), good.replace(b"transport=UDP", b"transport=tls")]
    for number in range(300):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        bad.append(bytes(data).replace(b"CALL", b"fuzz%d" % number))
    for data in bad:
        caller.socket.sendto(data, switch.address)
        time.sleep(0.002)
    time.sleep(0.5)
    assert switch.process.poll() is None
    while not handlers.calls.empty():
        handlers.take().close()
    dialog, _ = answered(caller, handlers, switch)
    dialog.bye()


def test_broken_rtp(switch: SwitchProcess, handlers: Handlers, caller: Phone, phone: Callable[..., Phone]) -> None:
    """Broken packets, and packets from elsewhere, change nothing: no key is heard in them."""
    dialog, control = answered(caller, handlers, switch)
    assert dialog.rtp_peer is not None
    control.start("play_and_get_digits", "1 1 1 1000 # silence_stream://1500 silence_stream://20 key [0-9] 300")
    chance = random.Random(7)
    for _ in range(200):
        caller.media.sendto(chance.randbytes(chance.randrange(60)), dialog.rtp_peer)
    stranger = phone(host="127.0.0.2")
    stranger.dialogs[dialog.call_id] = dialog
    for end in (0, 1, 1):
        packet = bytes([0x80, 101, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5, 10 | end << 7, 3, 32])
        stranger.media.sendto(packet, dialog.rtp_peer)
    control.wait()
    assert control.get("key") == ""
    dialog.bye()


def test_silence_has_a_limit(tmp_path: Path, phone: Callable[..., Phone]) -> None:
    """No RTP for a while ends a call; one that has RTP goes on, and one on hold for ten times as long."""
    handlers = Handlers()
    process = SwitchProcess(tmp_path, handlers, media_timeout_s=1)
    try:
        quiet, one = answered(phone(), handlers, process)
        talking, two = answered(phone(), handlers, process)
        holding = phone()
        held, three = answered(holding, handlers, process)
        held.request("INVITE", body=holding.sdp(direction="sendonly"))
        held.wait(200)
        held.request("ACK", cseq=held.cseq)
        talking.speak(b"\xd5" * 160, 150)
        quiet.wait("BYE", 0.5)
        ours = process.variables(one.uuid)
        assert ours["hangup_cause"] == "MEDIA_TIMEOUT"
        assert 1000 < int(ours["billmsec"]) < 2500
        for dialog, control in ((talking, two), (held, three)):
            control.run("set", "a=1")
            dialog.bye()
            assert process.variables(control.uuid)["hangup_cause"] == "NORMAL_CLEARING"
    finally:
        process.kill()
        handlers.close()


def test_the_maximum_duration(switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone) -> None:
    """The application counts from then, in a prompt and in a talk."""
    for application, argument in (("playback", "silence_stream://9000"), ("bridge", dial_string(line))):
        dialog, control = answered(caller, handlers, switch)
        control.run("sched_hangup", "+1 ALLOTTED_TIMEOUT")
        control.start(application, argument)
        if application == "bridge":
            line.wait_call().accept()
        dialog.wait("BYE", 3)
        control.wait()
        control.ended()
        ours = switch.variables(control.uuid)
        assert ours["hangup_cause"] == "ALLOTTED_TIMEOUT"
        # FreeSWITCH counts in whole seconds.
        assert 100 <= int(ours["billmsec"]) < 2500


def test_the_end_of_the_switch(tmp_path: Path, phone: Callable[..., Phone]) -> None:
    """SIGTERM hangs up what is there, writes the records, and the exit status is 0."""
    handlers = Handlers()
    process = SwitchProcess(tmp_path, handlers)
    try:
        line = phone()
        talking, one = answered(phone(), handlers, process)
        one.start("bridge", dial_string(line))
        leg = line.wait_call()
        leg.accept()
        line_uuid = process.joined(one.uuid)
        ringing = phone().call("400", process.address)
        two = handlers.call(ringing)
        assert process.stop() == 0
        talking.wait("BYE")
        leg.wait("BYE")
        assert ringing.wait(480).status == 480
        for uuid, caller in ((one.uuid, True), (two.uuid, True), (line_uuid, False)):
            assert process.variables(uuid, caller)["hangup_cause"] == "SYSTEM_SHUTDOWN"
    finally:
        process.kill()
        handlers.close()


def test_a_configuration_that_cannot_be_used(tmp_path: Path) -> None:
    """A clear word on stderr, status 2, nothing on stdout."""
    handlers = Handlers()
    with pytest.raises(AssertionError, match="unknown key: sipport"):
        SwitchProcess(tmp_path, handlers, sipport=1)
    handlers.close()
