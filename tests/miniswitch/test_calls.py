"""Calls through the embedded switch, end to end: SIP, RTP, the handlers' socket, records."""

from __future__ import annotations

import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from appliance.miniswitch import g711
from tests.miniswitch.harness import Handlers, SwitchProcess, answered, dial_string, eventually
from tests.miniswitch.sip_phone import Dialog, Phone

TONE_A = g711.encode(8, (np.sin(np.arange(160) / 160 * 2 * np.pi * 10) * 12000).astype(np.int16))
TONE_B = g711.encode(8, (np.sin(np.arange(160) / 160 * 2 * np.pi * 20) * 6000).astype(np.int16))
TONE_ULAW = g711.encode(0, (np.sin(np.arange(160) / 160 * 2 * np.pi * 10) * 12000).astype(np.int16))


def loud(data: bytes, law: int = 8) -> bool:
    """Whether a frame holds sound."""
    return len(data) == 160 and int(np.abs(g711.decode(law, data).astype(int)).max()) > 1000


def test_a_call_from_ring_to_record(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone, tmp_path: Path
) -> None:
    """Answer, ask for a key, record, join, part, hang up: and two records that agree with it."""
    dialog, control = answered(caller, handlers, switch)
    assert control.data["Caller-Destination-Number"] == "4008001234"
    assert control.data["Caller-Caller-ID-Number"] == "13800138000"
    assert control.data["Answer-State"] == "ringing"
    assert control.data["variable_sip_network_port"] == str(caller.port)
    assert "variable_start_uepoch" not in control.data
    control.run("multiset", "^^;gw_number=4008001234;gw_line=L1;gw_private=no")
    mark = control.start(
        "play_and_get_digits", "1 1 1 3000 # silence_stream://3000 silence_stream://100 pressed [1-3] 1000"
    )
    dialog.press("1")
    assert control.wait(mark)["variable_pressed"] == "1"
    for pair in ("RECORD_STEREO=true", "RECORD_BRIDGE_REQ=true", "originate_disposition=LINE_FULL"):
        control.run("set", pair)
    path = tmp_path / "made" / "here" / "call.wav"
    control.run("record_session", str(path))
    time.sleep(0.2)  # not joined yet: this must not be in the recording
    mark = control.start("limit_execute", f"hash line L1 1 bridge {dial_string(line, leg_timeout='5')}")
    leg = line.wait_call()
    leg.respond(180)
    leg.accept()
    joined = control.event("CHANNEL_BRIDGE")
    line_uuid = joined["Bridge-B-Unique-ID"]
    caller.heard.clear()
    leg.speak(TONE_B, 40)
    assert any(loud(payload) for _, kind, payload in caller.heard if kind == 8)
    dialog.speak(TONE_A, 40)
    leg.bye()
    done = control.wait(mark)
    assert done["variable_originate_disposition"] == "SUCCESS"
    assert done["variable_last_bridge_to"] == line_uuid
    assert done["variable_last_bridge_hangup_cause"] == "NORMAL_CLEARING"
    assert done["Application"] == "limit_execute"
    assert switch.api("limit_usage hash line L1") == "0"
    control.run("stop_record_session", str(path))
    control.hangup()
    dialog.wait("BYE")

    ours, theirs = switch.variables(control.uuid), switch.variables(line_uuid, caller=False)
    assert ours["gw_number"] == "4008001234"
    assert ours["digits_dialed"] == "1"
    assert ours["bridge_uuid"] == line_uuid
    assert theirs["originator"] == theirs["call_uuid"] == control.uuid
    assert (theirs["gw_number"], theirs["gw_line"], ours["gw_joined"]) == ("4008001234", "L1", "true")
    assert "gw_private" not in theirs
    assert theirs["sip_hangup_disposition"] == "recv_bye"
    assert theirs["hangup_cause_q850"] == "16"
    assert ours["sip_hangup_disposition"] == "send_bye"
    assert int(ours["start_uepoch"]) < int(ours["answer_uepoch"]) < int(ours["bridge_uepoch"])
    assert int(ours["bridge_uepoch"]) < int(theirs["end_uepoch"]) < int(ours["end_uepoch"])

    with wave.open(str(path)) as recording:
        assert recording.getparams()[:3] == (2, 2, 8000)
        sound = np.frombuffer(recording.readframes(recording.getnframes()), "<i2").reshape(-1, 2)
    talk = (int(theirs["end_uepoch"]) - int(ours["bridge_uepoch"])) / 1_000_000
    assert abs(len(sound) / 8000 - talk) < 0.06
    first, second = sound[: len(sound) // 2], sound[len(sound) // 2 :]
    assert np.abs(first[:, 1]).max() > 4000 > 500 > np.abs(first[:4000, 0]).max()
    assert np.abs(second[:, 0]).max() > 8000


def test_sound_and_keys_pass_between_the_two_laws(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone
) -> None:
    """A caller in A-law with keys on 96, a line in mu-law with keys on 101: both are translated."""
    dialog, control = answered(caller, handlers, switch, event=96, formats="8 96")
    mark = control.start("bridge", dial_string(line))
    leg = line.wait_call()
    leg.accept(formats="0 101")
    control.event("CHANNEL_BRIDGE")
    leg.audio_type = 0
    line.heard.clear()
    dialog.speak(TONE_A, 15)
    dialog.press("7")
    time.sleep(0.1)
    assert {kind for _, kind, _ in line.heard} == {0, 101}
    assert sum(loud(payload, 0) for _, kind, payload in line.heard if kind == 0) >= 10
    keys = [payload for _, kind, payload in line.heard if kind == 101]
    assert {payload[0] for payload in keys} == {7}
    assert any(payload[1] & 0x80 for payload in keys)
    caller.heard.clear()
    leg.speak(TONE_ULAW, 15)
    assert sum(loud(payload) for _, kind, payload in caller.heard if kind == 8) >= 10
    leg.bye()
    control.wait(mark)
    # The key was for the line: it does not answer our next question.
    done = control.run(
        "play_and_get_digits", "1 1 1 1000 # silence_stream://20 silence_stream://20 late [0-9] 1000"
    )
    assert "variable_late" not in done
    dialog.bye()
    assert switch.variables(control.uuid)["sip_hangup_disposition"] == "recv_bye"


@pytest.mark.parametrize(
    ("status", "cause", "q850"),
    [
        (486, "USER_BUSY", "17"),
        (480, "NO_USER_RESPONSE", "18"),
        (404, "UNALLOCATED_NUMBER", "1"),
        (603, "CALL_REJECTED", "21"),
        (503, "NORMAL_TEMPORARY_FAILURE", "41"),
    ],
)
def test_a_line_that_refuses(
    switch: SwitchProcess,
    handlers: Handlers,
    caller: Phone,
    line: Phone,
    status: int,
    cause: str,
    q850: str,
) -> None:
    """The disposition is FreeSWITCH's for that status, and the call goes on."""
    dialog, control = answered(caller, handlers, switch)
    mark = control.start("bridge", dial_string(line))
    line.wait_call().respond(status)
    done = control.wait(mark)
    assert done["variable_originate_disposition"] == cause
    assert done["variable_last_bridge_proto_specific_hangup_cause"] == f"sip:{status}"
    leg = done["variable_originate_causes"].split(";")[0]
    theirs = switch.variables(leg, caller=False)
    assert (theirs["sip_term_status"], theirs["hangup_cause_q850"]) == (str(status), q850)
    assert (theirs["billmsec"], theirs["sip_hangup_disposition"]) == ("0", "recv_refuse")
    control.hangup()
    dialog.wait("BYE")


def test_a_line_that_does_not_answer(switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone) -> None:
    """`leg_timeout` gives the leg up, with the cause that FreeSWITCH gives: ALLOTTED_TIMEOUT."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "ringback=%(1000,4000,450)")
    mark = control.start("bridge", dial_string(line, leg_timeout="1"))
    leg = line.wait_call()
    leg.respond(180)
    assert any(loud(payload) for _, _, payload in caller.hears(0.5))
    leg.wait("CANCEL")
    assert control.wait(mark)["variable_originate_disposition"] == "ALLOTTED_TIMEOUT"
    control.run("set", "originate_timeout=1")
    mark = control.start("bridge", dial_string(line))
    line.wait_call().respond(180)
    assert control.wait(mark)["variable_originate_disposition"] == "NO_ANSWER"
    dialog.bye()


def test_a_line_where_nobody_listens(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """A closed port is known at once, not after SIP's 32 seconds."""
    dialog, control = answered(caller, handlers, switch)
    closed = Phone()
    closed.close()
    start = time.monotonic()
    done = control.run("bridge", dial_string(closed))
    assert done["variable_originate_disposition"] == "NORMAL_TEMPORARY_FAILURE"
    assert time.monotonic() - start < 2
    dialog.bye()


def test_the_first_of_two_lines_wins(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, phone: Callable[..., Phone]
) -> None:
    """Both ring; the one that answers is joined and the other one is cancelled."""
    one, two = phone(), phone()
    dialog, control = answered(caller, handlers, switch)
    mark = control.start("bridge", f"{dial_string(one, '1')},{dial_string(two, '2')}")
    first, second = one.wait_call(), two.wait_call()
    first.respond(180)
    second.respond(180)
    second.accept()
    reason = first.wait("CANCEL").get("Reason")
    assert "200" in reason
    joined = control.event("CHANNEL_BRIDGE")
    assert joined["Other-Leg-Destination-Number"] == "2"
    second.bye()
    assert control.wait(mark)["variable_originate_disposition"] == "SUCCESS"
    dialog.bye()


def test_the_line_sees_the_number_and_header_that_we_chose(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone
) -> None:
    """`effective_caller_id_…` and `sip_h_Diversion` reach the line, and no header of the caller does."""
    dialog, control = answered(caller, handlers, switch, extra="X-Secret: 1\r\n")
    assert control.data["variable_sip_h_X-Secret"] == "1"
    control.start("bridge", dial_string(line))
    unsaid = line.wait_call()
    assert unsaid.invite is not None
    assert "anonymous" in unsaid.invite.get("From")
    unsaid.respond(486)
    control.run("multiset", "^^;effective_caller_id_number=4008001234;effective_caller_id_name=Shop")
    control.start("bridge", dial_string(line, sip_h_Diversion="<sip:4008001234@127.0.0.1>"))
    invite = line.wait_call().invite
    assert invite is not None
    assert "sip:4008001234@" in invite.get("From")
    assert invite.get("From").startswith(("Shop", '"Shop"'))
    assert invite.get("Diversion") == "<sip:4008001234@127.0.0.1>"
    assert not invite.get("X-Secret")
    dialog.bye()


def test_a_caller_who_hangs_up_while_it_rings(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone
) -> None:
    """The line is cancelled, both records say why, the handler is told."""
    dialog, control = answered(caller, handlers, switch)
    control.start("bridge", dial_string(line))
    leg = line.wait_call()
    leg.respond(180)
    dialog.bye()
    leg.wait("CANCEL")
    with pytest.raises(EOFError):
        while True:
            control.frame()
    ours = switch.variables(control.uuid)
    assert (ours["hangup_cause"], ours["originate_disposition"]) == ("NORMAL_CLEARING", "ORIGINATOR_CANCEL")
    theirs = switch.variables(ours["originate_causes"].split(";")[0], caller=False)
    assert (theirs["hangup_cause"], theirs["sip_hangup_disposition"]) == ("ORIGINATOR_CANCEL", "send_cancel")


def test_a_caller_who_cancels(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """An unanswered call that the caller gives up."""
    dialog = caller.call("400", switch.address)
    control = handlers.call(dialog)
    control.run("ring_ready")
    dialog.wait(180)
    dialog.cancel()
    dialog.wait(487)
    ours = switch.variables(control.uuid)
    assert (ours["sip_hangup_disposition"], ours["hangup_cause"]) == ("recv_cancel", "ORIGINATOR_CANCEL")
    assert ours["billmsec"] == ours["answer_uepoch"] == "0"


def test_a_refusal_with_an_announcement(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Early media, an announcement, then the status that the handler chose."""
    dialog = caller.call("400", switch.address)
    control = handlers.call(dialog)
    control.run("pre_answer")
    assert "m=audio" in dialog.wait(183).body
    caller.heard.clear()
    assert control.run("playback", "tone_stream://%(300,0,800)")["Application-Response"] == "FILE PLAYED"
    assert any(loud(payload) for _, _, payload in caller.heard)
    control.start("respond", "486 Busy Here")
    assert dialog.wait(486).get("Reason").startswith("Q.850")
    assert switch.variables(control.uuid)["hangup_cause"] == "USER_BUSY"


@pytest.mark.parametrize(
    ("cause", "status"), [("USER_BUSY", 486), ("NO_ROUTE_DESTINATION", 404), ("NORMAL_TEMPORARY_FAILURE", 503)]
)
def test_the_caller_sees_the_cause_as_a_status(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, cause: str, status: int
) -> None:
    """A call hung up unanswered."""
    dialog = caller.call("400", switch.address)
    handlers.call(dialog).hangup(cause)
    dialog.wait(status)


def keys_during(dialog: Dialog, keys: str, delay: float = 0.3) -> None:
    """Press keys one after the other."""
    for key in keys:
        time.sleep(delay)
        dialog.press(key)


def test_keys(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Terminators of a playback; a key that does not match; silence; several keys."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "playback_terminators=#3")
    start = time.monotonic()
    mark = control.start("playback", "silence_stream://5000")
    keys_during(dialog, "13")
    done = control.wait(mark)
    assert (done["variable_playback_terminator_used"], done["Application-Response"]) == ("3", "FILE PLAYED")
    assert time.monotonic() - start < 2

    mark = control.start(
        "play_and_get_digits", "1 1 2 2000 # silence_stream://400 silence_stream://100 one [1-3] 1000"
    )
    keys_during(dialog, "92")
    done = control.wait(mark)
    assert (done["variable_one"], done["variable_one_invalid"]) == ("2", "9")

    done = control.run(
        "play_and_get_digits", "1 1 1 1000 # silence_stream://100 silence_stream://100 one [1-3] 500"
    )
    assert "variable_one" not in done
    assert done["variable_read_result"] == "failure"

    mark = control.start(
        "play_and_get_digits", "1 8 1 2000 # silence_stream://100 silence_stream://100 many .+ 2000"
    )
    keys_during(dialog, "4711#", 0.15)
    assert control.wait(mark)["variable_many"] == "4711"
    mark = control.start(
        "play_and_get_digits", "1 1 1 2000 # silence_stream://100 silence_stream://100 info [0-9] 500"
    )
    dialog.request("INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=6\r\nDuration=160\r\n")
    assert control.wait(mark)["variable_info"] == "6"
    dialog.bye()
    assert switch.variables(control.uuid)["digits_dialed"] == "13924711#6"


def test_files_that_are_not_there(switch: SwitchProcess, handlers: Handlers, caller: Phone, tmp_path: Path) -> None:
    """A missing file and one that is no sound are said to be so; a WAV is heard."""
    dialog, control = answered(caller, handlers, switch)
    (tmp_path / "text.wav").write_text("not a sound", encoding="utf-8")
    for name in (tmp_path / "none.wav", tmp_path / "text.wav", tmp_path):
        assert control.run("playback", str(name))["Application-Response"] == "FILE NOT FOUND"
    with wave.open(str(tmp_path / "wide.wav"), "wb") as file:
        file.setparams((2, 2, 16000, 0, "NONE", ""))
        tone = (np.sin(np.arange(8000) / 16000 * 2 * np.pi * 400) * 9000).astype("<i2")
        file.writeframes(np.column_stack([tone, tone]).tobytes())
    caller.heard.clear()
    start = time.monotonic()
    control.run("playback", str(tmp_path / "wide.wav"))
    assert 0.4 < time.monotonic() - start < 0.8
    assert sum(loud(payload) for _, _, payload in caller.heard) >= 20
    dialog.bye()


def test_a_break_and_a_hangup_in_turn(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """`uuid_break` ends what plays; a hang-up waits for an application that holds the lock."""
    dialog, control = answered(caller, handlers, switch)
    start = time.monotonic()
    mark = control.start("playback", "silence_stream://5000")
    time.sleep(0.3)
    assert control.command(f"api uuid_break {control.uuid}")["body"] == "+OK\n"
    control.wait(mark)
    assert time.monotonic() - start < 1.5
    start = time.monotonic()
    control.start("playback", "silence_stream://1000")
    control.hangup("USER_BUSY")
    dialog.wait("BYE")
    assert time.monotonic() - start > 0.9
    dialog2, control2 = answered(caller, handlers, switch)
    start = time.monotonic()
    control2.start("playback", "silence_stream://3000", lock=False)
    time.sleep(0.1)
    control2.hangup()
    dialog2.wait("BYE")
    assert time.monotonic() - start < 1.5


def test_variables_in_arguments(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Expansion, its switch, and that no API command hides in it."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "name=inner")
    assert control.run("set", "a=x${name}y${none}z")["variable_a"] == "xinneryz"
    assert control.run("set", "b=[${system touch /tmp/never}]")["variable_b"] == "[]"
    assert control.run("playback", "/nowhere/${name}.wav")["Application-Data"] == "/nowhere/inner.wav"
    control.run("set", "app_disable_expand_variables=true")
    assert control.run("playback", "/nowhere/${name}.wav")["Application-Data"] == "/nowhere/${name}.wav"
    assert control.run("set", "c=${name}")["variable_c"] == "inner"
    assert "variable_c" not in control.run("set", "c=")
    dialog.bye()


def test_a_full_line_runs_nothing(
    switch: SwitchProcess, handlers: Handlers, phone: Callable[..., Phone], line: Phone
) -> None:
    """The slot belongs to the channel, is free after the bridge, and free when the caller vanishes."""
    holder, control = answered(phone(), handlers, switch)
    control.start("limit_execute", f"hash line FULL 1 bridge {dial_string(line)}")
    leg = line.wait_call()
    leg.accept()
    control.event("CHANNEL_BRIDGE")
    assert switch.api("limit_usage hash line FULL") == "1"
    late, other = answered(phone(), handlers, switch)
    other.run("set", "originate_disposition=LINE_FULL")
    done = other.run("limit_execute", f"hash line FULL 1 bridge {dial_string(line)}")
    assert done["variable_originate_disposition"] == "LINE_FULL"
    holder.bye()
    leg.wait("BYE")
    eventually(lambda: switch.api("limit_usage hash line FULL") == "0", "the slot is free")
    late.bye()


def test_a_recording_without_a_joining_is_removed(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, tmp_path: Path
) -> None:
    """With `RECORD_BRIDGE_REQ` nothing is recorded before; without it everything is, on both sides."""
    dialog, control = answered(caller, handlers, switch)
    control.run("multiset", "^^;RECORD_STEREO=true;RECORD_BRIDGE_REQ=true")
    control.run("record_session", str(tmp_path / "joined.wav"))
    control.run("set", "RECORD_BRIDGE_REQ=false")
    control.run("record_session", str(tmp_path / "all.wav"))
    mark = control.start("playback", "tone_stream://%(400,0,500)")
    dialog.speak(TONE_A, 15)
    control.wait(mark)
    dialog.bye()
    ours = switch.variables(control.uuid)
    assert ours["RECORD_DISCARDED"] == "true"
    assert not (tmp_path / "joined.wav").exists()
    with wave.open(str(tmp_path / "all.wav")) as recording:
        sound = np.frombuffer(recording.readframes(recording.getnframes()), "<i2").reshape(-1, 2)
    assert np.abs(sound[:, 0]).max() > 8000
    assert np.abs(sound[:, 1]).max() > 4000


def test_a_re_invite_moves_the_sound(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """A caller that changes its media address is followed, and one on hold gets no packets."""
    dialog, control = answered(caller, handlers, switch)
    mark = control.start("playback", "tone_stream://%(3000,0,500)")
    assert caller.hears(0.3)
    other = Phone()
    dialog.request("INVITE", body=caller.sdp().replace(str(caller.media_port), str(other.media_port)))
    assert dialog.wait(200).body
    dialog.request("ACK", cseq=dialog.cseq)
    time.sleep(0.1)
    assert not caller.hears(0.3)
    assert other.hears(0.3)
    dialog.request("INVITE", body=caller.sdp(direction="sendonly"))
    dialog.wait(200)
    dialog.request("ACK", cseq=dialog.cseq)
    time.sleep(0.1)
    assert not caller.hears(0.2) + other.hears(0.2)
    other.close()
    control.wait(mark)
    dialog.bye()
