"""What calls did, counted right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from appliance.domain.calendar import SHANGHAI
from appliance.domain.hunt import Hunt, LineUse, Uses
from appliance.store import journal_file as module
from appliance.store.journal import KEEP, Journal, Talked, TrunkState
from tests.store.journal.told import (
    CALLER,
    DAY,
    FAMILIAR,
    IDLE,
    MINUTE,
    NOW,
    NUMBER,
    OTHER,
    ROTATE,
    SECOND,
    STRANGER,
    call,
    count,
    rung,
    taken,
    talk,
    uses,
)


def test_an_empty_journal_knows_nothing(journal: Journal) -> None:
    assert count(journal) == 0 and journal.started("u") is None
    assert journal.started_between(NOW - DAY, NOW + DAY) == []
    for hunt in (ROTATE, IDLE, FAMILIAR, Hunt(("a",))):
        assert uses(journal, hunt) == Uses({}, "")
    assert uses(journal, ROTATE, "a") == Uses({"a": LineUse()}, "")


def test_calls_are_counted_by_number_and_caller(journal: Journal) -> None:
    journal.call_started(call("1"))
    journal.call_started(call("2", caller=STRANGER))
    journal.call_started(call("3", caller=""))
    journal.call_started(call("4", number=OTHER))
    journal.call_started(call("5", admitted=False))
    assert (count(journal), count(journal, OTHER), count(journal, "4000000000")) == (3, 1, 0)
    assert [count(journal, NUMBER, caller) for caller in (CALLER, STRANGER, "", "1")] == [1, 1, 1, 0]
    assert [count(journal, OTHER, caller) for caller in (CALLER, STRANGER)] == [1, 0]


def test_calls_are_counted_behind_an_instant_and_before_another(journal: Journal) -> None:
    for number in range(5):
        journal.call_started(call(str(number), NOW + number * SECOND))

    def counted(since: float, until: float | None = None) -> int:
        limit = None if until is None else NOW + until * SECOND
        return journal.admitted_since(NUMBER, NOW + since * SECOND, CALLER, until=limit)

    # Behind the one, up to the other.
    assert [counted(since) for since in (-1, 0, 0.5, 3, 4)] == [5, 4, 4, 1, 0]
    assert [counted(-1, until) for until in (0, 0.5, 1, 4, 5)] == [1, 1, 2, 5, 5]
    assert counted(1, 3) == 2 and counted(3, 1) == 0
    assert journal.admitted_since(NUMBER, NOW.astimezone(SHANGHAI)) == 4, "whatever the offset"


def test_a_call_counts_as_what_was_said_of_it_last(journal: Journal) -> None:
    """It was asked for a password, and then let in."""
    journal.call_started(call("u", admitted=False))
    assert count(journal) == 0
    journal.call_started(call("u", NOW + SECOND))
    journal.call_started(call("u", NOW + SECOND))
    assert count(journal) == 1
    assert journal.started("u") == call("u", NOW + SECOND)


def test_a_call_does_not_count_against_itself(journal: Journal) -> None:
    for uuid in ("1", "2"):
        journal.call_started(call(uuid))
        journal.call_started(call(f"r{uuid}", admitted=False)._replace(refusal="holiday"))
    since = NOW - DAY
    assert [journal.admitted_since(NUMBER, since, but=but) for but in ("", "1", "3")] == [2, 1, 2]
    assert [journal.admitted_since(NUMBER, since, CALLER, but=but) for but in ("", "1", "3")] == [2, 1, 2]


def test_trunks_are_as_they_were_found_last(journal: Journal, journals: Callable[..., Journal]) -> None:
    assert journal.trunks() == {}
    journal.trunk_is("b", True, NOW)
    journal.trunk_is("a", False, NOW - SECOND)
    assert list(journal.trunks().items()) == [
        ("a", TrunkState(False, NOW - SECOND)),
        ("b", TrunkState(True, NOW)),
    ]
    journal.trunk_is("b", False, NOW + SECOND)
    journal.trunk_forgotten("a")
    journal.trunk_forgotten("c")
    journal.forget(NOW + 2 * KEEP)
    assert journal.trunks() == journals().trunks() == {"b": TrunkState(False, NOW + SECOND)}


def test_beginnings_in_their_order(journal: Journal) -> None:
    made = [call("b", NOW + SECOND), call("a", NOW, admitted=False), call("c", NOW + 2 * SECOND, OTHER, "")]
    for one in made:
        journal.call_started(one)
    assert journal.started_between(NOW, NOW + 2 * SECOND) == [made[1], made[0]]
    assert journal.started_between(NOW, NOW + 3 * SECOND) == [made[1], made[0], made[2]]
    assert journal.started("c") == made[2] and journal.started("d") is None


def test_the_line_a_caller_spoke_to_last_is_that_of_the_talk_that_ended_last(journal: Journal) -> None:
    journal.talked([talk("1", "a", NOW), talk("2", "b", NOW - MINUTE)])
    journal.talked([talk("3", "c", NOW + MINUTE, OTHER), talk("4", "d", NOW + MINUTE, caller=STRANGER)])
    assert uses(journal, FAMILIAR) == Uses({}, "a")
    assert uses(journal, FAMILIAR, caller=STRANGER).last_spoken == "d"
    assert journal.uses("h", FAMILIAR, OTHER, CALLER, {}, NOW + 10 * MINUTE).last_spoken == "c"
    assert uses(journal, FAMILIAR, caller="10086").last_spoken == ""
    # Only a hunt that goes by it looks.
    assert uses(journal, IDLE).last_spoken == "" and uses(journal, ROTATE).last_spoken == ""


def test_callers_without_a_number_are_not_one_caller(journal: Journal) -> None:
    journal.talked([talk("1", "b", caller="")])
    assert uses(journal, FAMILIAR, caller="").last_spoken == ""


def test_when_each_line_ended_its_last_talk(journal: Journal) -> None:
    journal.talked([talk("1", "a"), talk("2", "a", NOW - MINUTE), talk("3", "b", NOW - DAY, OTHER), talk("4", "x")])
    assert uses(journal, IDLE).lines == {
        "a": LineUse(talked_until=NOW + MINUTE),
        "b": LineUse(talked_until=NOW - DAY + MINUTE),
    }


def test_a_talk_that_is_told_twice_counts_once(journal: Journal) -> None:
    journal.talked([talk("1"), talk("1")])
    journal.talked([talk("1"), talk("2", "b")])
    assert [taken(journal, line, NOW) for line in "ab"] == [(1, 1), (1, 1)]
    # What is told last holds: a leg that came late may have made the talk longer.
    journal.talked([Talked("1", NUMBER, CALLER, "c", NOW, NOW + 5 * MINUTE)])
    assert [taken(journal, line, NOW) for line in "ac"] == [(0, 0), (1, 1)]
    assert uses(journal, IDLE).of("c").talked_until == NOW + 5 * MINUTE


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-30T23:59:59+08:00", (1, 3)),
        ("2026-12-01T00:00:00+08:00", (1, 1)),
        ("2026-11-30T16:00:00+00:00", (1, 1)),
        ("2026-11-30T15:59:59+00:00", (1, 3)),
        ("2026-12-01T23:59:59+08:00", (1, 1)),
        ("2026-12-02T00:00:00+08:00", (0, 1)),
        ("2027-01-01T00:00:00+08:00", (0, 0)),
    ],
)
def test_days_and_months_of_a_lines_caps_are_those_of_shanghai(
    journal: Journal, now: str, expected: tuple[int, int]
) -> None:
    began = ("10-31T23:59:59", "11-01T00:00:00", "11-29T23:59:59", "11-30T00:00:00", "12-01T00:00:00")
    at = datetime.fromisoformat(now)
    for number, text in enumerate(began):
        moment = datetime.fromisoformat(f"2026-{text}+08:00")
        if moment <= at:  # what calls did before
            journal.talked([talk(str(number), "a", moment), talk(f"b{number}", "b", moment)])
    assert taken(journal, "a", at) == expected
    assert taken(journal, "c", at) == (0, 0)


def test_nothing_is_counted_beyond_the_caps(journal: Journal) -> None:
    """They are asked for with every call."""
    journal.talked([talk(str(number), "a", NOW - number * DAY) for number in range(4)])
    journal.talked([talk(f"b{number}", "a", NOW - number * MINUTE) for number in range(4)])
    for caps in ((2, 3), (99, 99), (0, 6), (4, 0), (5, 8)):
        use = journal.uses("h", Hunt(), NUMBER, CALLER, {"a": caps}, NOW).of("a")
        assert (use.today, use.this_month) == (min(caps[0], 5), min(caps[1], 8))


def test_a_talk_over_midnight_belongs_to_the_day_on_which_it_began(journal: Journal) -> None:
    midnight = datetime(2026, 12, 1, tzinfo=SHANGHAI)
    journal.talked([talk("1", "a", midnight - SECOND)])
    assert taken(journal, "a", midnight) == (0, 0)


def test_lines_are_in_the_order_in_which_they_were_rung(journal: Journal) -> None:
    for line in "abcab":
        journal.line_rung("h", [line], NOW)  # by a clock that stands still
    assert rung(journal) == ["c", "a", "b"]
    journal.line_rung("h", ["c"], NOW - DAY)  # by one that was set back
    assert rung(journal) == ["a", "b", "c"]
    journal.line_rung("h", ["a"], NOW + DAY)
    journal.line_rung("h", ["b"], NOW)
    assert rung(journal) == ["c", "a", "b"]
    times = [use.rung_at for use in uses(journal).lines.values()]
    assert len(set(times)) == 3, "no two of them at once"


def test_each_hunt_takes_its_own_turns(journal: Journal) -> None:
    journal.line_rung("h", ["b"], NOW)
    journal.line_rung("demo/main/sales", ["a"], NOW)
    assert (rung(journal), rung(journal, "demo/main/sales"), rung(journal, "x")) == (["b"], ["a"], [])


def test_a_clock_that_is_right_is_what_is_written(journal: Journal) -> None:
    journal.line_rung("h", ["a", "b"], NOW)
    assert uses(journal).lines == {"a": LineUse(rung_at=NOW), "b": LineUse(rung_at=NOW)}


def test_the_order_outlives_a_restart_with_the_clock_set_back(journals: Callable[..., Journal]) -> None:
    before = journals()
    before.line_rung("h", ["a"], NOW)
    journals().line_rung("h", ["b"], NOW - DAY)
    assert rung(journals()) == ["a", "b"]


def test_what_is_older_than_two_months_is_forgotten(journal: Journal) -> None:
    old, kept = NOW - KEEP - SECOND, NOW - KEEP
    journal.call_started(call("old", old))
    journal.call_started(call("kept", kept))
    journal.line_rung("h", ["a"], old)
    journal.line_rung("h", ["b"], kept)
    journal.talked([talk("old", "a", old - MINUTE), talk("kept", "b", kept - MINUTE)])
    journal.forget(NOW)
    assert journal.started("old") is None and journal.started("kept") is not None
    assert rung(journal) == ["b"]
    assert uses(journal, IDLE).lines == {"b": LineUse(talked_until=kept)}
    assert timedelta(days=62) == KEEP


def test_much_is_forgotten_a_little_at_a_time(
    journal: Journal, journals: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between, the handlers have the file."""
    many, handlers, left = 3 * module._AT_ONCE + 1, journals(), []
    journal.talked([talk(str(number)) for number in range(many)])

    def pause(seconds: float) -> None:
        handlers.call_started(call(str(len(left)), NOW + 2 * KEEP))
        left.append(taken(handlers, "a", NOW)[0])

    monkeypatch.setattr(module.JournalFile.drop, "__defaults__", (pause,))
    journal.forget(NOW + KEEP + DAY)
    assert left == [many - step * module._AT_ONCE for step in (1, 2, 3)]
    assert taken(journal, "a", NOW) == (0, 0)
    assert journal.admitted_since(NUMBER, NOW) == 3
