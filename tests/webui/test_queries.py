"""The queries and the operators on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from appliance.store import operators, schema
from appliance.store.models import Call, CallLeg, Charge
from appliance.store.queries import Scope, calls, reading
from appliance.store.queries.box import last_collected_at
from appliance.store.queries.calls import CallFilter
from appliance.store.queries.routing import line_choices, number_choices, numbers_and_lines
from appliance.store.unit import Store
from tests.support import seed
from tests.support.databases import copy_of, kind, postgres_server

__all__ = ["copy_of", "kind", "postgres_server"]

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def make(url: str) -> None:
    """A filled database."""
    schema.upgrade(url)
    with Store(url) as store, store.work() as session:
        seed.fill(session, None, NOW)
        session.commit()


@pytest.fixture
def store(copy_of: Callable[[Callable[[str], None]], str]) -> Iterator[Store]:
    with Store(copy_of(make)) as opened:
        yield opened


def test_calls_and_their_sums(store: Store) -> None:
    with reading(store, Scope("east")) as reader:
        rows = calls.page(reader, CallFilter(), limit=500)
        sums = calls.totals(reader, CallFilter())
        assert calls.count(reader, CallFilter()) == sums.calls == len(rows) == 60
        assert sums.talk_ms == sum(row.bridged_ms for row in rows)
        assert sums.amount == sum(row.amount or 0 for row in rows)
        assert sums.answered == len(calls.page(reader, CallFilter(outcome="answered"), limit=500))
        by_name = calls.page(reader, CallFilter(caller="san FRAN"), limit=500)
        assert {row.caller for row in by_name} == {"+14155550100"}
        since = rows[10].started_at
        assert len(calls.page(reader, CallFilter(since=since), limit=500)) == 11
        assert len(calls.page(reader, CallFilter(until=since), limit=500)) == 49
        walked = [rows[0]]
        while page := calls.page(reader, CallFilter(), limit=7, after=walked[-1].place):
            walked += page
        assert [row.uuid for row in walked] == [row.uuid for row in rows]
    assert last_collected_at(store) is not None


def test_one_call_whole(store: Store) -> None:
    with reading(store, Scope("east")) as reader:
        call = calls.one(reader, "00000000-0000-4000-8000-000000000000")
        assert call is not None
        assert call.account_name == "东方机电有限公司"
        assert [leg.role for leg in call.legs].count("caller") == 1
        assert [attempt.disposition for attempt in call.tried][-1] == "answered"
        assert call.charge is not None
        assert call.charge.price is not None
        assert calls.recording_of(reader, call.row.uuid) is not None
        assert calls.one(reader, "00000000-0000-4000-8000-00000000west") is None


@pytest.mark.parametrize(("account", "expected"), [("east", 60), ("west", 1), ("nobody", 0), (None, 61)])
def test_the_scope_holds(store: Store, account: str | None, expected: int) -> None:
    with reading(store, Scope(account)) as reader:
        assert len(reader.rows(select(Call))) == expected
        assert calls.count(reader, CallFilter()) == expected
        own = set(reader.scalars(select(Call.uuid)))
        assert set(reader.scalars(select(CallLeg.call_uuid))) <= own
        assert set(reader.scalars(select(Charge.call_uuid))) <= own


def test_numbers_and_lines(store: Store) -> None:
    with reading(store, Scope("east")) as reader:
        numbers, lines = numbers_and_lines(reader, NOW)
        assert [choice.value for choice in number_choices(reader)] == ["4008001234", "4009990000"]
        assert len(line_choices(reader)) == 4
    main, direct = numbers
    assert main.flow is not None
    assert [step.id for step in main.flow.steps][:2] == ["welcome", "sales"]
    assert main.plan is not None
    assert [price.caller for price in main.prices] == ["any", "overseas"]
    assert [line.id for line in direct.lines] == ["desk-1", "sales-2"]
    assert {line.id: line.used_by for line in lines}["desk-1"] == ("4008001234", "4009990000")


def test_a_flow_with_faults_is_said_to_have_them(store: Store) -> None:
    from appliance.store.models import FlowVersion

    with store.work() as session:
        version = session.scalars(select(FlowVersion)).one()
        version.graph = {"start": "nowhere", "nodes": {}}
        session.commit()
    with reading(store, Scope("east")) as reader:
        main = numbers_and_lines(reader, NOW)[0][0]
    assert main.flow is not None
    assert (main.flow.readable, main.flow.steps) == (False, ())


def test_wrong_passwords_are_counted_and_lock(store: Store) -> None:
    def desk() -> operators.OperatorRecord:
        with store.reading() as session:
            found = operators.by_login(session, "DESK")
        assert found is not None
        return found

    for _ in range(operators.FAILURES_ALLOWED):
        assert not desk().is_locked(NOW)
        with store.work() as session:
            operators.note_failure(session, desk().id, NOW)
            session.commit()
    assert desk().is_locked(NOW + timedelta(minutes=14, seconds=59))
    assert not desk().is_locked(NOW + timedelta(minutes=15))
    with store.work() as session:
        operators.note_success(session, desk().id, NOW)
        operators.keep_language(session, desk().id, "en")
        session.commit()
    assert desk().locked_until is None
    assert desk().language == "en"
    assert desk().roles == ("operator",)
