"""What calls under way have noted is kept where it outlives the switch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from appliance.calls.under_way import UnderWay
from appliance.domain.cdr import unpacked
from appliance.errors import CallerGone, SwitchGone, SwitchTimeout
from appliance.store.begun import BegunCalls
from appliance.store.journal import Journal, Started
from appliance.switch.leg import Leg

AT = datetime(2026, 11, 25, 10, tzinfo=UTC)


class Noting:
    """A leg as far as it matters here."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid
        self.notes: dict[str, str] = {}


class Desk:
    """A journal with some calls begun, what follows them, and a clock."""

    def __init__(self, file: Path) -> None:
        self.journal = Journal(file)
        self.begun = BegunCalls(self.journal.file)
        self.now = AT
        self.under_way = UnderWay(self.begun, lambda: self.now)
        self.legs = {uuid: Noting(uuid) for uuid in ("a", "b")}
        for uuid in self.legs:
            self.journal.call_started(Started(uuid, AT, "4008001234", "demo", "in", "13800138000", True))

    def kept(self) -> dict[str, tuple[dict[str, str], float]]:
        """Facts by call, and how many seconds after the start they were noted."""
        return {
            one.uuid: (unpacked(one.facts), (one.noted_at - AT).total_seconds())
            for one in self.begun.open()
            if one.noted_at is not None
        }

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def run(self, handler: Any, uuid: str = "a") -> None:
        self.under_way.followed(handler)(cast(Leg, self.legs[uuid]))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "journal.db")
    yield made
    made.journal.close()


def test_only_what_has_changed_is_written(desk: Desk) -> None:
    def handler(leg: Noting) -> None:
        leg.notes["node"] = "main"
        desk.later(2)
        desk.under_way.look()
        assert desk.kept() == {"a": ({"gw_node": "main"}, 2)}
        desk.later(2)
        desk.under_way.look()
        assert desk.kept() == {"a": ({"gw_node": "main"}, 2)}
        leg.notes["queue"] = "desk@1"
        desk.later(2)
        desk.under_way.look()
        assert desk.kept() == {"a": ({"gw_node": "main", "gw_queue": "desk@1"}, 6)}

    desk.run(handler)
    desk.later(9)
    desk.under_way.look()
    assert desk.kept()["a"][1] == 6, "the call is over"


@pytest.mark.parametrize("error", [SwitchGone("closed"), SwitchTimeout("late")])
def test_a_switch_that_is_gone_has_it_noted_at_once(desk: Desk, error: Exception) -> None:
    def handler(leg: Noting) -> None:
        leg.notes["node"] = "main"
        desk.later(5)
        raise error

    with pytest.raises(type(error)):
        desk.run(handler)
    assert desk.kept() == {"a": ({"gw_node": "main"}, 5)}


@pytest.mark.parametrize("error", [CallerGone("hung up"), None])
def test_a_call_that_ends_as_calls_do_writes_nothing(desk: Desk, error: Exception | None) -> None:
    def handler(leg: Noting) -> None:
        leg.notes["node"] = "main"
        if error is not None:
            raise error

    if error is None:
        desk.run(handler)
    else:
        with pytest.raises(CallerGone):
            desk.run(handler)
    desk.under_way.look()
    assert desk.kept() == {}


def test_a_call_that_came_back_is_followed_on(desk: Desk) -> None:
    """Its old connection ends after the new one has begun."""

    def first(leg: Noting) -> None:
        again = Noting(leg.uuid)

        def second(leg: Noting) -> None:
            desk.legs["a"] = again
            with pytest.raises(SwitchGone):
                desk.under_way.followed(breaks)(cast(Leg, again))

        def breaks(leg: Leg) -> None:
            raise SwitchGone("closed")

        desk.under_way.followed(second)(cast(Leg, again))

    desk.run(first)
    desk.legs["b"].notes["node"] = "x"

    def other(leg: Noting) -> None:
        desk.under_way.look()

    desk.run(other, "b")
    assert desk.kept()["b"] == ({"gw_node": "x"}, 0)


def test_facts_of_a_call_that_is_stored_are_not_kept(desk: Desk) -> None:
    desk.begun.settled(["a"])
    desk.begun.noted({"a": "node=main"}, AT)
    desk.begun.seen(["a"], {"a": AT}, AT)
    assert [one.uuid for one in desk.begun.open()] == ["b"]


def test_a_call_began_when_it_was_told_first(desk: Desk) -> None:
    later = AT + timedelta(seconds=9)
    desk.journal.call_started(
        Started("a", later, "4008001234", "demo", "in", "13800138000", False, "wrong-password")
    )
    (one,) = [one for one in desk.begun.open() if one.uuid == "a"]
    assert (one.began_at, one.decided_at, one.refusal) == (AT, later, "wrong-password")


def test_a_call_back_is_known_by_its_facts(desk: Desk) -> None:
    """It has no start: rules do not count it among his calls. One of neither start nor facts is nobody's."""
    desk.begun.calls_back("back", "callback=7&number=4008001234", AT)
    desk.begun.calls_back("back", "callback=8", AT + timedelta(seconds=5))
    desk.begun.calls_back("nothing", "", AT)
    desk.begun.noted({"back": "callback=7&trunk=in"}, AT + timedelta(seconds=2))
    assert {one.uuid for one in desk.begun.open()} == {"a", "b", "back"}
    (one,) = [one for one in desk.begun.open() if one.uuid == "back"]
    assert (one.began_at, one.decided_at, one.number, one.refusal) == (AT, AT, "", "")
    assert desk.kept()["back"] == ({"gw_callback": "7", "gw_trunk": "in"}, 2)
    assert desk.journal.started("back") is None
    desk.begun.settled(["back"])
    assert {one.uuid for one in desk.begun.open()} == {"a", "b"}


def test_what_the_switch_said_first_of_a_talk_holds(desk: Desk) -> None:
    desk.begun.seen(["a", "b"], {"a": AT + timedelta(seconds=3)}, AT + timedelta(seconds=5))
    # After a transfer it is another pair, and a clock that was set back makes nobody unseen.
    desk.begun.seen(["a"], {"a": AT + timedelta(seconds=8)}, AT + timedelta(seconds=4))
    told = {one.uuid: (one.joined_at, one.seen_at) for one in desk.begun.open()}
    seen = AT + timedelta(seconds=5)
    assert told == {"a": (AT + timedelta(seconds=3), seen), "b": (None, seen)}
