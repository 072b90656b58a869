"""What a charge reads does not grow with what is stored: SQLite looks up each row that it needs, and scans none of
the three tables that grow for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, text

from appliance.rating.run import rate_all, rate_calls
from appliance.store.unit import Store
from tests.rating.booked import pack
from tests.rating.prepaid import Boxes
from tests.rating.stored import clock, put_book, put_calls, sample_book, sample_calls

GROWING = ("calls", "charges", "ledger_postings")


@contextmanager
def plans(store: Store) -> Iterator[list[str]]:
    """How each statement on SQLite went about its tables, as it says itself."""
    found: list[str] = []

    def explain(connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if many or statement.split()[0] not in {"SELECT", "INSERT", "UPDATE", "DELETE"}:
            return
        # Not through the connection: it would be heard again.
        rows = connection.connection.dbapi_connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        found.extend(row[3] for row in rows.fetchall())

    event.listen(store.engine, "before_cursor_execute", explain)
    yield found
    event.remove(store.engine, "before_cursor_execute", explain)


def scanned(steps: list[str]) -> list[str]:
    return [step for step in steps if step.startswith("SCAN") and step.split()[1] in GROWING]


def test_a_call_that_was_collected(on_sqlite: Store) -> None:
    put_book(on_sqlite, sample_book())
    calls = sample_calls()
    put_calls(on_sqlite, calls)
    rate_all(on_sqlite, clock)
    with on_sqlite.work() as session:
        session.execute(text("DELETE FROM charges WHERE call_uuid = :uuid"), {"uuid": calls[0].call_id})
        session.commit()
    with plans(on_sqlite) as steps, on_sqlite.work() as session:
        assert rate_calls(session, [calls[0].call_id], clock).changed
    assert any(step.startswith("SEARCH ledger_postings") for step in steps)
    assert not scanned(steps)


def test_many_calls(on_sqlite: Store) -> None:
    put_book(on_sqlite, sample_book())
    put_calls(on_sqlite, sample_calls())
    with plans(on_sqlite) as steps:
        assert rate_all(on_sqlite, clock, bulk_from=1).changed
    assert any(step.startswith("SEARCH ledger_postings") for step in steps)
    # Once a run: which numbers have calls to be rated.
    assert scanned(steps) == ["SCAN calls USING INDEX ix_calls_number_started"]


def test_balances_that_come_to_the_calls(on_sqlite: Store, boxes: Boxes) -> None:
    box = boxes(on_sqlite, pack(included=10))
    box.top_up(100)
    box.standings.look()
    box.hold("a")
    box.store_call("a", 30)
    box.rated("a")
    with plans(on_sqlite) as steps:
        assert box.standings.look()
    assert any(step.startswith("SEARCH ledger_postings") for step in steps)
    assert not scanned(steps)
