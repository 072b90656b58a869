"""Hooks as they are shown: with nothing in them that lets others send in their name."""

from __future__ import annotations

import pytest

from appliance.domain.hook import PLACES, ROBOTS, Encoding, Hook, HookKind


@pytest.mark.parametrize("kind", HookKind)
def test_what_is_secret_is_shown_nowhere(kind: HookKind) -> None:
    hook = Hook("h", "demo", kind, "https://hooks.example/{token}", token="TOKEN-1", secret="SECRET-1")
    assert "TOKEN-1" not in f"{hook!r} {hook}" and "SECRET-1" not in f"{hook!r} {hook}"
    assert (hook.encoding, hook.per_minute) == (Encoding.FORM, 0)


def test_robots_are_those_of_group_chats() -> None:
    assert {kind for kind in HookKind if kind not in (HookKind.WEBHOOK, HookKind.SMS)} == ROBOTS
    assert len(set(PLACES)) == len(PLACES)
