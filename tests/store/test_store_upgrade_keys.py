"""What refers to what, and what is once alone, in a database that was upgraded."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from appliance.store.models import Base
from appliance.store.unit import Store
from tests.store.first_version import AT, ROWS

#: Every column that refers to another table.
REFERENCES = [
    (table, column) for table in Base.metadata.sorted_tables for column in table.columns if column.foreign_keys
]
#: A row of each table that is new, whose reference leads nowhere.
NEW_ROWS = {
    "prompts": f"INSERT INTO prompts VALUES (1, :nobody, 'p', 1, '', 'tts', '', 1, '', '', 'desk', '{AT}', '1')",
    "schedules": "INSERT INTO schedules (id, account_id, name, week, works_holidays, makeup_as, own_days)"
    " VALUES ('s', :nobody, '', '{}', '0', 'mon', '{}')",
    "number_lists": "INSERT INTO number_lists (id, account_id, name) VALUES ('l', :nobody, '')",
    "list_entries": "INSERT INTO list_entries (list_id, entry) VALUES (:nobody, '138*')",
    "queues": "INSERT INTO queues VALUES"
    " ('q', :nobody, '', '[]', 'order', 600, 0, 30, 'm', 15, 30, '0', 5, 20, 5, NULL)",
    "flow_publications": f"INSERT INTO flow_publications VALUES (9, :nobody, 1, '{AT}', '{AT}', '', '', NULL, '')",
    "flow_drafts": f"INSERT INTO flow_drafts VALUES (:nobody, '{{}}', 1, '{AT}', '')",
    "hooks": "INSERT INTO hooks VALUES"
    " ('h', :nobody, '', 'sms', 'http://a', '', '', '', '', '', 'GET', 'form', '{}', '{}', '{}', '', NULL)",
    "recordings": "INSERT INTO recordings VALUES (1, :nobody, 'demo', '400', '', "
    f"'{AT}', 'talk', 's', 'f', 'opus', 2, 1, 1, '', '', '{AT}', '{AT}', NULL, '', '', NULL, '', '')",
    "recording_access": "INSERT INTO recording_access VALUES"
    f" (1, '{AT}', 'a', '', 'play', 'u', :nobody, 'demo', '')",
    "queue_stays": f"INSERT INTO queue_stays VALUES (1, :nobody, 1, 'q', 'demo', '400', '{AT}', 1, 'full', '')",
    "leg_costs": "INSERT INTO leg_costs VALUES"
    " (1, :nobody, 'u1', 't', 'a', 'mobile', '138', '', NULL, 0, 0, 0, '', 'unanswered')",
}


def test_references_are_in_force(upgraded: Store) -> None:
    """Of rows that were there as well as of new ones."""
    for table, column in REFERENCES:
        nobody: object = "none" if column.type.python_type is str else 999_999
        changed = f"UPDATE {table.name} SET {column.name} = :nobody"
        statement = changed if table.name in ROWS else NEW_ROWS[table.name]
        with pytest.raises(IntegrityError, match=r"(?i)foreign key"), upgraded.work() as session:
            session.execute(text(statement), {"nobody": nobody})
            session.commit()
            pytest.fail(f"{table.name}.{column.name} may refer to nothing")


def test_a_new_row_that_refers_to_nothing_is_refused(upgraded: Store) -> None:
    lines = Base.metadata.tables["lines"]
    with upgraded.reading() as session:
        row = dict(session.execute(select(lines)).mappings().one())
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"), upgraded.work() as session:
        session.execute(insert(lines).values(row | {"id": "b", "trunk_id": "none"}))
        session.commit()
    with upgraded.work() as session:
        session.execute(insert(lines).values(row | {"id": "c"}))
        session.commit()
    with upgraded.reading() as session:
        assert sorted(session.scalars(select(lines.c.id))) == ["a", "c"]


def test_what_hangs_on_a_row_still_goes_with_it(upgraded: Store) -> None:
    with upgraded.work() as session:
        stay = f"INSERT INTO queue_stays VALUES (1, 'u1', 1, 'q', 'demo', '400', '{AT}', 1, 'full', '')"
        for statement in (
            stay,
            "DELETE FROM numbers",
            "DELETE FROM calls",
            "DELETE FROM plans",
            "DELETE FROM flows",
        ):
            session.execute(text(statement))
        session.commit()
        counts = {
            name: session.scalar(text(f"SELECT count(*) FROM {name}"))
            for name in (
                "subscriptions",
                "charges",
                "queue_stays",
                "prices",
                "flow_versions",
                "flow_publications",
                "call_legs",
                "operator_roles",
            )
        }
    assert counts == {
        "subscriptions": 0,
        "charges": 0,
        "queue_stays": 0,
        "prices": 0,
        "flow_versions": 0,
        "flow_publications": 0,
        "call_legs": 1,  # kept: a leg that comes late makes its call anew
        "operator_roles": 2,
    }


def test_what_was_once_alone_still_is(upgraded: Store) -> None:
    for statement in (
        "INSERT INTO flows (account_id, name) VALUES ('demo', 'main')",
        "UPDATE calls SET uuid = 'u1'",
        "UPDATE operators SET login = 'admin'",
        "INSERT INTO charges SELECT * FROM charges",
    ):
        with pytest.raises(IntegrityError), upgraded.work() as session:
            session.execute(text(statement))
            session.commit()
