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
    """Three more tries with music between them, then the script; its cause reaches the caller."""
    start = time.monotonic()
    dialog = caller.call("401", switch.address)
    dialog.wait(183)
    assert time.monotonic() - start < 1
    dialog.wait(200, timeout=8)
    dialog.ack()
    assert 3.8 < time.monotonic() - start < 6
    assert len(caller.heard) > 180
    start = time.monotonic()
    dialog.wait("BYE")
    assert time.monotonic() - start > 2.5  # no transfer of an earlier try breaks into the script
    record = eventually(lambda: list(switch.spool.glob("a_*.json")), "a record")[0]
    ours = switch.variables(record.name[2:38])
    assert ours["gw_seen"] == str(switch.folder / "snapshot.json")
    assert ours["hangup_cause"] == "NO_ANSWER"
    assert (ours["gw_losses"], ours["gw_runs"]) == ("x", "x")
    assert not {"gw_music", "gw_apology", "gw_snapshot", "media_timeout"} & set(ours)


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
    """What was set before is still there."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "gw_keys=menu=1")
    handlers.stop()
    control.start("playback", "silence_stream://20000")
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


def test_with_socket_resume_a_dead_handler_breaks_off_what_runs(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone
) -> None:
    """A bridge, too; and as the two had talked, the call is over."""
    dialog, control = answered(caller, handlers, switch)
    control.start("bridge", dial_string(line))
    leg = line.wait_call()
    leg.accept()
    control.event("CHANNEL_BRIDGE")
    control.close()
    leg.wait("BYE", 1)
    dialog.wait("BYE", 1)
    assert switch.variables(control.uuid)["gw_joined"] == "true"


def test_without_socket_resume_what_was_begun_goes_on(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone
) -> None:
    """A bridge lives on; when it ends, a call marked as joined is hung up and never rings again."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "socket_resume=false")
    assert "variable_gw_joined" not in control.run("set", "a=1")
    control.start("bridge", dial_string(line))
    leg = line.wait_call()
    leg.accept()
    control.event("CHANNEL_BRIDGE")
    control.close()
    with pytest.raises(NothingCame):
        leg.wait("BYE", 1)
    leg.bye()
    dialog.wait("BYE", 2)
    ours = switch.variables(control.uuid)
    assert (ours["gw_joined"], ours["hangup_cause"]) == ("true", "NORMAL_CLEARING")


def test_without_socket_resume_what_was_sent_is_done(
    switch: SwitchProcess, handlers: Handlers, caller: Phone
) -> None:
    """Applications sent before the handler died run to their end, one after the other."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "socket_resume=false")
    start = time.monotonic()
    control.start("playback", "silence_stream://700")
    control.start("playback", "silence_stream://700")
    control.start("set", "gw_noted=yes")
    control.close()
    again = handlers.call(dialog)
    assert time.monotonic() - start > 1.3
    assert again.data["variable_gw_noted"] == "yes"
    again.hangup()
    dialog.wait("BYE")


def test_a_handler_that_says_nothing_loses_the_call(
    switch: SwitchProcess, handlers: Handlers, caller: Phone
) -> None:
    """Accepted and silent: after three seconds there is music, then somebody else is asked."""
    dialog = caller.call("400", switch.address)
    silent = handlers.take()
    start = time.monotonic()
    dialog.wait(183)
    assert 2.5 < time.monotonic() - start < 4
    again = handlers.call(dialog)
    assert 4.5 < time.monotonic() - start < 6
    again.run("answer")
    dialog.wait(200)
    dialog.ack()
    time.sleep(2.2)  # the watch of that try was cancelled as well
    assert again.run("set", "a=1")["variable_a"] == "1"
    again.hangup()
    dialog.wait("BYE")
    silent.close()


def test_exit_gives_the_call_back(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """A handler may also leave in words."""
    dialog, control = answered(caller, handlers, switch)
    assert control.command("exit")["Reply-Text"] == "+OK bye"
    again = handlers.call(dialog)
    again.hangup()
    dialog.wait("BYE")


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
        assert control.data["variable_gw_started"] == "1"
        control.hangup()
        dialog.wait(480)
