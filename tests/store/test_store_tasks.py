"""Tasks of missed calls, stored: the same rows in whatever order calls come, closed by people with their words."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from appliance.errors import RuleError
from appliance.store.models import Call, Task, TaskEvent
from appliance.store.tasks import close_task, derive_tasks, derive_tasks_since
from appliance.store.unit import Store

BASE = datetime(2026, 11, 25, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def call(name: str, minute: float, outcome: str, caller: str = "139", account: str | None = "east") -> Call:
    began = BASE + minute * MINUTE
    answered = outcome == "answered"
    return Call(
        uuid=name,
        account_id=account,
        number="4008001234",
        caller=caller,
        caller_kind="mobile",
        started_at=began,
        joined_at=began + MINUTE / 4 if answered else None,
        ended_at=began + MINUTE / 2,
        outcome=outcome,
        collected_at=began + MINUTE,
    )


def stored(store: Store, *calls: Call) -> None:
    """Store calls and derive their tasks, as the collector does."""
    with store.work() as session:
        session.add_all(calls)
        session.commit()
    with store.work() as session:
        derive_tasks(session, [one.uuid for one in calls])
        session.commit()


def shown(store: Store) -> list[tuple[object, ...]]:
    with store.reading() as session:
        rows = session.scalars(select(Task).order_by(Task.account_id, Task.caller, Task.first_at))
        return [
            (one.account_id, one.caller, one.calls, one.first_call, one.last_call, one.closing_call, one.closed_by)
            for one in rows
        ]


def close(session: Session, task_id: int, minute: float, account: str | None = "east", note: str = "ok") -> None:
    now = BASE + minute * MINUTE
    close_task(session, task_id, operator="desk", address="192.0.2.7", account=account, note=note, now=now)


def open_id(store: Store) -> int:
    with store.reading() as session:
        return session.scalars(select(Task.id).where(Task.closed_at.is_(None))).one()


def history() -> list[Call]:
    return [
        call("m1", 1, "abandoned:queue"),
        call("m2", 2, "failed:no-answer"),
        call("a1", 3, "answered"),
        call("m3", 4, "abandoned:ringing"),
        call("r1", 5, "refused:out-of-hours"),
        call("m4", 6, "ended:message"),
        call("other", 6, "abandoned:queue", caller="138"),
        call("west", 7, "abandoned:queue", account="west"),
        call("unknown", 7, "abandoned:start", account=None),
        call("withheld", 8, "abandoned:queue", caller=""),
    ]


WANTED = [
    ("east", "138", 1, "other", "other", "", ""),
    ("east", "139", 2, "m1", "m2", "a1", ""),
    ("east", "139", 2, "m3", "m4", "", ""),
    ("west", "139", 1, "west", "west", "", ""),
]


def test_calls_one_by_one_in_any_order_give_the_same_tasks(store: Store) -> None:
    for seed in range(6):
        calls = history()
        random.Random(seed).shuffle(calls)
        for one in calls:
            stored(store, one)
        assert shown(store) == WANTED, seed
        with store.work() as session:  # again: nothing changes
            derive_tasks_since(session, BASE)
            session.commit()
        assert shown(store) == WANTED
        with store.work() as session:
            session.execute(delete(Task))
            session.execute(delete(Call))
            session.commit()


def test_all_at_once_give_the_same_tasks(store: Store) -> None:
    stored(store, *history())
    assert shown(store) == WANTED


def test_a_row_keeps_its_id_while_calls_come(store: Store) -> None:
    stored(store, call("m2", 2, "failed:no-answer"))
    first = open_id(store)
    stored(store, call("m1", 1, "abandoned:queue"), call("m3", 3, "abandoned:queue"))
    assert open_id(store) == first
    # A talk that comes to light late parts them: the older ones keep the row, closed.
    stored(store, call("a", 2.4, "answered"))
    assert shown(store) == [
        ("east", "139", 2, "m1", "m2", "a", ""),
        ("east", "139", 1, "m3", "m3", "", ""),
    ]
    with store.reading() as session:
        closed = session.get(Task, first)
        assert closed is not None
        assert closed.closed_at == BASE + 2.4 * MINUTE + MINUTE / 4


def test_an_answer_that_is_taken_back_joins_them_again(store: Store) -> None:
    stored(store, call("m1", 1, "abandoned:queue"), call("a", 2, "answered"), call("m2", 3, "abandoned:queue"))
    with store.work() as session:
        session.execute(update(Call).where(Call.uuid == "a").values(outcome="abnormal"))
        derive_tasks(session, ["a"])
        session.commit()
    assert shown(store) == [("east", "139", 2, "m1", "m2", "", "")]


def test_a_clerk_closes_with_a_note_and_it_is_noted_who(store: Store) -> None:
    stored(store, call("m1", 1, "abandoned:queue"))
    with store.work() as session:
        close(session, open_id(store), 5)
        session.commit()
    assert shown(store) == [("east", "139", 1, "m1", "m1", "", "desk")]
    with store.reading() as session:
        (event,) = session.scalars(select(TaskEvent))
        assert (event.operator, event.address, event.action, event.account_id, event.caller, event.note) == (
            "desk",
            "192.0.2.7",
            "close",
            "east",
            "139",
            "ok",
        )
    # What was missed before the closing and comes to light after it belongs to it; what comes later is new.
    stored(store, call("m2", 2, "abandoned:queue"))
    stored(store, call("m3", 6, "abandoned:queue"))
    assert shown(store) == [
        ("east", "139", 2, "m1", "m2", "", "desk"),
        ("east", "139", 1, "m3", "m3", "", ""),
    ]


@pytest.mark.parametrize(("account", "note"), [("west", "x"), ("east", " "), (None, "")])
def test_nobody_closes_anothers_or_without_a_word(store: Store, account: str | None, note: str) -> None:
    stored(store, call("m1", 1, "abandoned:queue"))
    with store.work() as session, pytest.raises(RuleError):
        close(session, open_id(store), 5, account, note)
    assert shown(store)[0][-1] == ""


def test_what_is_closed_is_not_closed_again(store: Store) -> None:
    stored(store, call("m1", 1, "abandoned:queue"))
    task = open_id(store)
    with store.work() as session:
        close(session, task, 5, None)
        session.commit()
    with store.work() as session, pytest.raises(RuleError, match="no open task"):
        close(session, task, 6, None)


def test_closing_holds_when_the_clock_was_set_back(store: Store) -> None:
    stored(store, call("m1", 10, "abandoned:queue"))
    with store.work() as session:
        close(session, open_id(store), 1)
        session.commit()
    assert shown(store) == [("east", "139", 1, "m1", "m1", "", "desk")]


def test_a_long_history_is_not_read_again(store: Store) -> None:
    """From the last answered call on, whatever lies before it."""
    old = [call(f"o{n}", -2 * n - 2, ("abandoned:queue", "answered")[n % 2]) for n in range(20)]
    stored(store, *old, call("a", 0, "answered"))
    before = shown(store)
    with store.work() as session:
        session.execute(delete(Call).where(Call.uuid.startswith("o")))
        session.commit()
    stored(store, call("m", 1, "abandoned:queue"))
    assert shown(store) == [*before, ("east", "139", 1, "m", "m", "", "")]
    assert len(list(itertools.takewhile(lambda row: row[-2], shown(store)))) == len(before)
