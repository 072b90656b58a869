"""Tasks: callers who are to be called back, and what people did about it.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("caller", sa.String(length=30), nullable=False),
        sa.Column("caller_kind", sa.String(length=10), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("first_call", sa.String(length=64), nullable=False),
        sa.Column("first_at", _INSTANT, nullable=False),
        sa.Column("last_call", sa.String(length=64), nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.Column("last_outcome", sa.String(length=60), nullable=False),
        sa.Column("closed_at", _INSTANT, nullable=True),
        sa.Column("closing_call", sa.String(length=64), nullable=False),
        sa.Column("closed_by", sa.String(length=100), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index("ix_tasks_account_last", "tasks", ["account_id", "last_at"])
    op.create_index("ix_tasks_last", "tasks", ["last_at"])
    op.create_index("ix_tasks_caller", "tasks", ["caller", "account_id"])
    op.create_index(
        "ux_tasks_open_caller",
        "tasks",
        ["account_id", "kind", "caller"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_table(
        "task_events",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("operator", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("caller", sa.String(length=30), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_events")),
    )
    op.create_index("ix_task_events_caller", "task_events", ["caller", "account_id", "at"])
