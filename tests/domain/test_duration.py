"""The maximum call duration: which channels are watched, and how near they are."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime

import pytest

from appliance.domain import duration
from appliance.domain.duration import TimeLimit, nearing_limit

BEGAN = 1_000
CALLER = {"uuid": "c", "direction": "inbound", "created_epoch": str(BEGAN)}
LINE = {"uuid": "l", "direction": "outbound", "created_epoch": str(BEGAN)}


def left(rows: list[dict[str, str]], age_s: int) -> dict[str, int]:
    return nearing_limit(rows, datetime.fromtimestamp(BEGAN + age_s, UTC), max_s=60, within_s=10)


def test_a_limit_without_a_warning() -> None:
    assert TimeLimit(300, True).warns_after_s is None
    assert TimeLimit(2, True, 60).warns_after_s == 1


def test_doctests() -> None:
    assert doctest.testmod(duration).failed == 0


@pytest.mark.parametrize(
    ("age_s", "seconds"), [(49, None), (50, 10), (59, 1), (60, 0), (3600, 0)], ids=lambda value: str(value)
)
def test_seconds_left(age_s: int, seconds: int | None) -> None:
    assert left([CALLER], age_s).get("c") == seconds


def test_a_line_ends_with_its_caller_and_one_that_calls_back_with_itself() -> None:
    back = LINE | {"uuid": "b", "context": "handlers", "dest": "callback"}
    others = [LINE, back | {"uuid": "d", "dest": "4008001234"}, back | {"uuid": "e", "context": "public"}]
    assert set(left([CALLER, back, *others], 55)) == {"c", "b"}


@pytest.mark.parametrize("change", [{"uuid": ""}, {"created_epoch": ""}, {"created_epoch": "soon"}])
def test_a_row_that_is_none_of_ours_is_passed_over(change: dict[str, str]) -> None:
    assert left([CALLER | change, {}], 55) == {}


def test_whom_a_line_is_consulted_for() -> None:
    asking = {"application": "att_xfer", "application_data": "[gw_outward=t,gw_call=0b-1c,x=y]sofia/gateway400/1@h"}
    unknown = {"application": "att_xfer", "application_data": "[gw_line=b]sofia/gateway400/1@h"}
    other = asking | {"application": "bridge"}
    assert duration.consulted_for([asking, unknown, other, CALLER]) == {"0b-1c"}
