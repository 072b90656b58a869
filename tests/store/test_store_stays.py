"""Stays in queues are written with their calls, from the same legs, and only where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, select, text, update

from appliance.domain.cdr import Leg, Role, read_leg
from appliance.domain.queue import Left, Stay
from appliance.store.calls import add_legs, derive_calls
from appliance.store.models import Account, Call, CallLeg, Number, QueueStay
from appliance.store.unit import Store

START = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
NOW = START + timedelta(hours=1)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def micro(seconds: float) -> str:
    return str(round(after(seconds).timestamp() * 1_000_000))


def caller_leg(uuid: str, *stays: Stay, queue: Stay | None = None, **more: str) -> Leg:
    """It begins at ``START`` and ends after 90 s. ``queue`` is the stay that lasted to the end."""
    facts: dict[str, str] = {
        "uuid": uuid,
        "direction": "inbound",
        "start_uepoch": micro(0),
        "answer_uepoch": micro(1),
        "end_uepoch": micro(90),
        "hangup_cause": "NORMAL_CLEARING",
        "sip_hangup_disposition": "recv_bye",
        "gw_number": "4008001234",
        "gw_account": "east",
        "gw_queued": ";".join(map(str, stays)),
        "gw_queue": str(queue) if queue else "",
        **more,
    }
    leg = read_leg(facts, Role.CALLER)
    assert isinstance(leg, Leg), leg
    return leg


def line_leg(call: str) -> Leg:
    """It answers after 40 s."""
    facts = {
        "uuid": f"{call}-line",
        "originator": call,
        "direction": "outbound",
        "start_uepoch": micro(30),
        "answer_uepoch": micro(40),
        "bridge_uepoch": micro(40),
        "end_uepoch": micro(90),
        "hangup_cause": "NORMAL_CLEARING",
        "gw_line": "sales",
    }
    leg = read_leg(facts, Role.LINE)
    assert isinstance(leg, Leg), leg
    return leg


def derive(store: Store, *legs: Leg) -> None:
    with store.work() as session:
        add_legs(session, legs)
        derive_calls(session, {leg.call_uuid for leg in legs}, NOW)
        session.commit()


def stored(store: Store, uuid: str) -> list[tuple[Any, ...]]:
    with store.reading() as session:
        rows = session.scalars(select(QueueStay).where(QueueStay.call_uuid == uuid).order_by(QueueStay.ordinal))
        return [
            (
                row.ordinal,
                row.queue_id,
                row.entered_at,
                row.wait_ms,
                row.left,
                row.line_id,
                row.account_id,
                row.number,
            )
            for row in rows
        ]


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """What is asked of the table of stays meanwhile, by its first word."""
    asked: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "queue_stays" in statement:
            asked.append(statement.split()[0])

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


FIRST = Stay("first", after(2), timedelta(milliseconds=9_876), Left.KEY)
SECOND = Stay("second", after(20), timedelta(seconds=5), Left.FULL)
LASTING = Stay("third", after(30))
EAST = ("east", "4008001234")


def test_every_stay_of_a_call_is_stored_in_its_order(store: Store) -> None:
    derive(store, caller_leg("u", FIRST, SECOND, queue=LASTING))
    assert stored(store, "u") == [
        (1, "first", after(2), 9876, "key", "", *EAST),
        (2, "second", after(20), 5000, "full", "", *EAST),
        (3, "third", after(30), 60_000, "abandoned", "", *EAST),
    ]


def test_a_line_that_answered_is_named(store: Store) -> None:
    joined = caller_leg("u", FIRST, queue=LASTING, bridge_uepoch=micro(40), bridge_uuid="u-line")
    derive(store, joined, line_leg("u"))
    assert stored(store, "u") == [
        (1, "first", after(2), 9876, "key", "", *EAST),
        (2, "third", after(30), 10_000, "answered", "sales", *EAST),
    ]


def test_a_line_whose_leg_comes_late_is_named_then(store: Store) -> None:
    derive(store, caller_leg("u", queue=LASTING, bridge_uepoch=micro(40), bridge_uuid="u-line"))
    assert stored(store, "u")[0][4:6] == ("answered", "")
    derive(store, line_leg("u"))
    assert stored(store, "u") == [(1, "third", after(30), 10_000, "answered", "sales", *EAST)]


def test_a_line_that_comes_before_its_caller_waits_for_him(store: Store) -> None:
    derive(store, line_leg("u"))
    assert stored(store, "u") == []
    derive(store, caller_leg("u", queue=LASTING, bridge_uepoch=micro(40), bridge_uuid="u-line"))
    assert stored(store, "u")[0][4:6] == ("answered", "sales")


def test_the_account_of_a_call_that_the_handlers_never_named_is_the_numbers(store: Store) -> None:
    with store.work() as session:
        session.add(Account(id="west", name=""))
        session.flush()
        session.add(Number(number="4008001234", account_id="west"))
        session.commit()
    derive(store, caller_leg("u", FIRST, gw_account=""))
    assert stored(store, "u")[0][6:] == ("west", "4008001234")


def test_what_is_noted_as_longer_than_a_call_can_be_is_kept_as_the_longest(store: Store) -> None:
    derive(store, caller_leg("u", Stay("q", after(0), timedelta(milliseconds=9_999_999_999), Left.LOST)))
    assert stored(store, "u")[0][3:5] == (2**31 - 1, "lost")


def test_deriving_again_writes_only_what_differs(store: Store) -> None:
    derive(store, caller_leg("same", FIRST, SECOND), caller_leg("other", FIRST), caller_leg("none"))
    before = {uuid: stored(store, uuid) for uuid in ("same", "other", "none")}
    with statements(store) as asked:
        with store.work() as session:
            derive_calls(session, ["same", "other", "none"], NOW)
            session.commit()
        assert asked == ["SELECT"]
    assert {uuid: stored(store, uuid) for uuid in before} == before

    with store.work() as session:
        session.execute(update(QueueStay).where(QueueStay.call_uuid == "other").values(wait_ms=1))
        session.execute(text("UPDATE queue_stays SET ordinal = ordinal WHERE call_uuid = 'same'"))
        kept = session.scalars(select(QueueStay.id).where(QueueStay.call_uuid == "same")).all()
        session.commit()
    with statements(store) as asked:
        with store.work() as session:
            derive_calls(session, ["same", "other", "none"], NOW)
            session.commit()
        assert asked == ["SELECT", "DELETE", "INSERT"]
    assert {uuid: stored(store, uuid) for uuid in before} == before
    with store.reading() as session:
        assert session.scalars(select(QueueStay.id).where(QueueStay.call_uuid == "same")).all() == kept


def test_stays_that_the_legs_do_not_tell_any_more_go(store: Store) -> None:
    derive(store, caller_leg("u", FIRST, SECOND))
    with store.work() as session:
        leg = session.scalars(select(CallLeg)).one()
        leg.facts = {**leg.facts, "gw_queued": str(SECOND)}
        session.flush()
        derive_calls(session, ["u"], NOW)
        session.commit()
    assert [(row[0], row[1]) for row in stored(store, "u")] == [(1, "second")]
    with store.work() as session:
        leg = session.scalars(select(CallLeg)).one()
        leg.facts = {**leg.facts, "gw_queued": ""}
        session.flush()
        derive_calls(session, ["u"], NOW)
        session.commit()
    assert stored(store, "u") == []


def test_a_batch_without_stays_costs_nothing_and_once_stored_one_question(store: Store) -> None:
    legs = [caller_leg(f"u{number}") for number in range(200)]
    with statements(store) as asked:
        derive(store, *legs)
        assert asked == []
        derive(store, *(line_leg(leg.uuid) for leg in legs))
        assert asked == ["SELECT"]


def test_a_batch_of_stays_is_written_at_once(store: Store) -> None:
    with statements(store) as asked:
        derive(store, *(caller_leg(f"u{number}", FIRST) for number in range(200)))
    assert len(asked) == 1
    with store.reading() as session:
        assert len(session.scalars(select(QueueStay.id)).all()) == 200


def test_stays_go_with_their_call(store: Store) -> None:
    derive(store, caller_leg("u", FIRST), caller_leg("v", FIRST))
    with store.work() as session:
        session.delete(session.scalars(select(Call).where(Call.uuid == "u")).one())
        session.commit()
    assert (stored(store, "u"), len(stored(store, "v"))) == ([], 1)
