"""Ringing lines through the embedded switch: who answers, who does not, and what the caller hears meanwhile."""

from __future__ import annotations

import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from appliance.miniswitch import g711
from tests.miniswitch.harness import Handlers, SwitchProcess, answered, dial_string, eventually
from tests.miniswitch.sip_phone import Phone

TONE_A = g711.encode(8, (np.sin(np.arange(160) / 160 * 2 * np.pi * 10) * 12000).astype(np.int16))


def loud(data: bytes, law: int = 8) -> bool:
    """Whether a frame holds sound."""
    return len(data) == 160 and int(np.abs(g711.decode(law, data).astype(int)).max()) > 1000


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
    control.start("bridge", dial_string(line))
    line.wait_call().respond(status)
    control.wait()
    assert control.get("originate_disposition") == cause
    assert control.get("last_bridge_proto_specific_hangup_cause") == f"sip:{status}"
    leg = control.get("originate_causes").split(";")[0]
    theirs = switch.variables(leg, caller=False)
    assert (theirs["sip_term_status"], theirs["hangup_cause_q850"]) == (str(status), q850)
    assert (theirs["billmsec"], theirs["sip_hangup_disposition"]) == ("0", "recv_refuse")
    control.hangup()
    dialog.wait("BYE")


def test_a_line_that_does_not_answer(switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone) -> None:
    """`leg_timeout` gives the leg up, with the cause that FreeSWITCH gives, and the caller hears it ring."""
    dialog, control = answered(caller, handlers, switch)
    control.start("bridge", dial_string(line, leg_timeout="1"))
    leg = line.wait_call()
    leg.respond(180)
    assert any(loud(payload) for _, _, payload in caller.hears(0.5))
    leg.wait("CANCEL")
    control.wait()
    assert control.get("originate_disposition") == "ALLOTTED_TIMEOUT"
    control.run("set", "originate_timeout=1")
    control.start("bridge", dial_string(line))
    line.wait_call().respond(180)
    control.wait()
    assert control.get("originate_disposition") == "NO_ANSWER"
    # The dial string's own goes before it.
    control.start("bridge", "{originate_timeout=30}" + dial_string(line, leg_timeout="2"))
    line.wait_call().respond(180)
    control.wait()
    assert control.get("originate_disposition") == "ALLOTTED_TIMEOUT"
    dialog.bye()


def test_ringback_before_the_answer(switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone) -> None:
    """The tone of the settings as early media, or the one that the handlers set; the bridge answers."""
    dialog = caller.call("400", switch.address)
    control = handlers.call(dialog)
    control.run("set", "hangup_after_bridge=false")
    control.start("bridge", f"{{ignore_early_media=true}}{dial_string(line)}")
    leg = line.wait_call()
    leg.respond(180)
    assert "m=audio" in dialog.wait(183).body
    assert any(loud(payload) for _, _, payload in caller.hears(0.5))
    leg.respond(486)
    control.wait()
    control.run("set", "ringback=silence_stream://-1")
    control.start("bridge", dial_string(line))
    leg = line.wait_call()
    leg.respond(180)
    time.sleep(0.2)
    caller.heard.clear()
    assert not any(loud(payload) for _, _, payload in caller.hears(0.5))
    assert control.data["Answer-State"] == "ringing"
    leg.accept()
    dialog.wait(200)
    dialog.ack()
    leg.bye()
    control.wait()
    assert control.get("originate_disposition") == "SUCCESS"
    dialog.bye()


def test_what_the_caller_says_goes_before_what_holds_for_all(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone
) -> None:
    """`continue_on_fail` is a global variable: the channel's own one is found first."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "continue_on_fail=false")
    control.start("bridge", dial_string(line))
    line.wait_call().respond(486)
    dialog.wait("BYE")
    control.wait()
    control.ended()
    assert switch.variables(control.uuid)["hangup_cause"] == "USER_BUSY"


def test_a_line_where_nobody_listens(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """A closed port is known at once, not after SIP's 32 seconds."""
    dialog, control = answered(caller, handlers, switch)
    closed = Phone()
    closed.close()
    start = time.monotonic()
    control.run("bridge", dial_string(closed))
    assert control.get("originate_disposition") == "NORMAL_TEMPORARY_FAILURE"
    assert time.monotonic() - start < 2
    dialog.bye()


def test_the_first_of_two_lines_wins(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, phone: Callable[..., Phone]
) -> None:
    """Both ring; the one that answers is joined and the other one is cancelled."""
    one, two = phone(), phone()
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "hangup_after_bridge=false")
    control.start("bridge", f"{dial_string(one, '1')},{dial_string(two, '2')}")
    first, second = one.wait_call(), two.wait_call()
    first.respond(180)
    second.respond(180)
    second.accept()
    reason = first.wait("CANCEL").get("Reason")
    assert "200" in reason
    line = switch.joined(control.uuid)
    second.bye()
    control.wait()
    assert control.get("originate_disposition") == "SUCCESS"
    dialog.bye()
    record = switch.cdr(line, caller=False)["callflow"][0]["caller_profile"]
    assert record["destination_number"] == "2"


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
    control.wait()
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
    control.wait()
    control.ended()
    ours = switch.variables(control.uuid)
    assert (ours["hangup_cause"], ours["originate_disposition"]) == ("NORMAL_CLEARING", "ORIGINATOR_CANCEL")
    theirs = switch.variables(ours["originate_causes"].split(";")[0], caller=False)
    assert (theirs["hangup_cause"], theirs["sip_hangup_disposition"]) == ("ORIGINATOR_CANCEL", "send_cancel")


def test_a_full_line_runs_nothing(
    switch: SwitchProcess, handlers: Handlers, phone: Callable[..., Phone], line: Phone
) -> None:
    """The slot belongs to the channel, is free after the bridge, and free when the caller vanishes."""
    holder, control = answered(phone(), handlers, switch)
    control.start("limit_execute", f"hash line FULL 1 bridge {dial_string(line)}")
    leg = line.wait_call()
    leg.accept()
    switch.joined(control.uuid)
    assert switch.api("limit_usage hash line FULL") == "1"
    late, other = answered(phone(), handlers, switch)
    other.run("set", "originate_disposition=LINE_FULL")
    other.run("limit_execute", f"hash line FULL 1 bridge {dial_string(line)}")
    assert other.get("originate_disposition") == "LINE_FULL"
    holder.bye()
    leg.wait("BYE")
    eventually(lambda: switch.api("limit_usage hash line FULL") == "0", "the slot is free")
    late.bye()


def test_a_recording_without_a_joining_is_removed(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, tmp_path: Path
) -> None:
    """Nothing is recorded before the joining unless `RECORD_BRIDGE_REQ` says so; then it is both sides."""
    dialog, control = answered(caller, handlers, switch)
    control.run("record_session", str(tmp_path / "joined.wav"))
    control.run("set", "RECORD_BRIDGE_REQ=false")
    control.run("record_session", str(tmp_path / "all.wav"))
    control.start("playback", "tone_stream://%(400,0,500)")
    dialog.speak(TONE_A, 15)
    control.wait()
    dialog.bye()
    ours = switch.variables(control.uuid)
    assert ours["RECORD_DISCARDED"] == "true"
    assert not (tmp_path / "joined.wav").exists()
    with wave.open(str(tmp_path / "all.wav")) as recording:
        sound = np.frombuffer(recording.readframes(recording.getnframes()), "<i2").reshape(-1, 2)
    assert np.abs(sound[:, 0]).max() > 8000
    assert np.abs(sound[:, 1]).max() > 4000
