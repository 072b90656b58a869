"""Waiting for a key, in silence or with music: in pieces, so that the switch sees at their end who has died."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import gevent
import pytest

from appliance.switch import esl_leg
from appliance.switch.esl_leg import EslLeg
from appliance.switch.leg import Digits, NoInput
from tests.switch.legs import HELLO, SONGS, Ends, call, run, settings
from tests.switch.scripted_switch import OK, value

__all__ = ["call"]


def asked_again(call: Ends, timeout_s: float, lasts_s: list[float], last: str = "") -> tuple[object, list[str]]:
    """Collect, each asking answered after its time, the last one with ``last``; what came, and the arguments."""
    leg, switch = call
    doing = gevent.spawn(leg.collect, HELLO, timeout_s)
    asked = []
    for number, lasts in enumerate(lasts_s, 1):
        sent, _ = switch.asked()
        asked.append(sent[-1][1])
        gevent.sleep(lasts)
        switch.say(OK, value(last if number == len(lasts_s) else ""))
    return doing.get(timeout=2), asked


def test_a_long_wait_is_asked_for_in_pieces(call: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only at the end of a piece does the switch see that the handlers have died."""
    monkeypatch.setattr(esl_leg, "LONGEST_WAIT_S", 0.3)
    found, asked = asked_again(call, 0.8, [0.3, 0.3, 0.2])
    assert found == NoInput()
    files = [argument.split(" ")[5] for argument in asked]
    assert files == ["/srv/prompts/hello.wav", "silence_stream://20", "silence_stream://20"]
    assert [int(argument.split(" ")[3]) for argument in asked] == [
        300,
        pytest.approx(300, abs=60),
        pytest.approx(200, abs=60),
    ]


def test_the_pause_between_keys_is_the_same_in_every_piece(call: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who begins to dial in a short last piece has as long for the next key as anybody."""
    monkeypatch.setattr(esl_leg, "LONGEST_WAIT_S", 0.3)
    _, asked = asked_again(call, 0.8, [0.3, 0.3, 0.2])
    assert {argument.split(" ")[-1] for argument in asked} == {"800"}


def test_a_key_in_a_later_piece_counts(call: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esl_leg, "LONGEST_WAIT_S", 0.3)
    assert asked_again(call, 5, [0.3, 0.1], "7")[0] == Digits("7")


def test_a_prompt_that_cannot_be_played_is_waited_out_in_silence(call: Ends) -> None:
    found, asked = asked_again(call, 0.4, [0.0, 0.4])
    assert found == NoInput()
    assert asked[0].split(" ")[3] == "400"
    assert int(asked[1].split(" ")[3]) > 350, "the whole time counts from here"


def test_letters_do_not_keep_the_waiting_going(call: Ends) -> None:
    """A to D end an asking and are no keys; the caller's time is not begun anew for each."""
    leg, switch = call
    began = time.monotonic()
    doing = gevent.spawn(leg.collect, HELLO, 0.4)
    while not doing.ready():
        with contextlib.suppress(gevent.Timeout):
            switch.asked()
            gevent.sleep(0.02)
            switch.say(OK, value(""))
            gevent.sleep(0.01)
        assert time.monotonic() - began < 10
    assert doing.get() == NoInput()


def answered_late(
    call: Ends, verb: Callable[[EslLeg], object], lasts_s: list[float]
) -> list[list[tuple[str, str]]]:
    """Carry a verb out, each of its messages answered after its time without a value; what was sent."""
    leg, switch = call
    doing = gevent.spawn(verb, leg)
    sent = []
    for lasts in lasts_s:
        sent.append(switch.asked()[0])
        gevent.sleep(lasts)
        switch.say(OK, value(""))
    doing.get(timeout=2)
    return sent


def test_waiting(call: Ends) -> None:
    """What is set for it is taken away by the same message: its handlers may be dead at its end."""
    leg, _ = call
    leg.answer()
    sent, asked, key = run(call, lambda leg: leg.wait(SONGS, "12#"), "2")
    assert [name for name, _ in sent] == ["multiset", "answer", "playback", "multiset"]
    assert settings(sent[0][1]) == {"playback_terminators": "12#", "gw_waits": "yes"}
    assert sent[2][1] == "file_string:///srv/prompts/hello.wav!/srv/built-in/song.wav"
    assert settings(sent[3][1]) == {"playback_terminators": ""}
    assert (asked, key) == ("playback_terminator_used", Digits("2"))
    follows = run(call, lambda leg: leg.play(HELLO))[0]
    assert [name for name, _ in follows] == ["multiset", "playback"]
    assert settings(follows[0][1]) == {"gw_waits": ""}


def test_waiting_without_keys(call: Ends) -> None:
    (sent,) = answered_late(call, lambda leg: leg.wait(SONGS, ""), [0.5])
    assert settings(sent[0][1])["playback_terminators"] == "none"


def test_a_wait_that_is_over_at_once_is_followed_by_silence(call: Ends) -> None:
    sent = answered_late(call, lambda leg: leg.wait(SONGS, "1"), [0.0, 0.0])
    assert [one[1] for one in sent] == [
        ("playback", "file_string:///srv/prompts/hello.wav!/srv/built-in/song.wav"),
        ("playback", "silence_stream://500"),
    ]
    assert settings(sent[1][0][1])["playback_terminators"] == "1"


def test_the_dialplan_is_told_that_the_call_waits(call: Ends) -> None:
    """Until something else is done with it."""
    leg, _ = call
    for _ in range(2):
        (sent,) = answered_late(call, lambda leg: leg.wait(SONGS, "1"), [0.5])
        assert settings(sent[0][1])["gw_waits"] == "yes"
    (sent,) = answered_late(call, lambda leg: leg.play(SONGS[0]), [0.0])
    assert settings(sent[0][1])["gw_waits"] == ""
    (sent,) = answered_late(call, lambda leg: leg.play(SONGS[0]), [0.0])
    assert "multiset" not in dict(sent)
    assert "waits" not in leg.notes


def test_a_long_wait_forgets_the_losses(call: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once: with what is sent next."""
    leg, _ = call
    monkeypatch.setattr(esl_leg, "_AT_ONCE_S", 0.1)
    monkeypatch.setattr(esl_leg, "FORGIVEN_AFTER_S", 0.3)
    said = []
    for lasts in (0.15, 0.35, 0.35, 0.15):
        (sent,) = answered_late(call, lambda leg: leg.wait(SONGS, "1"), [lasts])
        said.append(settings(sent[0][1]).get("gw_losses"))
    assert said == [None, None, "", None]
    assert "losses" not in leg.notes
