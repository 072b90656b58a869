"""Callbacks: the terms of queues, the requests, and the calls that were made for them.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("queues") as table:
        table.add_column(sa.Column("callback", sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table("queues") as table:
        # SQLite keeps a table's text as it was made: so that it is as the models'.
        table.alter_column("callback", existing_type=sa.JSON(none_as_null=True), nullable=True)
    with op.batch_alter_table("calls") as table:
        table.add_column(sa.Column("callback_id", sa.String(length=64), nullable=False, server_default=""))
    with op.batch_alter_table("calls") as table:
        # The default was for the calls that are there only.
        table.alter_column("callback_id", server_default=None)
    op.create_index("ix_calls_callback", "calls", ["callback_id"])
    op.create_table(
        "callbacks",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("queue_id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("caller", sa.String(length=30), nullable=False),
        sa.Column("callee", sa.String(length=30), nullable=False),
        sa.Column("entered_at", _INSTANT, nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("said", sa.String(length=60), nullable=False),
        sa.Column("closed_at", _INSTANT, nullable=True),
        sa.Column("ending", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("closed_by", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index("ix_callbacks_queue_asked", "callbacks", ["queue_id", "asked_at"])
    op.create_index("ix_callbacks_account_asked", "callbacks", ["account_id", "asked_at"])
