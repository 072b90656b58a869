"""Busy-line queues, what lines can do, and callers' stays in queues.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "queues",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("line_ids", sa.JSON(), nullable=False),
        sa.Column("strategy", sa.String(length=20), nullable=False),
        sa.Column("max_wait_seconds", sa.Integer(), nullable=False),
        sa.Column("max_length", sa.Integer(), nullable=False),
        sa.Column("announce_seconds", sa.Integer(), nullable=False),
        sa.Column("music", sa.String(length=60), nullable=False),
        sa.Column("wrap_up_seconds", sa.Integer(), nullable=False),
        sa.Column("rest_seconds", sa.Integer(), nullable=False),
        sa.Column("sign_in", sa.Boolean(), nullable=False),
        sa.Column("vip_priority", sa.Integer(), nullable=False),
        sa.Column("service_level_seconds", sa.Integer(), nullable=False),
        sa.Column("short_abandon_seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_queues_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queues")),
    )
    op.create_table(
        "queue_stays",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("call_uuid", sa.String(length=64), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("queue_id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=True),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("entered_at", _INSTANT, nullable=False),
        sa.Column("wait_ms", sa.Integer(), nullable=False),
        sa.Column("left_how", sa.String(length=10), nullable=False),
        sa.Column("line_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_uuid"], ["calls.uuid"], name=op.f("fk_queue_stays_call_uuid_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_stays")),
        sa.UniqueConstraint("call_uuid", "ordinal", name=op.f("uq_queue_stays_call_uuid_ordinal")),
    )
    op.create_index("ix_queue_stays_queue_entered", "queue_stays", ["queue_id", "entered_at"])
    with op.batch_alter_table("lines") as table:
        table.add_column(sa.Column("skills", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("lines") as table:
        # The default was for the lines that are there only.
        table.alter_column("skills", server_default=None)
