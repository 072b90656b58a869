"""Rows that the database itself keeps: it refuses to change or delete them, whoever asks.

The triggers are made with the tables here and, spelt out, in the migration of the table.
"""

from __future__ import annotations

from sqlalchemy import DDL, Table, event

from appliance.store.models.base import Base

_FUNCTION = """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME; END $$"""


def _after_create(table: Table, text: str, dialect: str) -> None:
    ddl = DDL(text)  # type: ignore[no-untyped-call]
    event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


def append_only(model: type[Base], when: str = "") -> None:
    """Refuse every change of the model's rows, or of those for which ``when`` holds (``OLD.final``)."""
    table = Base.metadata.tables[model.__tablename__]
    name = table.name
    sqlite_when = f" WHEN {when}" if when else ""
    for action in ("update", "delete"):
        ddl = (
            f"CREATE TRIGGER {name}_no_{action} BEFORE {action.upper()} ON {name}{sqlite_when} "
            f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
        )
        _after_create(table, ddl, "sqlite")
    postgres_when = f" WHEN ({when})" if when else ""
    row = (
        f"CREATE TRIGGER {name}_no_change BEFORE UPDATE OR DELETE ON {name} "
        f"FOR EACH ROW{postgres_when} EXECUTE FUNCTION refuse_change()"
    )
    whole = f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name} EXECUTE FUNCTION refuse_change()"
    for ddl in (_FUNCTION, row, whole):
        _after_create(table, ddl, "postgresql")
