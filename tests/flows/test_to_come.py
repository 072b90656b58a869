"""What is to be published later comes at its time, and calls stay in the version that they began with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from appliance.calls.answer import take
from appliance.calls.routing import LatestRouting
from appliance.domain.routing import RoutingTable
from appliance.errors import StoreError
from appliance.store.routing import load_tables
from appliance.store.unit import Store
from tests.calls.scenarios import Clock, desk
from tests.contract.fake import INVITE, FakeLeg
from tests.flows.publishing import MINUTE, NOW, NUMBER, enters, publish, publisher, says, table, taken

HOUR = timedelta(hours=1)


class Flaky(Store):
    """A database that can be away; ``asked`` counts how often it is read."""

    away = False
    asked = 0

    @contextmanager
    def reading(self) -> Iterator[Session]:
        self.asked += 1
        if self.away:
            raise StoreError("away")
        with super().reading() as session:
            yield session


class Handlers:
    """Call handlers' routing, with a clock that is set."""

    def __init__(self, url: str) -> None:
        self.store, self.now = Flaky(url), NOW
        self.told: list[RoutingTable] = []
        self.routing = LatestRouting(self.store, self.told.append, lambda: self.now)
        self.routing.refresh()

    def version_at(self, at: datetime) -> int:
        """What calls take of ``welcome`` after a look at that time."""
        self.now = at
        self.routing.refresh()
        flow = self.routing().numbers[NUMBER].flow
        return flow.version if flow is not None else 0


@pytest.fixture
def handlers(site: Store, database_url: str) -> Iterator[Handlers]:
    made = Handlers(database_url)
    with made.store:
        yield made


def schedule(store: Store, prompt: str, at: datetime, now: datetime = NOW) -> int:
    """Have calls hear that from then on."""
    publisher(store, now).save("welcome", says(prompt))
    return publisher(store, now).publish("welcome", at=at)


def test_a_version_comes_at_its_time_though_the_database_is_away(site: Store, handlers: Handlers) -> None:
    schedule(site, "second", NOW + HOUR)
    schedule(site, "third", NOW + 2 * HOUR)
    assert handlers.version_at(NOW + MINUTE) == 1
    handlers.store.away = True
    assert handlers.version_at(NOW + HOUR - MINUTE) == 1
    told = len(handlers.told)
    assert handlers.version_at(NOW + HOUR) == 2
    assert len(handlers.told) == told + 1, "the fallback's copy follows"
    assert handlers.told[-1] is handlers.routing()
    assert handlers.version_at(NOW + 3 * HOUR) == 3, "also after a look that was late"
    handlers.store.away = False
    assert handlers.version_at(NOW + 4 * HOUR) == 3
    assert handlers.version_at(NOW + 5 * HOUR) == 3


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_withdrawal_and_a_cancelled_version(site: Store, handlers: Handlers) -> None:
    schedule(site, "second", NOW + HOUR)
    assert handlers.version_at(NOW + MINUTE) == 1
    publisher(site, NOW + 2 * MINUTE).cancel("welcome")
    assert handlers.version_at(NOW + 3 * MINUTE) == 1
    handlers.store.away = True
    assert handlers.version_at(NOW + 2 * HOUR) == 1, "what was read beforehand is forgotten"
    handlers.store.away = False
    publisher(site, NOW + 2 * HOUR).withdraw("welcome")
    assert handlers.version_at(NOW + 2 * HOUR) == 0
    assert not handlers.routing().numbers[NUMBER].in_service


@pytest.mark.parametrize("kind", ["sqlite"])
def test_more_is_to_come_than_is_read_beforehand(site: Store, handlers: Handlers) -> None:
    """Twenty are read; behind the last of them the rest is looked up."""
    for serial in range(1, 24):
        schedule(site, f"prompt-{serial}", NOW + serial * HOUR)
    with site.reading() as session:
        assert len(load_tables(session, NOW)) == 21
    assert [handlers.version_at(NOW + serial * HOUR) for serial in (0, 1, 20)] == [1, 2, 21]
    assert [handlers.version_at(NOW + serial * HOUR) for serial in (20, 21, 23)] == [21, 22, 24]


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_table_is_read_only_when_something_changed(site: Store, handlers: Handlers) -> None:
    before = handlers.routing()
    for minute in range(5):
        handlers.version_at(NOW + minute * MINUTE)
    assert handlers.routing() is before and handlers.told == [before]


def test_a_retired_version_is_found_for_a_day(site: Store) -> None:
    publish(site, says("second"))
    publish(site, says("third"), NOW + HOUR)
    for at, found in (
        (NOW, {1, 2}),
        (NOW + 2 * HOUR, {1, 2, 3}),
        (NOW + timedelta(hours=23, minutes=59), {1, 2, 3}),
        (NOW + timedelta(hours=24, minutes=1), {2, 3}),
        (NOW + timedelta(hours=26), {3}),
    ):
        known = table(site, at)
        labels = {number: known.version("demo", f"welcome@{number}") for number in range(5)}
        assert {number for number, flow in labels.items() if flow is not None} == found, at
        assert all(flow is None or flow.label == f"welcome@{number}" for number, flow in labels.items())
        assert known.version("other", "welcome@1") is None


def test_only_what_was_in_force_is_retired(site: Store) -> None:
    """Versions that ended long ago stay away, however often others are published; cancelled ones never were."""
    publish(site, says("second"))
    days = NOW + timedelta(days=3)
    publish(site, says("third"), days)
    schedule(site, "fourth", days + HOUR, now=days)
    publisher(site, days + MINUTE).cancel("welcome")
    known = table(site, days + 2 * HOUR)
    assert {label for _, label in known.retired} == {"welcome@2"}
    publisher(site, days + 2 * HOUR).withdraw("welcome")
    assert {label for _, label in table(site, days + 2 * HOUR).retired} == {"welcome@2", "welcome@3"}


# Calls whose handlers died, and that others took over.

MENU: dict[str, Any] = {
    "start": "menu",
    "nodes": {
        "menu": {"type": "menu", "prompt": "main", "keys": {"1": "say"}, "silence": "bye", "wrong": "bye"},
        "say": {"type": "play", "prompt": "old", "next": "bye"},
        "bye": {"type": "hangup", "prompt": "old-bye"},
    },
}
NOTES = {"taken": "yes", "number": NUMBER, "account": "demo", "flow": "welcome@2", "node": "say", "keys": "menu=1"}


def resumed(known: RoutingTable, notes: dict[str, str], at: datetime) -> FakeLeg:
    """A call that comes back with those notes, carried out."""
    clock = Clock()
    clock.now = at
    leg = FakeLeg(replace(INVITE, request_user=NUMBER, to_user=NUMBER), notes=notes)
    take(leg, replace(desk(clock), routing=lambda: known))
    return leg


def did(leg: FakeLeg) -> list[str]:
    return [" ".join(step).replace(".wav", "") for step in leg.did if step[0] not in ("hold", "let_go")]


def changed(store: Store, how: str) -> None:
    """What happens to the flow while the call is in its second version."""
    at = NOW + MINUTE
    match how:
        case "published":
            publish(store, says("new"), at)
        case "rolled back":
            publisher(store, at).roll_back("welcome")
        case "withdrawn":
            publisher(store, at).withdraw("welcome")
        case "scheduled":
            schedule(store, "new", at + MINUTE, now=NOW)


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("how", ["nothing", "published", "rolled back", "withdrawn", "scheduled"])
def test_a_call_stays_in_the_version_that_it_began_with(site: Store, how: str) -> None:
    publish(site, MENU)
    changed(site, how)
    at = NOW + 23 * HOUR
    assert (
        taken(site, at) == {"nothing": 2, "published": 3, "rolled back": 1, "withdrawn": None, "scheduled": 3}[how]
    )
    leg = resumed(table(site, at), NOTES, at)
    assert did(leg) == ["answer", "play old", "play old-bye", "hang_up NORMAL_CLEARING"]
    assert (leg.told["flow"], leg.told["keys"], leg.told["node"]) == ("welcome@2", "menu=1", "bye")


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_call_of_days_ago_begins_anew(site: Store) -> None:
    publish(site, MENU)
    publish(site, says("new"), NOW + MINUTE)
    at = NOW + timedelta(hours=25)
    leg = resumed(table(site, at), NOTES, at)
    assert did(leg) == ["answer", "play new", "hang_up NORMAL_CLEARING"] and leg.told["flow"] == "welcome@3"


@pytest.mark.parametrize("kind", ["sqlite"])
def test_a_call_within_another_flow_stays_in_both_versions(site: Store) -> None:
    publish(site, MENU, name="helper")
    publish(site, enters("helper"))
    publish(site, says("new"), NOW + MINUTE, name="helper")
    publish(site, says("newer"), NOW + MINUTE)
    notes = NOTES | {"node": "in>helper@1:say", "keys": ""}
    leg = resumed(table(site, NOW + HOUR), notes, NOW + HOUR)
    assert did(leg) == ["answer", "play old", "play old-bye", "hang_up NORMAL_CLEARING"]
    assert (leg.told["flow"], leg.told["node"]) == ("welcome@2", "in>helper@1:bye")


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(
    "wrong",
    [{"node": "nowhere"}, {"flow": "welcome@99"}, {"flow": "secret@1", "node": "bye"}, {"node": "in>x@1:y"}],
)
def test_a_place_that_is_not_there_is_no_place(site: Store, wrong: dict[str, str]) -> None:
    """Notes of another enterprise's flow, or of nodes that are gone, lead to the beginning of his own."""
    publish(site, says("new"))
    leg = resumed(table(site), NOTES | wrong, NOW)
    assert did(leg) == ["answer", "play new", "hang_up NORMAL_CLEARING"] and leg.told["flow"] == "welcome@2"
