"""Whether a talk is recorded, what the caller is told, and messages: as call steps, without a switch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.calls import connect
from appliance.calls.message import Message, take_message
from appliance.domain.called import Incoming, identify
from appliance.domain.hunt import Hunt
from appliance.domain.outcome import Disposition
from appliance.domain.recording import ALL, OFF, Policy
from appliance.domain.routing import Line, RoutingTable
from appliance.errors import CallerGone
from appliance.switch.leg import Recorded
from tests.calls.scenarios import desk, table
from tests.contract.fake import INVITE, FakeLeg

NAME = "2026/11/25/7d0c5a86-6d3c-4f0e-9a55-2c6ce5f1d6a4.wav"


class Dice:
    """Throws the same each time, and counts."""

    def __init__(self, throws: int) -> None:
        self.throws, self.thrown = throws, 0

    def randrange(self, sides: int) -> int:
        assert sides == 100
        self.thrown += 1
        return self.throws


def _site(number: Policy, lines: dict[str, str], notice: str = "record-notice") -> tuple[Incoming, RoutingTable]:
    """A number with these lines, rung in order."""
    known = table()
    account = next(iter(known.numbers.values())).account
    some = next(line for line in known.lines.values() if line.account == account)
    made: dict[str, Line] = {
        name: replace(some, id=name, record=record, schedule="", daily_calls=0, level=1)
        for name, record in lines.items()
    }
    route = replace(
        known.numbers["4008000003"], hunt=Hunt(tuple(lines)), record=number, record_notice=notice, flow=None
    )
    changed = replace(known, lines=made, numbers={route.number: route})
    call = identify(replace(INVITE, request_user="4008000003", to_user="4008000003"), changed, "")
    assert isinstance(call, Incoming)
    return call, changed


def _rung(leg: FakeLeg, number: Policy, lines: dict[str, str], **changed: object) -> FakeLeg:
    notice = str(changed.pop("notice", "record-notice"))
    call, known = _site(number, lines, notice)
    with pytest.raises(CallerGone):
        connect.ring(leg, call, call.route.hunt, "name", known, desk(**changed), free=False)
    return leg


def test_all_are_told_once_and_recorded() -> None:
    leg = _rung(FakeLeg(lines={"a": Disposition.BUSY}), ALL, {"a": "", "b": ""})
    assert leg.did == [("play", "record-notice.wav"), ("connect", "a"), ("connect", "b")]
    assert leg.recorded_to == [leg.told["recording"]]
    assert leg.told["notice"] == "record-notice" and not leg.told.get("unrecorded")


@pytest.mark.parametrize(
    ("number", "lines", "flow", "why"),
    [
        (OFF, {"a": ""}, "", "off"),
        (ALL, {"a": "off"}, "all", "off"),
        (ALL, {"a": "all"}, "off", "off"),
        (Policy(30), {"a": ""}, "", "share"),
        (ALL, {"a": "share:30"}, "", "share"),
        (ALL, {"a": ""}, "share:30", "share"),
    ],
)
def test_who_is_not_recorded_hears_no_notice(number: Policy, lines: dict[str, str], flow: str, why: str) -> None:
    leg = _rung(FakeLeg(notes={"record": flow}), number, lines, dice=Dice(30))
    assert leg.did == [("connect", "a")] and leg.recorded_to == []
    assert leg.told["unrecorded"] == why and not leg.told.get("recording") and "notice" not in leg.told


def test_a_share_is_drawn_once_a_call() -> None:
    dice = Dice(29)
    leg = _rung(FakeLeg(lines={"a": Disposition.BUSY}), Policy(30), {"a": "", "b": ""}, dice=dice)
    assert leg.recorded_to and dice.thrown == 1 and leg.told["draw"] == "29"
    # It comes back from dead handlers: nobody throws again.
    again = _rung(FakeLeg(notes={"draw": "29"}), Policy(30), {"a": ""}, dice=Dice(99))
    assert again.recorded_to


def test_a_line_that_says_off_is_not_recorded_and_the_next_one_is() -> None:
    leg = _rung(FakeLeg(lines={"a": Disposition.BUSY}), ALL, {"a": "off", "b": ""})
    assert leg.did == [("connect", "a"), ("play", "record-notice.wav"), ("connect", "b")]
    assert leg.recorded_to and leg.told["unrecorded"] == ""
    other = _rung(FakeLeg(lines={"a": Disposition.BUSY}), ALL, {"a": "", "b": "off"})
    assert other.recorded_to == [] and other.told["unrecorded"] == "off" and other.told["recording"] == ""


def test_calls_go_on_without_room() -> None:
    leg = _rung(FakeLeg(), ALL, {"a": ""}, has_room=lambda: False)
    assert leg.did == [("connect", "a")] and leg.recorded_to == [] and leg.told["unrecorded"] == "no-room"


def test_no_notice_or_another_one() -> None:
    assert _rung(FakeLeg(), ALL, {"a": ""}, notice="").did == [("connect", "a")]
    leg = _rung(FakeLeg(), ALL, {"a": ""}, notice="bye")
    assert leg.did == [("play", "bye.wav"), ("connect", "a")] and leg.told["notice"] == "bye"


def _message(leg: FakeLeg, prompt: str = "", **changed: object) -> Message:
    call, _ = _site(ALL, {"a": ""})
    return take_message(leg, call, prompt, 120, desk(**changed))


FIRST = "messages/7d0c5a86-6d3c-4f0e-9a55-2c6ce5f1d6a4-m1.wav"
SECOND = FIRST.replace("-m1", "-m2")


def test_a_message_is_left() -> None:
    leg = FakeLeg(says=[Recorded(4.0, "#")])
    assert _message(leg) is Message.LEFT
    assert leg.did == [
        ("answer",),
        ("play", "message-prompt.wav"),
        ("play", "beep.wav"),
        ("record", FIRST),
        ("play", "message-thanks.wav"),
    ]
    assert leg.told["messages"] == FIRST and leg.told["outcome"] == "ended:message"


@pytest.mark.parametrize(
    ("said", "becomes"), [(None, Message.NONE), (Recorded(0.9), Message.TOO_SHORT), (Recorded(1.0), Message.LEFT)]
)
def test_one_that_is_none_is_taken_back(said: Recorded | None, becomes: Message) -> None:
    leg = FakeLeg(says=[said], notes={"messages": FIRST})
    assert _message(leg, "bye") is becomes
    assert leg.did[1] == ("play", "bye.wav")
    assert leg.notes["messages"] == (f"{FIRST};{SECOND}" if becomes is Message.LEFT else FIRST)


def test_the_record_speaks_of_it_before_it_is_begun() -> None:
    leg = FakeLeg(gone_at="record")
    with pytest.raises(CallerGone):
        _message(leg)
    assert leg.told["messages"] == FIRST and leg.told["outcome"] == "ended:message"
    gone_early = FakeLeg(gone_at="play")
    with pytest.raises(CallerGone):
        _message(gone_early)
    assert "messages" not in gone_early.told and gone_early.told["outcome"] == "abandoned:message"


def test_nobody_is_asked_without_room() -> None:
    leg = FakeLeg()
    assert _message(leg, has_room=lambda: False) is Message.NO_ROOM
    assert leg.did == []


def _second(policy: str, **notes: str) -> FakeLeg:
    """The talk of a caller whose first talk is recorded, with a line of that policy."""
    before = {"recorded": "yes", "recording": NAME, "notice": "record-notice"}
    return _rung(FakeLeg(notes=before | notes), ALL, {"a": policy})


def test_a_second_talk_is_recorded_to_the_first_ones_file() -> None:
    """Its name is of the day before: over midnight, too."""
    leg = _second("")
    assert leg.recorded_to == [NAME] and leg.notes["recording"] == NAME


def test_a_second_talk_that_is_not_recorded_takes_nothing_of_the_first() -> None:
    leg = _second("off")
    assert leg.recorded_to == []
    assert (leg.notes["recording"], leg.notes["unrecorded"]) == (NAME, "off")
    again = _second("all", unrecorded="off")
    assert again.recorded_to == [NAME] and again.notes["unrecorded"] == ""
