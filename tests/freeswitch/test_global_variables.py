"""What the configuration says once for every call: FreeSWITCH takes it, and it is not in a call's data."""

from __future__ import annotations

import re
from pathlib import PurePath

import pytest

from appliance.site import switchconf
from appliance.testphone import LineScript, Phone
from tests.freeswitch.scripted import Handlers, Leg, dial, ring
from tests.support.audio import assert_tone, read_wav, segments
from tests.support.freeswitch_server import PASSWORD, FreeSwitch

pytestmark = pytest.mark.freeswitch


def of_the_line(records: dict[str, dict[str, str]]) -> dict[str, str]:
    return next(record for name, record in records.items() if not name.startswith("a_"))


def of_the_caller(records: dict[str, dict[str, str]]) -> dict[str, str]:
    return next(record for name, record in records.items() if name.startswith("a_"))


async def test_they_are_set_and_in_no_calls_data(switch: FreeSwitch) -> None:
    top = switchconf.render(switch.settings, PASSWORD, [])[PurePath("freeswitch.xml")]
    names = set(re.findall(r'cmd="set" data="(\w+)=', top))
    assert {"ringback", "export_vars", "RECORD_STEREO", "effective_caller_id_name", "continue_on_fail"} <= names
    unset = {name for name in names if not switch.api(f"global_getvar {name}")}
    assert unset == set()
    async with (
        Phone(on_invite=LineScript.answer(0.1, hang_up_after=0.3)) as line,
        Handlers(switch, ring(line, hang_up_after=True)) as handlers,
        Phone() as caller,
    ):
        await (await caller.dial("4008001234", switch.sip_address)).ended()
    assert {f"variable_{name}" for name in names} & set(handlers.legs[0].data) == set()
    assert names & set(of_the_caller(switch.cdrs(2))) == set()


async def test_a_lines_record_says_whose_it_was(switch: FreeSwitch) -> None:
    exported = switch.api("global_getvar export_vars").split(",")
    assert {"gw_number", "gw_account", "gw_line"} <= set(exported)

    async def script(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("multiset", "^^;" + ";".join(f"{name}=first-{name}" for name in exported))
        await leg.execute("bridge", dial(line))
        await leg.execute("multiset", "^^;" + ";".join(f"{name}=then" for name in exported))
        await leg.execute("hangup", "USER_BUSY")

    async with (
        Phone(on_invite=LineScript.busy()) as line,
        Handlers(switch, script),
        Phone() as caller,
    ):
        await (await caller.dial("4008001234", switch.sip_address)).ended()
    rung = of_the_line(switch.cdrs(2))
    assert {name: rung[name] for name in exported} == {name: f"first-{name}" for name in exported}


@pytest.mark.parametrize("answer", [False, True], ids=["unanswered", "answered"])
async def test_ringback_and_not_the_lines_own(switch: FreeSwitch, answer: bool) -> None:
    async with (
        Phone(on_invite=LineScript.early_media(800, after=7.0, status=486)) as line,
        Handlers(switch, ring(line, answer=answer)),
        Phone() as caller,
    ):
        call = await caller.dial("4008001234", switch.sip_address)
        await call.ended(15.0)
    assert segments(call.heard, 800) == []
    # The first tone may have begun before the caller's media did, by the moment that a busy machine takes.
    (_, first_end), (second, second_end) = segments(call.heard, 450)[:2]
    assert 3.8 < second - first_end < 4.2
    assert 0.9 < second_end - second < 1.1


@pytest.mark.parametrize(
    ("sets", "options", "shown"),
    [
        ("gw_line=a", "", b'"anonymous" <sip:anonymous@'),
        (
            "effective_caller_id_number=4008001234;effective_caller_id_name=4008001234",
            "",
            b'"4008001234" <sip:4008001234@',
        ),
        (
            "gw_line=a",
            ",origination_caller_id_number=4008001234,origination_caller_id_name=4008001234",
            b'"4008001234" <sip:4008001234@',
        ),
    ],
    ids=["nobody", "channel", "leg"],
)
async def test_a_line_sees_nobody_until_somebody_says_otherwise(
    switch: FreeSwitch, sets: str, options: str, shown: bytes
) -> None:
    async def script(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("multiset", f"^^;{sets}")
        await leg.execute("bridge", dial(line, f"leg_timeout=20{options}"))
        await leg.execute("hangup", "USER_BUSY")

    async with (
        Phone(on_invite=LineScript.busy()) as line,
        Handlers(switch, script),
        Phone() as caller,
    ):
        await (await caller.dial("4008001234", switch.sip_address, display=b"%0D%0AX-Evil: 1")).ended()
    request = line.calls[0].request
    assert request.need("From").startswith(shown)
    assert b"Evil" not in request.encode()


async def test_a_recording_is_stereo_and_of_the_talk_only(switch: FreeSwitch) -> None:
    file = switch.settings.recordings_dir / "2026" / "talk.wav"

    async def script(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("set", "hangup_after_bridge=false")
        await leg.execute("answer")
        await leg.execute("record_session", str(file))
        await leg.execute("bridge", dial(line))
        await leg.execute("stop_record_session", str(file))
        lengths.append(read_wav(file).seconds)  # whole already
        await leg.execute("hangup", "NORMAL_CLEARING")

    lengths: list[float] = []
    async with (
        Phone(on_invite=LineScript.answer(2.0, say=700, hang_up_after=1.5)) as line,
        Handlers(switch, script),
        Phone() as caller,
    ):
        call = await caller.dial("4008001234", switch.sip_address)
        await call.answered()
        call.say(1200)
        await call.ended()
    recording = read_wav(file)
    assert recording.right is not None
    # Two seconds of ringing are not in it.
    assert 1.2 < recording.seconds < 1.9
    assert lengths == [recording.seconds]
    assert_tone(recording.left, 1200, 0.4, 1.1)
    assert_tone(recording.right, 700, 0.4, 1.1)


async def test_a_line_that_failed_leaves_no_recording(switch: FreeSwitch) -> None:
    file = switch.settings.recordings_dir / "2026" / "none.wav"
    left: list[bool] = []

    async def script(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("answer")
        await leg.execute("record_session", str(file))
        await leg.execute("bridge", dial(line))
        # Not the end of the call, which an answered one is by default (audio_bridge_function).
        assert await leg.getvar("originate_disposition") == "USER_BUSY"
        await leg.execute("stop_record_session", str(file))
        left.append(file.exists())
        await leg.execute("hangup", "USER_BUSY")

    async with (
        Phone(on_invite=LineScript.busy(1.0)) as line,
        Handlers(switch, script),
        Phone() as caller,
    ):
        await (await caller.dial("4008001234", switch.sip_address)).ended()
    assert left == [False]
