"""What is read of the queues: who waits, which lines rest, who is signed in."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from appliance.config import Settings
from appliance.errors import StoreError
from appliance.store.journal import Journal, Talked
from appliance.store.models import Queue
from appliance.store.queries import Scope, reading
from appliance.store.queries.queues_now import QueueNow, asks_for_sign_in, queues_now
from appliance.store.signing import Means, Signing, sign
from appliance.store.unit import Store
from appliance.store.waitlist import Waitlist
from tests.support.seed import NUMBER
from tests.webui.queues import NOW, waits


def found(store: Store, journal: Journal, account: str | None = "east") -> list[QueueNow]:
    with reading(store, Scope(account)) as reader:
        return list(queues_now(reader, Waitlist(journal.file), NOW))


def signing(signed_in: bool, at: datetime = NOW) -> Signing:
    return Signing("desk-1", signed_in, at, "desk", Means.CONSOLE)


def test_callers_stand_in_the_order_in_which_they_are_served(store: Store, journal: Journal) -> None:
    waits(journal, "13900000001", 100)
    waits(journal, "13900000002", 50, priority=5, skill="english")
    waits(journal, "13900000003", 20)
    waits(journal, "13900000004", 10, rung=("desk-1", "gone"), rung_at=NOW)
    (hotline,) = found(store, journal)
    assert [(one.caller[-1], one.position) for one in hotline.callers] == [("4", 0), ("2", 1), ("1", 2), ("3", 3)]
    assert hotline.callers[0].rung == ("前台", "gone")
    assert (hotline.callers[1].priority, hotline.callers[1].skill) == (5, "english")
    assert hotline.waiting == 3


def test_who_has_left_is_not_there(store: Store, journal: Journal) -> None:
    waits(journal, "13900000001")
    kept = Waitlist(journal.file).here()[0]
    Waitlist(journal.file).keep(kept, left_at=NOW)
    assert found(store, journal)[0].callers == ()


def test_lines_rest_and_wrap_up(store: Store, journal: Journal) -> None:
    Waitlist(journal.file).rest({"desk-1": NOW + timedelta(seconds=5)})
    ended = NOW - timedelta(seconds=5)
    talk = ("u", NUMBER, "139", "sales-2", ended - timedelta(seconds=60), ended)
    journal.talked([Talked(*talk), Talked("v", *talk[1:3], "desk-1", *talk[4:])])
    lines = {line.id: line.rests_until for line in found(store, journal)[0].lines}
    # Fifteen seconds after a talk; of two reasons the longer one holds.
    assert lines == {"desk-1": ended + timedelta(seconds=15), "sales-2": ended + timedelta(seconds=15)}
    with store.work() as session:
        session.execute(update(Queue).values(wrap_up_seconds=0))
        session.commit()
    lines = {line.id: line.rests_until for line in found(store, journal)[0].lines}
    assert lines == {"desk-1": NOW + timedelta(seconds=5), "sales-2": None}


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("east", {"hotline": ["13900000001"]}),
        ("west", {"counter": ["13900000002"]}),
        ("nobody", {}),
        (None, {"hotline": ["13900000001", "13900000003"], "counter": ["13900000002"]}),
    ],
)
def test_the_scope_holds_callers_too(
    store: Store, journal: Journal, account: str | None, expected: dict[str, list[str]]
) -> None:
    waits(journal, "13900000001", 3)
    waits(journal, "13900000002", 2, queue="counter", account="west")
    # The rows of a queue that was another company's until a moment ago.
    waits(journal, "13900000003", 1, account="west")
    queues = found(store, journal, account)
    assert {queue.id: [one.caller for one in queue.callers] for queue in queues} == expected


def test_only_lines_of_queues_that_ask_can_be_signed_in(asks: Store) -> None:
    with reading(asks, Scope("east")) as reader:
        assert asks_for_sign_in(reader, "desk-1")
        assert not any(asks_for_sign_in(reader, line) for line in ("sales-1", "west-1", "gone", ""))
    with reading(asks, Scope("west")) as reader:
        assert not asks_for_sign_in(reader, "desk-1")


def test_who_signs_in_again_stays_so_since_the_first_time(settings: Settings, journal: Journal) -> None:
    for minutes in (2, 1):
        sign(settings.journal_file, signing(True, NOW - timedelta(minutes=minutes)))
    since = Waitlist(journal.file).signed_in()["desk-1"]
    assert abs(since - (NOW - timedelta(minutes=2))) < timedelta(seconds=1)
    sign(settings.journal_file, signing(False))
    assert Waitlist(journal.file).signed_in() == {}


def test_a_journal_that_cannot_be_written_is_told(settings: Settings) -> None:
    settings.journal_file.mkdir()
    with pytest.raises(StoreError):
        sign(settings.journal_file, signing(True))
