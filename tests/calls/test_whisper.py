"""What a line hears before a caller is joined to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from appliance.calls.answer import take
from appliance.domain.calendar import SHANGHAI
from appliance.domain.routing import SAY_NUMBER
from tests.calls.scenarios import Board, Clock, desk, table
from tests.calls.test_flow_nodes import BYE, NUMBER, flow, site
from tests.contract.fake import INVITE, FakeLeg

RINGS = flow("rings", "ring", ring={"type": "ring", "lines": ["a"], "failed": "bye"}, bye=BYE)


@pytest.mark.parametrize(("whole", "heard"), [(True, "said.wav"), (False, None)])
def test_the_number_is_said(whole: bool, heard: str | None) -> None:
    strung: list[list[str]] = []

    def together(paths: Sequence[Path]) -> list[Path]:
        strung.append([path.stem for path in paths])
        return [Path("/prompts/said.wav")] if whole else list(paths)

    known = site(RINGS)
    route = replace(known.numbers[NUMBER], whisper=SAY_NUMBER)
    clock = Clock()
    clock.now = datetime(2026, 11, 25, 10, tzinfo=SHANGHAI)
    leg = FakeLeg(replace(INVITE, request_user=NUMBER, to_user=NUMBER))
    tools = replace(
        desk(clock, Board()), routing=lambda: replace(known, numbers={NUMBER: route}), together=together
    )
    take(leg, tools)
    assert strung == [["whisper-from", *(f"n-{digit}" for digit in "4008009999"), "whisper-to"]]
    (target,) = leg.targets
    assert (target.whisper.name if target.whisper else None) == heard
    assert table().numbers[NUMBER].whisper != SAY_NUMBER
