"""What becomes of calls when their handlers are not there, die, or restart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.miniswitch.harness import Handlers, SwitchProcess, answered, dial_string, eventually
from tests.miniswitch.sip_phone import NothingCame, Phone

SCRIPT = """
def handler(session, args):
    session.setVariable("gw_args", args)
    session.setVariable("gw_seen", session.getVariable("gw_snapshot"))
    session.setVariable("gw_runs", (session.getVariable("gw_runs") or "") + "x")
    session.answer()
    length = "3000" if session.getVariable("sip_req_user") == "401" else "100"
    session.execute("playback", "tone_stream://%(" + length + ",0,900)")
    line = session.getVariable("gw_line")
    if session.ready() and line:
        session.execute("bridge", "[leg_timeout=2]" + line)
    session.hangup("NO_ANSWER")
"""


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory, handlers: Handlers) -> Iterator[SwitchProcess]:
    """A switch with a fallback script."""
    folder = tmp_path_factory.mktemp("switch")
    script = folder / "fallback.py"
    script.write_text(SCRIPT, encoding="utf-8")
    snapshot = folder / "snapshot.json"
    process = SwitchProcess(folder, handlers, fallback_script=str(script), snapshot_file=str(snapshot))
    yield process
    process.kill()


@pytest.fixture
def gone(handlers: Handlers) -> Iterator[Handlers]:
    """No handlers during the test; they are back after it."""
    handlers.stop()
    yield handlers
    handlers.stop()
    handlers.listen()


def test_nobody_listens(switch: SwitchProcess, gone: Handlers, caller: Phone) -> None:
    """Three more tries with music between them, then the script, and its cause."""
    start = time.monotonic()
    dialog = caller.call("401", switch.address)
    dialog.wait(183)
    assert time.monotonic() - start < 1.8
    dialog.wait(200, timeout=8)
    dialog.ack()
    assert 3.8 < time.monotonic() - start < 6
    assert len(caller.heard) > 180
    start = time.monotonic()
    dialog.wait("BYE")
    assert time.monotonic() - start > 2.5
    record = eventually(lambda: list(switch.spool.glob("a_*.json")), "a record")[0]
    ours = switch.variables(record.name[2:38])
    assert ours["gw_seen"] == str(switch.folder / "snapshot.json")
    assert ours["hangup_cause"] == "NO_ANSWER"
    assert (ours["gw_losses"], ours["gw_runs"]) == ("x", "x")
    shared = {"gw_music", "gw_apology", "gw_snapshot", "media_timeout", "ringback", "export_vars", "RECORD_STEREO"}
    assert not shared & set(ours)


def test_the_script_rings_a_line(switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone) -> None:
    """The script's applications are the switch's own: it can join a line."""
    dialog = caller.call("400", switch.address)
    control = handlers.call(dialog)
    control.run("set", f"gw_line=sofia/gateway400/139@127.0.0.1:{line.port}")
    control.run("set", "gw_losses=xxx")
    control.close()
    dialog.wait(200)
    dialog.ack()
    leg = line.wait_call()
    leg.accept()
    leg.bye()
    dialog.wait("BYE")


def test_handlers_that_restart_take_the_call_back(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Between two commands the switch sees at once that they are gone. What was set before is still there."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "gw_keys=menu=1")
    handlers.stop()
    control.close()
    time.sleep(0.5)
    handlers.listen()
    again = handlers.call(dialog)
    assert again.uuid == control.uuid
    assert again.data["variable_gw_keys"] == "menu=1"
    assert again.data["Caller-Destination-Number"] == "handlers-try-2"
    assert again.data["variable_sip_req_user"] == "4008001234"
    assert again.data["variable_gw_losses"] == "x"
    assert again.data["Answer-State"] == "answered"
    again.hangup()
    dialog.wait("BYE")


def test_a_prompt_goes_on(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """And so does what was sent with it and behind it; only then is the call lost."""
    dialog, control = answered(caller, handlers, switch)
    start = time.monotonic()
    prompt = "playback:silence_stream://700"
    control.start("execute_extension", f"'m:|:{prompt}|set:gw_noted=yes' inline")
    control.start("set", "gw_more=yes")
    control.close()
    again = handlers.call(dialog)
    assert 0.7 < time.monotonic() - start < 2.6, "no two seconds of music between"
    assert again.data["Caller-Destination-Number"] == "handlers-try-1"
    assert (again.data["variable_gw_noted"], again.data["variable_gw_more"]) == ("yes", "yes")
    again.hangup()
    dialog.wait("BYE")


def test_a_talk_goes_on(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone, tmp_path: Path
) -> None:
    """When it ends, its slot is free, its recording is whole, and the call is over: no line rings again."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "hangup_after_bridge=false")
    path = tmp_path / "talk.wav"
    bridge = f"limit_execute:hash line TALK 1 bridge {dial_string(line)}"
    work = f"'m:~:record_session:{path}~{bridge}~stop_record_session:{path}' inline"
    control.start("execute_extension", work)
    leg = line.wait_call()
    leg.accept()
    line_uuid = switch.joined(control.uuid)
    control.close()
    with pytest.raises(NothingCame):
        leg.wait("BYE", 1)
    assert switch.api("limit_usage hash line TALK") == "1"
    leg.bye()
    dialog.wait("BYE", 2)
    ours = switch.variables(control.uuid)
    assert (ours["last_bridge_to"], ours["hangup_cause"]) == (line_uuid, "NORMAL_CLEARING")
    assert ours["originate_disposition"] == "SUCCESS"
    assert "gw_losses" not in ours
    assert switch.api("limit_usage hash line TALK") == "0"
    assert path.stat().st_size > 16_000
    applications = [entry["app_name"] for entry in switch.cdr(control.uuid)["app_log"]["applications"]]
    assert applications[-7:] == [
        *("execute_extension", "record_session", "limit_execute", "bridge", "stop_record_session"),
        *("transfer", "hangup"),
    ]


def test_a_talk_with_hangup_after_bridge(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone
) -> None:
    """Ends the call with the line's cause, whether the handlers are there or not."""
    for alive in (True, False):
        dialog, control = answered(caller, handlers, switch)
        control.run("set", "hangup_after_bridge=true")
        control.start("execute_extension", f"'bridge:{dial_string(line)},set:gw_late=yes' inline")
        leg = line.wait_call()
        leg.accept()
        switch.joined(control.uuid)
        if not alive:
            control.close()
        leg.request("BYE", 'Reason: Q.850;cause=31;text="x"\r\n')
        dialog.wait("BYE", 2)
        if alive:
            control.wait()
            control.ended()
        ours = switch.variables(control.uuid)
        assert ours["hangup_cause"] == "NORMAL_UNSPECIFIED"
        assert "gw_late" not in ours


def test_a_line_that_rings_goes_on_ringing(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone
) -> None:
    """It may still answer; when it does not, the call comes back, its slot free."""
    dialog, control = answered(caller, handlers, switch)
    bridge = f"hash line RING 1 bridge {dial_string(line, leg_timeout='2')}"
    control.start("limit_execute", bridge)
    leg = line.wait_call()
    leg.respond(180)
    control.close()
    with pytest.raises(NothingCame):
        leg.wait("CANCEL", 1)
    leg.wait("CANCEL", 2)
    again = handlers.call(dialog)
    assert again.data["variable_originate_disposition"] == "ALLOTTED_TIMEOUT"
    assert switch.api("limit_usage hash line RING") == "0"
    again.start("limit_execute", bridge)
    leg = line.wait_call()
    leg.respond(180)
    again.close()
    leg.accept()
    switch.joined(control.uuid)
    leg.bye()
    dialog.wait("BYE", 2)


def test_a_loss_after_an_earlier_talk(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone
) -> None:
    """A caller who has talked does not come back, even if the next line failed."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "hangup_after_bridge=false")
    control.start("bridge", dial_string(line))
    leg = line.wait_call()
    leg.accept()
    switch.joined(control.uuid)
    leg.bye()
    control.wait()
    control.start("bridge", dial_string(line))
    line.wait_call().respond(486)
    control.wait()
    assert control.get("originate_disposition") == "USER_BUSY"
    control.close()
    dialog.wait("BYE", 2)


def test_handlers_that_accept_and_close(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Nothing was said: the next try is two seconds of music away, and it is the same loss."""
    dialog = caller.call("400", switch.address)
    handlers.take().close()  # in `gateway`
    start = time.monotonic()
    handlers.take().close()  # handlers-try-1, at once
    assert time.monotonic() - start < 1.8
    again = handlers.call(dialog)
    assert 1.8 < time.monotonic() - start < 3.8
    assert again.data["Caller-Destination-Number"] == "handlers-try-2"
    assert again.data["variable_gw_losses"] == "x"
    again.hangup()
    dialog.wait(480)


def test_without_a_script_the_caller_hears_an_apology(tmp_path: Path, phone: Callable[..., Phone]) -> None:
    """And is refused with 503, unanswered."""
    nobody = Handlers()
    nobody.stop()
    process = SwitchProcess(tmp_path, nobody)
    try:
        dialog = phone().call("400", process.address)
        dialog.wait(503, timeout=10)
        record = eventually(lambda: list(process.spool.glob("a_*.json")), "a record")[0]
        ours = process.variables(record.name[2:38])
        assert (ours["hangup_cause"], ours["billmsec"]) == ("NORMAL_TEMPORARY_FAILURE", "0")
    finally:
        process.kill()


def test_a_broken_script_is_an_apology(tmp_path: Path, phone: Callable[..., Phone]) -> None:
    """Whatever is wrong with the script, the caller is told something and the switch lives."""
    nobody = Handlers()
    nobody.stop()
    script = tmp_path / "broken.py"
    process = SwitchProcess(tmp_path, nobody, fallback_script=str(script))
    try:
        for text in ("this is not Python", "def handler(session, args):\n    raise ValueError(args)\n"):
            script.write_text(text, encoding="utf-8")
            phone().call("400", process.address).wait(503, timeout=10)
    finally:
        process.kill()


def test_handlers_that_die_of_a_call_do_not_get_it_for_ever(
    switch: SwitchProcess, handlers: Handlers, caller: Phone
) -> None:
    """The fourth loss of one call goes to the fallback at once."""
    dialog, control = answered(caller, handlers, switch)
    losses = []
    for _ in range(3):
        control.close()
        control = handlers.call(dialog)
        control.run("set", "gw_note=taken")
        losses.append(control.data["variable_gw_losses"])
    assert losses == ["x", "xx", "xxx"]
    start = time.monotonic()
    control.close()
    dialog.wait("BYE")
    assert time.monotonic() - start < 1.5
    assert switch.variables(control.uuid)["gw_runs"] == "x"


def test_an_extensions_name_is_a_number_to_a_caller(
    switch: SwitchProcess, handlers: Handlers, caller: Phone
) -> None:
    """Nobody dials into the middle of the dialplan."""
    for name in ("handlers-gone", "fallback", "handlers-try-3"):
        dialog = caller.call(name, switch.address)
        control = handlers.call(dialog)
        assert control.data["Caller-Destination-Number"] == name
        assert control.data["Caller-Context"] == "gateway"
        control.hangup()
        dialog.wait(480)
