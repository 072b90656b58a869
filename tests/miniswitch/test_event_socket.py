"""The event socket that the appliance connects to."""

from __future__ import annotations

import json
import time

import pytest

from tests.miniswitch.harness import Handlers, SwitchProcess, answered, eventually
from tests.miniswitch.sip_phone import Phone


def test_nothing_without_the_password(switch: SwitchProcess) -> None:
    """A wrong password, or a command in its place, ends the connection."""
    for first in ("auth wrong", "api status", "auth"):
        with switch.event_socket() as conn:
            assert conn.command("api version")["body"].startswith("FreeSWITCH Version")
        with pytest.raises(EOFError), switch.event_socket("x") as conn:
            while True:
                conn.command(first)


def test_commands_of_no_call(switch: SwitchProcess) -> None:
    """FreeSWITCH's words, for what is there and what is not."""
    expected = {
        "show channels as json": '{"row_count": 0}\n',
        "show calls as json": '{"row_count": 0}\n',
        "limit_usage hash line L1": "0",
        "uuid_exists nobody": "false",
        "uuid_exists": "false",
        "uuid_kill nobody": "-ERR No such channel!\n",
        "uuid_kill": "-USAGE: <uuid> [cause]\n",
        "uuid_break nobody all": "-ERR No such channel!\n",
        "uuid_break": "-USAGE: <uuid> [all]\n",
        "sched_api +1 all": "-ERR Invalid syntax. USAGE: [+@]<time> <group_name> <command_string>[&]\n",
        "sched_api 1 all status": "-ERR Invalid syntax. USAGE: [+@]<time> <group_name> <command_string>[&]\n",
        "uuid_setvar nobody": "-USAGE: <uuid> <var> [value]\n",
        "uuid_setvar nobody a b": "-ERR No such channel!\n",
        "sched_hangup +1 nobody": "-ERR No such channel!\n",
        "sched_hangup soon nobody": "-USAGE: [+]<time> <uuid> [<cause>]\n",
        "sched_hangup": "-USAGE: [+]<time> <uuid> [<cause>]\n",
        "reloadxml": "+OK [Success]\n",
        "reloadacl": "+OK acl reloaded\n",
        "global_getvar gw_music": "tone_stream://%(1000,0,440);loops=-1",
        "global_getvar record_stereo": "true",
        "global_getvar ringback": "%(1000,4000,450)",
        "global_getvar none": "-ERR no reply\n",
        "system touch /tmp/never": "-ERR system Command not found!\n",
    }
    for command, answer in expected.items():
        assert switch.api(command) == answer
    assert "is ready" in switch.api("status")
    assert "RUNNING" in switch.api("sofia status")
    assert f":{switch.address[1]}" in switch.api("sofia status profile gateway400")
    assert switch.api("originate").startswith("-USAGE")
    assert switch.api("originate user/1000 &answer()").startswith("-ERR")


def test_replies_to_commands(switch: SwitchProcess) -> None:
    """Subscribing, filtering, and what is not offered."""
    with switch.event_socket() as conn:
        say = {
            "event plain": "-ERR no keywords supplied",
            "event plain NO_SUCH_EVENT": "-ERR no keywords supplied",
            "event plain CHANNEL_ANSWER NO_SUCH_EVENT": "+OK event listener enabled plain",
            "event json ALL": "-ERR only plain events are offered",
            "filter Unique-ID x": "+OK filter added. [Unique-ID]=[x]",
            "filter delete all": "+OK filter deleted. [all][]",
            "filter": "-ERR command not found",
            "sendmsg x": "-ERR command not found",
            "linger": "-ERR command not found",
            "exit": "+OK bye",
        }
        for command, answer in say.items():
            assert conn.command(command)["Reply-Text"] == answer


def test_a_call_seen_and_ended_from_outside(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """It is listed, and it can be killed with a cause."""
    with switch.event_socket() as conn:
        conn.command("event plain CHANNEL_CREATE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE")
        dialog, control = answered(caller, handlers, switch)
        assert conn.event("CHANNEL_CREATE", Unique_ID=control.uuid)["Caller-Destination-Number"] == "4008001234"
        rows = json.loads(switch.api("show channels as json"))
        row = next(row for row in rows["rows"] if row["uuid"] == control.uuid)
        assert rows["row_count"] == len(rows["rows"])
        assert (row["direction"], row["dest"], row["callstate"]) == ("inbound", "4008001234", "ACTIVE")
        assert (row["application"], row["state"], row["read_codec"]) == ("answer", "CS_EXECUTE", "PCMA")
        assert switch.api(f"uuid_kill {control.uuid} USER_BUSY") == "+OK\n"
        dialog.wait("BYE")
        assert conn.event("CHANNEL_HANGUP", Unique_ID=control.uuid)["Hangup-Cause"] == "USER_BUSY"
        last = conn.event("CHANNEL_HANGUP_COMPLETE", Unique_ID=control.uuid)
        assert int(last["variable_end_uepoch"]) > int(last["variable_answer_uepoch"]) > 0


def test_filters_keep_other_calls_out(
    switch: SwitchProcess, handlers: Handlers, caller: Phone, line: Phone
) -> None:
    """Only events of the call that was asked for."""
    with switch.event_socket() as conn:
        first, one = answered(caller, handlers, switch)
        conn.command("event plain CHANNEL_EXECUTE_COMPLETE")
        conn.command(f"filter Unique-ID {one.uuid}")
        second, two = answered(line, handlers, switch)
        two.run("set", "a=2")
        one.run("set", "a=1")
        assert conn.event("CHANNEL_EXECUTE_COMPLETE")["Unique-ID"] == one.uuid
        assert not conn.events
        first.bye()
        second.bye()


def test_an_extension_that_is_not_there(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """In context `handlers`, and in a context that does not exist."""
    for where in ("handlers-try-9 XML handlers", "handlers-gone XML elsewhere"):
        dialog, control = answered(caller, handlers, switch)
        control.run("transfer", where)
        control.close()
        dialog.wait("BYE")
        assert switch.variables(control.uuid)["hangup_cause"] == "NO_ROUTE_DESTINATION"


def test_an_end_at_a_time(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """`sched_hangup` in so many seconds, or at a moment; at once if that is over."""
    for when, cause in (("+1", "ALLOTTED_TIMEOUT"), (str(int(time.time()) - 5), "USER_BUSY")):
        dialog, control = answered(caller, handlers, switch)
        said = "" if when == "+1" else f" {cause}"
        assert switch.api(f"sched_hangup {when} {control.uuid}{said}") == "+OK\n"
        dialog.wait("BYE", 3)
        ours = switch.variables(control.uuid)
        assert ours["hangup_cause"] == cause
        assert (int(ours["billmsec"]) > 900) == (when == "+1")


def test_orders_that_wait_for_the_answer(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """`api_on_answer…` are carried out as the call is answered, as many as there are; a sound that is not there, or
    is mixed in already, is refused."""
    dialog = caller.call("400", switch.address)
    control = handlers.call(dialog)
    uuid = control.uuid
    control.run("multiset", f"^^;api_on_answer_1=uuid_setvar {uuid} a one;API_ON_ANSWER_2=uuid_setvar {uuid} b two")
    assert control.get("a") == ""
    control.run("answer")
    dialog.wait(200)
    dialog.ack()
    assert (control.get("a"), control.get("b")) == ("one", "two")
    assert switch.api(f"uuid_setvar {uuid} a") == "+OK\n"
    assert control.get("a") == ""
    tone = "tone_stream://%(9000,0,500)"
    for flags in ("m", "mr"):
        assert switch.api(f"uuid_displace {uuid} start /nowhere.wav 0 {flags}").startswith("-ERR")
        assert switch.api(f"uuid_displace {uuid} start {tone} 0 {flags}").startswith("+OK")
        assert switch.api(f"uuid_displace {uuid} start {tone} 0 {flags}").startswith("-ERR")
    assert switch.api(f"uuid_displace {uuid} start {tone} 0 x").startswith("-ERR")
    dialog.bye()
    control.ended()


def test_a_call_of_our_own(switch: SwitchProcess, handlers: Handlers, line: Phone) -> None:
    """`originate` waits for the answer, then runs an application or an extension."""
    url = f"{{origination_caller_id_number=4008001234,gw_test=1}}sofia/gateway400/139@127.0.0.1:{line.port}"
    with switch.event_socket() as conn:
        conn.write(f"api originate {url} &playback(silence_stream://-1)")
        leg = line.wait_call()
        assert leg.invite is not None
        assert "sip:4008001234@" in leg.invite.get("From")
        leg.accept()
        answer = conn.frame()[1].decode()
    assert answer.startswith("+OK ")
    uuid = answer.split()[1]
    assert switch.api(f"uuid_kill {uuid}") == "+OK\n"
    leg.wait("BYE")
    assert switch.variables(uuid)["gw_test"] == "1"

    with switch.event_socket() as conn:
        conn.write(f"api originate {url} 4008001234 XML gateway")
        leg = line.wait_call()
        leg.accept()
        control = handlers.take().connect()
        assert control.data["Caller-Destination-Number"] == "4008001234"
        assert control.data["Call-Direction"] == "outbound"
        control.hangup()
        leg.wait("BYE")

    with switch.event_socket() as conn:
        conn.write(f"api originate {url} &playback(silence_stream://-1)")
        line.wait_call().respond(486)
        assert conn.frame()[1] == b"-ERR USER_BUSY\n"


def test_a_handler_that_sends_rubbish(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """Bytes without end, a negative length: that connection ends, the call goes on, so does the switch."""
    for rubbish in (b"x" * 100_000, b"sendmsg\nContent-Length: -1\n\n", b"\xff\xfe\n\n" * 3):
        dialog = caller.call("400", switch.address)
        control = handlers.take()
        control.sock.sendall(rubbish)
        time.sleep(0.1)
        control.close()
        again = handlers.call(dialog)
        again.hangup()
        dialog.wait(480)
    eventually(lambda: json.loads(switch.api("show channels as json"))["row_count"] == 0, "no call is left")


def test_an_unknown_application_ends_the_call(switch: SwitchProcess, handlers: Handlers, caller: Phone) -> None:
    """As in FreeSWITCH: it is a fault of the handler that must not go unseen."""
    dialog, control = answered(caller, handlers, switch)
    control.run("no_such_application")
    control.ended()
    dialog.wait("BYE")
    assert switch.variables(control.uuid)["hangup_cause"] == "DESTINATION_OUT_OF_ORDER"


def test_a_client_that_does_not_read_holds_nobody_up(
    switch: SwitchProcess, handlers: Handlers, caller: Phone
) -> None:
    """Its events pile up; calls go on as fast as ever, and in the end it is cut off."""
    with switch.event_socket() as lazy:
        lazy.command("event plain ALL")
        dialog, control = answered(caller, handlers, switch)
        start = time.monotonic()
        for number in range(2800):
            control.run("set", f"filler={number}{'x' * 3000}")
        assert time.monotonic() - start < 30
        dialog.bye()
        with pytest.raises((EOFError, ConnectionError)):
            for _ in range(20_000):
                lazy.frame()
            lazy.command("api status")
            pytest.fail("the client was never cut off")
