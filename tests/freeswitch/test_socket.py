"""The outbound socket without ``async``: what is sent, in which order it is answered, and how it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from appliance.testphone import LineScript, Phone
from tests.freeswitch.scripted import Handlers, Leg, Script, dial, execute
from tests.support.freeswitch_server import FreeSwitch

pytestmark = pytest.mark.freeswitch

TONE = "tone_stream://%(10000,0,400)"


def body(application: str, argument: str) -> str:
    """A ``sendmsg`` whose argument is its body."""
    length = len(argument.encode())
    head = f"sendmsg\ncall-command: execute\nexecute-app-name: {application}\n"
    return f"{head}content-type: text/plain\ncontent-length: {length}\n\n{argument}"


async def call_with(switch: FreeSwitch, script: Script) -> None:
    """One call that ``script`` has until it ends; a fault of the script is the test's."""

    async def whole(leg: Leg) -> None:
        await leg.connect()
        await script(leg)
        await leg.execute("hangup", "NORMAL_CLEARING")

    async with Handlers(switch, whole), Phone() as caller:
        # As long as a script that fails at each offer takes, so that its own fault is what is shown.
        await (await caller.dial("4008001234", switch.sip_address)).ended(25.0)


async def test_an_argument_is_a_header_or_the_body(switch: FreeSwitch) -> None:
    async def script(leg: Leg) -> None:
        assert (await leg.execute("set", "gw_a=a header"))["Reply-Text"] == "+OK"
        assert await leg.getvar("gw_a") == "a header"
        leg.write(body("set", "gw_a=总机/1 %20"))
        assert (await leg.reply())["Reply-Text"] == "+OK"
        assert await leg.getvar("gw_a") == "总机/1 %20"
        await leg.execute("set", "gw_a=")
        assert await leg.getvar("gw_a") == "-ERR command not found"

    await call_with(switch, script)


@pytest.mark.parametrize("send", [lambda *one: execute(*one) + "\n\n", body], ids=["header", "body"])
async def test_applications_at_once_are_one_command(switch: FreeSwitch, send: Callable[[str, str], str]) -> None:
    applications = "'m:|:multiset:^^;gw_a=1;gw_b=x, y|answer|playback:tone_stream://%(300,0,400)' inline"

    async def script(leg: Leg) -> None:
        began = time.monotonic()
        leg.write(
            send("execute_extension", applications) + "getvar gw_b\n\ngetvar current_application_response\n\n"
        )
        said = [(await leg.reply())["Reply-Text"] for _ in range(3)]
        # The first answer comes when the last one has ended; the others are read after it, and in order.
        assert said == ["+OK", "x, y", "FILE PLAYED"]
        assert 0.25 < time.monotonic() - began < 2.0

    await call_with(switch, script)


async def test_what_the_connection_says_of_itself(switch: FreeSwitch) -> None:
    async def script(leg: Leg) -> None:
        assert (leg.data["Socket-Mode"], leg.data["Control"]) == ("static", "full")
        assert "variable_start_uepoch" not in leg.data

    await call_with(switch, script)


async def test_a_hang_up_ends_what_runs_and_what_would_follow(switch: FreeSwitch) -> None:
    ends: list[list[str]] = []

    async def script(leg: Leg) -> None:
        await leg.connect()
        leg.write(body("execute_extension", f"'m:|:answer|playback:{TONE}|set:gw_after=yes' inline"))
        leg.write("getvar uuid\n\n")
        ends.append(await leg.rest())

    async with Handlers(switch, script), Phone() as caller:
        call = await caller.dial("4008001234", switch.sip_address)
        await call.hears(400)
        await call.hangup()
        record = next(iter(switch.cdrs(1).values()))
        while not ends:
            await asyncio.sleep(0.05)
    assert ends == [["command/reply", "text/disconnect-notice"]]
    assert "gw_after" not in record


async def test_a_hang_up_between_two_commands_is_told_at_once(switch: FreeSwitch) -> None:
    ends: list[list[str]] = []

    async def script(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("answer")
        ends.append(await leg.rest())

    async with Handlers(switch, script), Phone() as caller:
        call = await caller.dial("4008001234", switch.sip_address)
        await call.answered()
        await call.hangup()
        async with asyncio.timeout(2.0):
            while not ends:
                await asyncio.sleep(0.05)
    assert ends == [["text/disconnect-notice"]]


async def test_our_own_hang_up_is_answered_and_then_told(switch: FreeSwitch) -> None:
    ends: list[list[str]] = []

    async def script(leg: Leg) -> None:
        await leg.connect()
        leg.write(execute("hangup", "USER_BUSY") + "\n\n")
        ends.append(await leg.rest())

    async with Handlers(switch, script), Phone() as caller:
        end = await (await caller.dial("4008001234", switch.sip_address)).ended()
        while not ends:
            await asyncio.sleep(0.05)
    assert (end.status, end.cause) == (486, 17)
    assert ends == [["command/reply", "text/disconnect-notice"]]


@pytest.mark.parametrize("doing", ["nothing", "a prompt"])
async def test_the_operator_ends_a_call(switch: FreeSwitch, doing: str) -> None:
    async def script(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("answer")
        if doing == "a prompt":
            await leg.execute("playback", TONE)
        await leg.until_gone()

    async with Handlers(switch, script) as handlers, Phone() as caller:
        call = await caller.dial("4008001234", switch.sip_address)
        await call.answered()
        assert switch.api(f"uuid_kill {handlers.legs[0].uuid}").startswith("+OK")
        assert (await call.ended(2.0)).by == "them"


@pytest.mark.parametrize("ends", ["true", "false"])
async def test_whether_a_talks_end_is_the_calls(switch: FreeSwitch, ends: str) -> None:
    dispositions: list[str] = []

    async def script(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("set", f"hangup_after_bridge={ends}")
        await leg.execute("bridge", dial(line))
        dispositions.append(await leg.getvar("originate_disposition"))
        await leg.execute("playback", "tone_stream://%(500,0,900)")
        await leg.execute("hangup", "NORMAL_CLEARING")

    async with (
        Phone(on_invite=LineScript.answer(0.1, say=700, hang_up_after=1.0)) as line,
        Handlers(switch, script),
        Phone() as caller,
    ):
        call = await caller.dial("4008001234", switch.sip_address)
        await call.hears(700)
        if ends == "false":
            await call.hears(900)
        assert (await call.ended()).cause == 16
    assert dispositions == ([] if ends == "true" else ["SUCCESS"])
