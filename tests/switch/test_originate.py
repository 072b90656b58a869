"""Placing a call of our own: what is sent, and what a refusal says."""

from __future__ import annotations

import doctest
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.errors import UnsafeArgument
from appliance.switch import originate as module
from appliance.switch.leg import Target
from appliance.switch.originate import _cause, argument

TARGET = Target(
    "a", "02151860000", "127.0.0.1:5080", 25, 2, caller_number="02160000000", trunk="t", trunk_max_calls=3
)


def test_the_example() -> None:
    assert doctest.testmod(module).failed == 0


def test_several_lines_each_with_its_own_slots_name_and_facts() -> None:
    lines = [TARGET, replace(TARGET, line="b", confirm=True, whisper=Path("/prompts/w.wav"))]
    facts = {"a": {"line": "a", "callback": "r"}, "b": {"line": "b", "because": "x=1,]y z"}}
    sent = argument(lines, [Path("/prompts")], {"a": "u-1", "b": "u-2"}, facts)
    assert sent.startswith("'{ignore_early_media=true,") and sent.endswith("' callback XML handlers")
    assert sent.count("'") == 2, "one argument, whatever blanks it holds"
    assert "execute_on_originate_0=limit hash line a 2 !NO_PICKUP" in sent
    assert "execute_on_originate_1=limit hash trunk t 3 !NORMAL_CIRCUIT_CONGESTION" in sent
    assert "[origination_uuid=u-1,gw_facts=line=a&callback=r," in sent
    # Nothing of a fact is syntax of the dial string.
    assert "[origination_uuid=u-2,gw_facts=line=b&because=x%3D1%2C%5Dy+z," in sent
    assert "group_confirm_key=1,group_confirm_file=/prompts/w.wav" in sent


@pytest.mark.parametrize("uuid", ["u]", "u,a=b", "u v", "$u", "u'"])
def test_nothing_is_sent_that_is_not_plain(uuid: str) -> None:
    with pytest.raises(UnsafeArgument):
        argument([TARGET], [], {"a": uuid}, {"a": {}})


@pytest.mark.parametrize(
    ("refused", "cause"),
    [
        ("'api originate …': -ERR USER_BUSY", "USER_BUSY"),
        ("'api originate …': -USAGE: <call url>", "NORMAL_UNSPECIFIED"),
    ],
)
def test_what_a_refusal_says(refused: str, cause: str) -> None:
    assert _cause(refused) == cause
