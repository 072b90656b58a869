"""Recordings and messages that are kept, who had to do with them, and policies of recording.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _recordings()
    _access()
    _add("lines", sa.Column("record", sa.String(length=10), nullable=False, server_default=""))
    _add(
        "numbers",
        sa.Column("notice_prompt", sa.String(length=60), nullable=False, server_default="record-notice"),
        sa.Column("retention_days", sa.Integer(), nullable=False, server_default="180"),
    )
    _add(
        "calls",
        sa.Column("messages", sa.Text(), nullable=False, server_default=""),
        sa.Column("notice", sa.String(length=60), nullable=False, server_default=""),
        sa.Column("unrecorded", sa.String(length=10), nullable=False, server_default=""),
    )


def _recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", _ROW, nullable=False),
        sa.Column("call_uuid", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=True),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("caller", sa.String(length=30), nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("format", sa.String(length=10), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("keep_until", _INSTANT, nullable=False),
        sa.Column("held_at", _INSTANT, nullable=True),
        sa.Column("held_by", sa.String(length=100), nullable=False),
        sa.Column("held_why", sa.String(length=500), nullable=False),
        sa.Column("deleted_at", _INSTANT, nullable=True),
        sa.Column("deleted_why", sa.String(length=500), nullable=False),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call_uuid"], ["calls.uuid"], name=op.f("fk_recordings_call_uuid_calls")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sa.UniqueConstraint("source", name=op.f("uq_recordings_source")),
    )
    op.create_index("ix_recordings_account_started", "recordings", ["account_id", "started_at"])
    op.create_index("ix_recordings_started", "recordings", ["started_at"])
    op.create_index("ix_recordings_call", "recordings", ["call_uuid"])
    op.create_index("ix_recordings_keep_until", "recordings", ["keep_until"])


def _access() -> None:
    op.create_table(
        "recording_access",
        sa.Column("id", _ROW, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("operator", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("call_uuid", sa.String(length=64), nullable=False),
        sa.Column("recording_id", _ROW, nullable=True),
        sa.Column("account_id", sa.String(length=40), nullable=True),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_recording_access_recording_id_recordings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_access")),
    )
    op.create_index("ix_recording_access_account_at", "recording_access", ["account_id", "at"])
    op.create_index("ix_recording_access_recording", "recording_access", ["recording_id", "at"])


def _add(table: str, *columns: sa.Column[object]) -> None:
    """Columns with a default for the rows that are there only."""
    with op.batch_alter_table(table) as altered:
        for column in columns:
            altered.add_column(column)
    with op.batch_alter_table(table) as altered:
        for column in columns:
            altered.alter_column(column.name, server_default=None)
