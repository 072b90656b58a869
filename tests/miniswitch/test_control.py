"""The handlers' connection: one command after the other, each answered when it has been carried out."""

from __future__ import annotations

import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.miniswitch.esl_out import Control
from tests.miniswitch.harness import Handlers, SwitchProcess, answered, dial_string
from tests.miniswitch.sip_phone import Phone


def test_connect(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """The channel's data, and in which mode the switch speaks."""
    dialog = caller.call("400", switch.address)
    control = handlers.call(dialog)
    data = control.data
    assert (data["Socket-Mode"], data["Control"]) == ("static", "full")
    assert (data["Content-Type"], data["Reply-Text"]) == ("command/reply", "+OK\n")
    assert (data["Event-Name"], data["Channel-Destination-Number"]) == ("CHANNEL_DATA", "400")
    assert data["Channel-Call-State"] == "RINGING"
    assert data["variable_current_application_data"] == f"127.0.0.1:{handlers.port} full"
    control.hangup()
    dialog.wait(480)


def test_what_is_no_command(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Answered, and the call goes on: what no handler says is not offered, and another call is none of theirs."""
    dialog, control = answered(caller, handlers, switch)
    for line in ("event plain ALL", "filter Unique-ID x", "linger", "api", "resume", "hello"):
        assert control.command(line)["Reply-Text"] == "-ERR command not found"
    elsewhere = control.command("sendmsg nobody", "call-command: execute", "execute-app-name: hangup")
    assert elsewhere["Reply-Text"] == "-ERR invalid session id [nobody]"
    for lines in (["call-command: hangup"], ["call-command: execute"], ["execute-app-name: hangup"]):
        assert control.command("sendmsg", *lines)["Reply-Text"] == "+OK"
    assert control.get("current_application") == "answer"
    dialog.bye()
    control.ended()


def test_getvar(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """A value as it is, the channel's own or a global one; none is what FreeSWITCH says of an unknown command."""
    dialog, control = answered(caller, handlers, switch)
    control.run("set", "a=100% 中 a=b:c")
    assert control.command("getvar a")["Reply-Text"] == "100% 中 a=b:c"
    assert control.command("getvar continue_on_fail")["Reply-Text"] == "true"
    for line in ("getvar none", "getvar", "getvar "):
        assert control.command(line)["Reply-Text"] == "-ERR command not found"
    control.run("set", f"long={'x' * 600}")
    assert control.command("getvar long")["Reply-Text"] == "x" * 511
    dialog.bye()


def test_an_argument_in_the_body(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Header names in any case, with or without a blank; the body only as text and only without the header."""
    dialog, control = answered(caller, handlers, switch)
    body = "a=one\n\ntwo 中"

    def send(*headers: str) -> str:
        length = f"Content-Length:{len(body.encode())}"
        control.sock.sendall("\n".join(["sendmsg", *headers, length, "", body]).encode())
        control.wait()
        return control.get("current_application_data")

    execute = ("Call-Command:execute", "EXECUTE-APP-NAME:set")
    assert send(*execute, "content-type:text/plain") == "a=one"  # the answer is one line, the value is not
    assert control.frame()[0] == {"two 中": ""}
    control.run("set", "b=${a}")
    assert send(*execute, "Content-Type: Text/Plain", "execute-app-arg: c=header") == "c=header"
    assert control.get("c") == "header"
    assert send(*execute, "content-type: text/html") == ""
    dialog.bye()
    assert switch.variables(control.uuid)["b"] == "one\n\ntwo 中"


def test_inline_applications(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Each is an application with its own events and its own entry in the log; all are answered once."""
    dialog, control = answered(caller, handlers, switch)
    with switch.event_socket() as conn:
        conn.command(f"filter Unique-ID {control.uuid}")
        conn.command("event plain CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE")
        control.run("multiset", "^^;a=1;b=${a}")
        control.run(
            "execute_extension", "'m:|:multiset:^^;c=x:y;d=,|set:e=${d}${a}|playback:silence_stream://20' inline"
        )
        seen = [conn.event_in_turn() for _ in range(10)]
    names = [(event["Event-Name"].removeprefix("CHANNEL_"), event["Application"]) for event in seen]
    assert names == [
        ("EXECUTE", "multiset"),
        ("EXECUTE_COMPLETE", "multiset"),
        ("EXECUTE", "execute_extension"),
        *[(kind, name) for name in ("multiset", "set", "playback") for kind in ("EXECUTE", "EXECUTE_COMPLETE")],
        ("EXECUTE_COMPLETE", "execute_extension"),
    ]
    assert [control.get(name) for name in "cd"] == ["x:y", ","]
    # The whole argument is expanded first: `d` was not set then.
    assert control.get("e") == "1"
    assert control.get("current_application_response") == "FILE PLAYED"
    control.run("set", "late=\\${a}")
    control.run("execute_extension", "'set:f=${late}' inline")
    assert control.get("f") == "1"
    dialog.bye()
    log = switch.cdr(control.uuid)["app_log"]["applications"]
    assert [entry["app_name"] for entry in log][-5:] == ["set", "playback", "set", "execute_extension", "set"]
    assert log[-6]["app_data"] == "^^;c=x:y;d=,"


def test_an_extension_that_is_not_inline(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Not offered: nothing runs, and the call goes on."""
    dialog, control = answered(caller, handlers, switch)
    for argument in ("handlers-gone XML handlers", "set:a=1", "", "'m:|:set:a=1' XML"):
        control.run("execute_extension", argument)
    assert control.get("current_application") == "execute_extension"
    assert control.get("a") == ""
    dialog.bye()


def test_an_unknown_application_among_others(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Ends the call; what stands behind it does not run."""
    dialog, control = answered(caller, handlers, switch)
    control.run("execute_extension", "'set:a=1,no_such_application:x,set:b=2' inline")
    control.ended()
    dialog.wait("BYE")
    ours = switch.variables(control.uuid)
    assert (ours["hangup_cause"], ours["a"], ours.get("b")) == ("DESTINATION_OUT_OF_ORDER", "1", None)


@pytest.mark.parametrize(
    ("application", "argument"),
    [
        ("playback", "silence_stream://9000"),
        ("play_and_get_digits", "1 1 1 9000 # silence_stream://20 silence_stream://20 key [0-9] 9000"),
        ("execute_extension", "'playback:silence_stream://9000,set:gw_late=yes' inline"),
    ],
)
def test_a_hangup_while_an_application_runs(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, application: str, argument: str
) -> None:
    """It ends and is answered; what was sent behind it is not read any more."""
    dialog, control = answered(caller, handlers, switch)
    control.start(application, argument)
    control.start("set", "gw_late=yes")
    time.sleep(0.3)
    start = time.monotonic()
    dialog.bye()
    control.wait()
    control.ended()
    assert time.monotonic() - start < 4
    assert "gw_late" not in switch.variables(control.uuid)


def test_a_hangup_in_a_talk(switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone) -> None:
    """The line is hung up, the bridge ends and is answered."""
    dialog, control = answered(caller, handlers, switch)
    control.start("bridge", dial_string(line))
    leg = line.wait_call()
    leg.accept()
    switch.joined(control.uuid)
    dialog.bye()
    control.wait()
    control.ended()
    leg.wait("BYE")


def test_a_hangup_while_the_switch_waits(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Seen at once; the connection is closed with the notice."""
    dialog, control = answered(caller, handlers, switch)
    start = time.monotonic()
    dialog.bye()
    control.ended()
    assert time.monotonic() - start < 4
    unconnected = caller.call("400", switch.address)
    control = handlers.take()
    unconnected.cancel()
    control.ended()


def a_control() -> tuple[Control, socket.socket, Any]:
    """A connection, the handlers' end of it, and as much of a channel as it needs."""
    channel = SimpleNamespace(name="a channel", uuid="u-1", hangup_cause="")
    listener = socket.create_server(("127.0.0.1", 0))
    theirs = socket.create_connection(listener.getsockname())
    ours, _ = listener.accept()
    listener.close()
    return Control(channel, ours), theirs, channel  # type: ignore[arg-type]


def test_handlers_that_say_nothing() -> None:
    """The first command has its time; half a command is none."""
    control, handlers, _ = a_control()
    for said in (b"", b"connect\n"):
        handlers.sendall(said)
        start = time.monotonic()
        assert control.next(0.2) is None
        assert 0.15 < time.monotonic() - start < 3
    handlers.sendall(b"\n")
    found = control.next(0.2)
    assert found is not None and found.line == "connect"
    control.close()
    assert handlers.recv(4096).startswith(b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: u-1\n")
    assert handlers.recv(4096) == b""
    handlers.close()


def test_what_was_sent_before_the_end() -> None:
    """Commands of handlers that have died are still read; those of a call that has ended are not."""
    control, handlers, channel = a_control()
    handlers.sendall(b"one\n\ntwo\n\nhalf")
    handlers.close()
    lines = [found.line for _ in range(2) if (found := control.next())]
    assert lines == ["one", "two"]
    control.send(b"an answer to nobody\n\n")
    assert control.next() is None
    control.close()
    control, handlers, channel = a_control()
    handlers.sendall(b"one\n\ntwo\n\n")
    assert control.next() is not None
    channel.hangup_cause = "NORMAL_CLEARING"
    assert control.next() is None
    control.close()
    handlers.close()
