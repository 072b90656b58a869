"""A person settles a call that could not be charged by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.domain.settling import LONGEST, Action, Facts, State, settled
from appliance.errors import RatingError

START = datetime(2026, 1, 1, tzinfo=UTC)
ANSWER, JOIN = START + timedelta(seconds=2), START + timedelta(seconds=10)
KNOWN = Facts(START, ANSWER, JOIN, 30_000, 22_000)
ABNORMAL = State(abnormal=True, rejected=False, final=False)


@pytest.mark.parametrize(
    ("facts", "talked_s", "billed_s", "result"),
    [
        # As the record is.
        (KNOWN, None, None, (ANSWER, 30_000, 22_000)),
        # Eight seconds of waiting are known.
        (KNOWN, 100, None, (ANSWER, 108_000, 100_000)),
        (KNOWN, 100, 120, (ANSWER, 120_000, 100_000)),
        (KNOWN, None, 60, (ANSWER, 60_000, 22_000)),
        (KNOWN, 0, 0, (ANSWER, 0, 0)),
        # Nobody is known to have answered: from the talk on, else from the start.
        (Facts(START, None, JOIN, 0, 0), 50, None, (JOIN, 50_000, 50_000)),
        (Facts(START, None, None, 0, 0), 50, None, (START, 50_000, 50_000)),
        (Facts(START, None, None, 0, 0), None, None, (None, 0, 0)),
        # A record that says it was joined before it was answered.
        (Facts(START, JOIN, ANSWER, 0, 0), 5, None, (JOIN, 5_000, 5_000)),
    ],
)
def test_a_person_says_how_long_it_lasted(
    facts: Facts, talked_s: int | None, billed_s: int | None, result: tuple[datetime | None, int, int]
) -> None:
    found = settled(ABNORMAL, facts, Action.CHARGE, talked_s=talked_s, billed_s=billed_s)
    assert (found.answered_at, found.bill_ms, found.bridged_ms) == result
    assert (found.started_at, found.joined_at) == (facts.started_at, facts.joined_at)


@pytest.mark.parametrize("state", [ABNORMAL, State(abnormal=False, rejected=True, final=False)])
def test_what_is_waived_stays_as_it_was_recorded(state: State) -> None:
    assert settled(state, KNOWN, Action.WAIVE) == KNOWN


@pytest.mark.parametrize(
    ("state", "action", "told", "why"),
    [
        (State(abnormal=True, rejected=False, final=True), Action.CHARGE, {}, "month is closed"),
        (State(abnormal=True, rejected=False, final=True), Action.WAIVE, {}, "month is closed"),
        (State(abnormal=False, rejected=False, final=False), Action.WAIVE, {}, "only a call that is abnormal"),
        (State(abnormal=False, rejected=True, final=False), Action.CHARGE, {}, "only an abnormal call"),
        (ABNORMAL, Action.WAIVE, {"talked_s": 1}, "no durations"),
        (ABNORMAL, Action.WAIVE, {"billed_s": 1}, "no durations"),
        (ABNORMAL, Action.CHARGE, {"talked_s": -1}, "seconds must be"),
        (ABNORMAL, Action.CHARGE, {"billed_s": LONGEST + 1}, "seconds must be"),
        (ABNORMAL, Action.CHARGE, {"talked_s": 61, "billed_s": 60}, "cannot last longer"),
    ],
)
def test_what_may_not_be(state: State, action: Action, told: dict[str, int], why: str) -> None:
    with pytest.raises(RatingError, match=why):
        settled(state, KNOWN, action, **told)
