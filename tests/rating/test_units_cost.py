"""What it takes to know which included units are used hangs on the calls that may share them, not on a number's
whole history (``store.charges.units_taken``)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from sqlalchemy import event, insert, text
from sqlalchemy.orm import Session

from appliance.domain.grants import month_of
from appliance.store import charges
from appliance.store.models import Call, Charge, CorrectionItem
from appliance.store.unit import Store
from tests.rating.booked import DAY, JANUARY, MONTH, NUMBER, pack
from tests.rating.stored import NOW, put_book

MARCH = JANUARY + 59 * DAY


def put_charged(store: Store, first: int, calls: int, *, march: bool = False) -> None:
    """Calls of a minute, five used units each; without ``march`` in January."""
    at = (MARCH if march else JANUARY) + timedelta(hours=1)
    uuids = {f"c{nth}": at + timedelta(seconds=nth) for nth in range(first, first + calls)}
    with store.work() as session:
        session.execute(
            insert(Call),
            [
                {
                    "uuid": uuid,
                    "account_id": "east",
                    "number": NUMBER,
                    "caller_kind": "mobile",
                    **dict.fromkeys(["started_at", "answered_at", "ended_at"], begin),
                    "bill_ms": 60_000,
                    "bridged_ms": 60_000,
                    "outcome": "answered",
                    "collected_at": NOW,
                }
                for uuid, begin in uuids.items()
            ],
        )
        session.execute(
            insert(Charge),
            [
                {
                    "call_uuid": uuid,
                    "account_id": "east",
                    "plan_code": "pack",
                    "price_from": "t",
                    **dict.fromkeys(["month", "booked_month"], month_of(begin)),
                    "included_units": 5,
                    "reason": "charged",
                    "rated_at": NOW,
                    "final": True,
                }
                for uuid, begin in uuids.items()
            ],
        )
        session.commit()
        session.execute(text("ANALYZE"))
        session.commit()


def correct(store: Store, uuid: str, *units: int) -> None:
    with store.work() as session:
        for included in units:
            figures: dict[str, Any] = {"rated": 0, "metered_seconds": 60, "billable_units": 60, "charged_units": 0}
            figures |= {"plan_code": "pack", "price_from": "t", "reason_code": "charged", "amount": 0}
            session.add(CorrectionItem(correction_id=1, call_uuid=uuid, included_units=included, **figures))
            session.flush()
        session.commit()


def of_march(session: Session) -> list[tuple[int, int]]:
    return charges.units_taken(session, NUMBER, MARCH, None, NOW)


def effort(store: Store) -> int:
    """Steps of SQLite's machine, or rows that PostgreSQL's plans touch."""
    with store.reading() as session:
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            steps: list[None] = []
            raw: Any = connection.connection.driver_connection
            raw.set_progress_handler(lambda: steps.append(None), 1)
            of_march(session)
            raw.set_progress_handler(None, 1)
            return len(steps)
        asked: list[tuple[str, Any]] = []

        def ask(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
            asked.append((statement, values))

        event.listen(connection, "before_cursor_execute", ask)
        of_march(session)
        event.remove(connection, "before_cursor_execute", ask)
        plans = [
            connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values).scalar()
            for statement, values in asked
        ]
        return sum(touched(plan["Plan"]) for found in plans for plan in parsed(found))


def parsed(found: Any) -> Any:
    return json.loads(found) if isinstance(found, str) else found


def touched(node: dict[str, Any]) -> int:
    rows = sum(int(count) for name, count in node.items() if name.startswith(("Actual Rows", "Rows Removed")))
    return rows * int(node["Actual Loops"]) + sum(map(touched, node.get("Plans", ())))


def test_calls_of_other_months_cost_nothing(store: Store) -> None:
    put_book(store, pack())
    put_charged(store, 0, 10, march=True)
    put_charged(store, 10, 200)
    correct(store, "c3", 1, 2)
    few = effort(store)
    put_charged(store, 210, 3000)
    assert few > 10
    assert effort(store) < few + 200, "3000 calls more, none of them of this month"


def test_of_a_call_that_was_corrected_the_last_correction_counts(store: Store) -> None:
    put_book(store, pack())
    put_charged(store, 0, 10, march=True)
    put_charged(store, 10, 2)
    correct(store, "c3", 1, 0, 2)
    correct(store, "c4", 7)
    correct(store, "c11", 90)
    with store.reading() as session:
        assert of_march(session) == [(MONTH + 2, 8 * 5 + 2 + 7)]
        assert charges.units_taken(session, NUMBER, JANUARY, None, NOW) == [(MONTH, 95), (MONTH + 2, 49)]
