"""Trunks that register, how voice and keys travel on them, SIP phones as lines, keys in a talk, who talked.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

#: (table, column, what the rows that are there get)
_ADDED: tuple[tuple[str, sa.Column[object], str], ...] = (
    ("accounts", sa.Column("talk_keys", sa.JSON(), nullable=False), "{}"),
    ("trunks", sa.Column("registration", sa.JSON(), nullable=False), "{}"),
    ("trunks", sa.Column("dtmf", sa.String(length=10), nullable=False), "rfc2833"),
    ("trunks", sa.Column("behind_nat", sa.Boolean(), nullable=False), "0"),
    ("trunks", sa.Column("symmetric_rtp", sa.Boolean(), nullable=False), "1"),
    ("trunks", sa.Column("session_timer_seconds", sa.Integer(), nullable=False), "1800"),
    ("trunks", sa.Column("media_timeout_seconds", sa.Integer(), nullable=False), "0"),
    ("trunks", sa.Column("progress_seconds", sa.Integer(), nullable=False), "0"),
    ("trunks", sa.Column("announced", sa.String(length=20), nullable=False), ""),
    ("lines", sa.Column("extension", sa.String(length=8), nullable=False), ""),
    ("lines", sa.Column("phone_secret", sa.String(length=32), nullable=False), ""),
    ("calls", sa.Column("talks", sa.String(length=500), nullable=False), ""),
)


def upgrade() -> None:
    for name, column, value in _ADDED:
        if isinstance(column.type, sa.Boolean):
            column.server_default = sa.DefaultClause(sa.true() if value == "1" else sa.false())
        else:
            column.server_default = sa.DefaultClause(value)
        with op.batch_alter_table(name) as table:
            table.add_column(column)
        with op.batch_alter_table(name) as table:
            # The default was for the rows that are there only.
            table.alter_column(column.name, server_default=None)
    with op.batch_alter_table("lines") as table:
        table.alter_column("trunk_id", existing_type=sa.String(length=40), nullable=True)
    with op.batch_alter_table("numbers") as table:
        table.add_column(sa.Column("talk_keys", sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table("numbers") as table:
        # SQLite keeps a table's text as it was made: so that it is as the models'.
        table.alter_column("talk_keys", existing_type=sa.JSON(none_as_null=True), nullable=True)
