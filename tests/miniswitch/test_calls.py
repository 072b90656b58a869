"""Calls through the embedded switch, end to end: SIP, RTP, the handlers' socket, records."""

from __future__ import annotations

import time
import wave
from pathlib import Path

import numpy as np
import pytest

from appliance.miniswitch import g711
from tests.miniswitch.harness import Handlers, SwitchProcess, answered, dial_string
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
    control.start(
        "play_and_get_digits", "1 1 1 3000 # silence_stream://3000 silence_stream://100 pressed [1-3] 1000"
    )
    dialog.press("1")
    control.wait()
    assert control.get("pressed") == "1"
    control.run("set", "hangup_after_bridge=false")
    control.run("set", "originate_disposition=LINE_FULL")
    path = tmp_path / "made" / "here" / "call.wav"
    control.run("record_session", str(path))
    time.sleep(0.2)  # not joined yet: this must not be in the recording
    control.start("limit_execute", f"hash line L1 1 bridge {dial_string(line, leg_timeout='5')}")
    leg = line.wait_call()
    leg.respond(180)
    leg.accept()
    line_uuid = switch.joined(control.uuid)
    caller.heard.clear()
    leg.speak(TONE_B, 40)
    assert any(loud(payload) for _, kind, payload in caller.heard if kind == 8)
    dialog.speak(TONE_A, 40)
    leg.bye()
    control.wait()
    assert control.get("originate_disposition") == "SUCCESS"
    assert control.get("last_bridge_to") == line_uuid
    assert control.get("last_bridge_hangup_cause") == "NORMAL_CLEARING"
    assert switch.api("limit_usage hash line L1") == "0"
    control.run("stop_record_session", str(path))
    control.hangup()
    dialog.wait("BYE")

    ours, theirs = switch.variables(control.uuid), switch.variables(line_uuid, caller=False)
    assert ours["gw_number"] == "4008001234"
    assert ours["digits_dialed"] == "1"
    assert ours["bridge_uuid"] == line_uuid
    assert theirs["originator"] == theirs["call_uuid"] == control.uuid
    assert (theirs["gw_number"], theirs["gw_line"]) == ("4008001234", "L1")
    assert (ours["last_bridge_to"], theirs["last_bridge_to"]) == (line_uuid, control.uuid)
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
    control.run("set", "hangup_after_bridge=false")
    control.start("bridge", dial_string(line))
    leg = line.wait_call()
    leg.accept(formats="0 101")
    switch.joined(control.uuid)
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
    control.wait()
    # The key was for the line: it does not answer our next question.
    control.run("play_and_get_digits", "1 1 1 1000 # silence_stream://20 silence_stream://20 late [0-9] 1000")
    assert control.get("late") == ""
    dialog.bye()
    assert switch.variables(control.uuid)["sip_hangup_disposition"] == "recv_bye"


def test_a_caller_who_cancels(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """An unanswered call that the caller gives up."""
    dialog = caller.call("400", switch.address)
    control = handlers.call(dialog)
    dialog.cancel()
    dialog.wait(487)
    control.ended()
    ours = switch.variables(control.uuid)
    assert (ours["sip_hangup_disposition"], ours["hangup_cause"]) == ("recv_cancel", "ORIGINATOR_CANCEL")
    assert ours["billmsec"] == ours["answer_uepoch"] == "0"


def test_a_refusal_with_an_announcement(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Early media, an announcement, then the status of the cause that the handler chose."""
    dialog = caller.call("400", switch.address)
    control = handlers.call(dialog)
    control.run("pre_answer")
    assert "m=audio" in dialog.wait(183).body
    caller.heard.clear()
    control.run("playback", "tone_stream://%(300,0,800)")
    assert control.get("current_application_response") == "FILE PLAYED"
    assert any(loud(payload) for _, _, payload in caller.heard)
    control.hangup("USER_BUSY")
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
    control.start("playback", "silence_stream://5000")
    keys_during(dialog, "13")
    control.wait()
    assert control.get("playback_terminator_used") == "3"
    assert control.get("current_application_response") == "FILE PLAYED"
    assert time.monotonic() - start < 2

    control.start("play_and_get_digits", "1 1 2 2000 # silence_stream://400 silence_stream://100 one [1-3] 1000")
    keys_during(dialog, "92")
    control.wait()
    assert (control.get("one"), control.get("one_invalid")) == ("2", "9")

    control.run("play_and_get_digits", "1 1 1 1000 # silence_stream://100 silence_stream://100 one [1-3] 500")
    assert control.get("one") == ""
    assert control.get("read_result") == "failure"

    control.start("play_and_get_digits", "1 8 1 2000 # silence_stream://100 silence_stream://100 many .+ 2000")
    keys_during(dialog, "4711#", 0.15)
    control.wait()
    assert control.get("many") == "4711"
    control.start("play_and_get_digits", "1 1 1 2000 # silence_stream://100 silence_stream://100 info [0-9] 500")
    dialog.request("INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=6\r\nDuration=160\r\n")
    control.wait()
    assert control.get("info") == "6"
    dialog.bye()
    assert switch.variables(control.uuid)["digits_dialed"] == "13924711#6"


def test_files_that_are_not_there(switch: SwitchProcess, handlers: Handlers, caller: Phone, tmp_path: Path) -> None:
    """A missing file and one that is no sound are said to be so; a WAV is heard."""
    dialog, control = answered(caller, handlers, switch)
    (tmp_path / "text.wav").write_text("not a sound", encoding="utf-8")
    for name in (tmp_path / "none.wav", tmp_path / "text.wav", tmp_path):
        control.run("playback", str(name))
        assert control.get("current_application_response") == "FILE NOT FOUND"
    with wave.open(str(tmp_path / "wide.wav"), "wb") as file:
        file.setparams((2, 2, 16000, 0, "NONE", ""))
        tone = (np.sin(np.arange(8000) / 16000 * 2 * np.pi * 400) * 9000).astype("<i2")
        file.writeframes(np.column_stack([tone, tone]).tobytes())
    caller.heard.clear()
    start = time.monotonic()
    control.run("playback", str(tmp_path / "wide.wav"))
    assert 0.4 < time.monotonic() - start < 0.95, "at another rate it is a second"
    assert sum(loud(payload) for _, _, payload in caller.heard) >= 20
    dialog.bye()


def test_variables_in_arguments(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Expansion, its switch, and that no API command hides in it."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "name=inner")
    control.run("set", "a=x${name}y${none}z")
    assert control.get("a") == "xinneryz"
    control.run("set", "b=[${system touch /tmp/never}]")
    assert control.get("b") == "[]"
    control.run("playback", "/nowhere/${name}.wav")
    assert control.get("current_application_data") == "/nowhere/inner.wav"
    control.run("set", "app_disable_expand_variables=true")
    control.run("playback", "/nowhere/${name}.wav")
    assert control.get("current_application_data") == "/nowhere/${name}.wav"
    control.run("set", "c=${name}")
    assert control.get("c") == "inner"
    control.run("set", "c=")
    assert control.get("c") == ""
    dialog.bye()


def test_a_re_invite_moves_the_sound(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """A caller that changes its media address is followed, and one on hold gets no packets."""
    dialog, control = answered(caller, handlers, switch)
    control.start("playback", "tone_stream://%(3000,0,500)")
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
    control.wait()
    dialog.bye()
