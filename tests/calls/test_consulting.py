"""Callers who hang up while their line's side consults another."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from appliance.calls.consulting import LOOK_EVERY_S, Consultations
from appliance.errors import SwitchGone, SwitchRefused


class Switch:
    """Knows callers' legs: ``_undef_`` for one that is up."""

    def __init__(self, **roles: str) -> None:
        self.roles = roles
        self.told: list[str] = []
        self.opened = 0
        self.away = False

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Callable[[str], str]]:
        if self.away:
            raise SwitchGone("nobody listens")
        self.opened += 1
        yield self.api

    def api(self, command: str) -> str:
        self.told.append(command)
        verb, *words = command.split()
        if verb == "uuid_getvar":
            if words[0] not in self.roles:
                raise SwitchRefused("-ERR No such channel!")
            return self.roles[words[0]]
        return "+OK"

    @property
    def ended(self) -> list[str]:
        return [command for command in self.told if command.startswith("hupall")]


def test_nobody_is_asked_while_there_is_none() -> None:
    switch = Switch()
    Consultations(switch).look(lambda _: pytest.fail("waits"))
    assert switch.opened == 0


def test_it_goes_on_while_the_caller_is_there_and_ends_once_behind_him() -> None:
    switch = Switch(a="_undef_", b="_undef_")
    watched = Consultations(switch)
    turns: list[float] = []

    def pause(seconds: float) -> None:
        turns.append(seconds)
        if len(turns) == 2:
            assert switch.ended == []
            switch.roles["a"] = "originator"
        if len(turns) == 4:
            del switch.roles["b"]

    with watched.of("a"), watched.of("b"):
        watched.look(pause)
    assert turns == [LOOK_EVERY_S] * 5
    assert switch.ended == ["hupall NORMAL_CLEARING gw_call a", "hupall NORMAL_CLEARING gw_call b"]
    assert switch.opened == 1


def test_who_is_back_with_his_caller_is_not_asked_about_any_more() -> None:
    switch = Switch(a="_undef_")
    watched = Consultations(switch)
    with contextlib.ExitStack() as at_it:
        at_it.enter_context(watched.of("a"))
        watched.look(lambda _: at_it.close())
    assert switch.told == ["uuid_getvar a last_bridge_role"]


def test_a_switch_that_is_away_is_said_once_and_asked_again() -> None:
    switch = Switch(a="originator")
    watched = Consultations(switch)
    switch.away = True
    with capture_logs() as logs, watched.of("a"):
        watched.look(lambda _: None)
        watched.look(lambda _: None)
        switch.away = False
        watched.look(lambda _: None)
    assert [entry["event"] for entry in logs] == [
        "consultations not looked at",
        "a consultation ends with its caller",
    ]
    assert switch.ended == ["hupall NORMAL_CLEARING gw_call a"]
