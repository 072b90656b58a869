"""Who may call a number, when, and which line rings: rules, schedules, lists, and the box's own public tables.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FAIL_OVER = '["busy", "no-answer", "rejected", "unreachable"]'


def upgrade() -> None:
    _rules()
    _columns()


def _rules() -> None:
    """What rules refer to."""
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("week", sa.JSON(), nullable=False),
        sa.Column("works_holidays", sa.Boolean(), nullable=False),
        sa.Column("makeup_as", sa.String(length=3), nullable=False),
        sa.Column("own_days", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_schedules_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
    )
    op.create_table(
        "number_lists",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_number_lists_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_lists")),
    )
    op.create_table(
        "list_entries",
        sa.Column("list_id", sa.String(length=40), nullable=False),
        sa.Column("entry", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"],
            ["number_lists.id"],
            name=op.f("fk_list_entries_list_id_number_lists"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("list_id", "entry", name=op.f("pk_list_entries")),
    )
    op.create_table(
        "calendar_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar_days")),
    )
    op.create_table(
        "regions",
        sa.Column("prefix", sa.String(length=11), nullable=False),
        sa.Column("province", sa.String(length=20), nullable=False),
        sa.Column("city", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_regions")),
    )


def _columns() -> None:
    """New columns of the tables that are there; rows that are there keep what they meant."""
    with op.batch_alter_table("accounts") as table:
        table.add_column(_count("max_calls", 0))
    with op.batch_alter_table("trunks") as table:
        table.add_column(_count("max_calls", 0))
        table.add_column(sa.Column("causes", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(_count("ping_seconds", 30))
    with op.batch_alter_table("lines") as table:
        table.add_column(sa.Column("schedule_id", sa.String(length=40), nullable=True))
        for name, default in (("daily_calls", 0), ("monthly_calls", 0), ("level", 1), ("weight", 1)):
            table.add_column(_count(name, default))
        table.add_column(sa.Column("backup_trunks", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("confirm", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.create_foreign_key(op.f("fk_lines_schedule_id_schedules"), "schedules", ["schedule_id"], ["id"])
    with op.batch_alter_table("numbers") as table:
        table.add_column(sa.Column("strategy", sa.String(length=20), nullable=False, server_default="order"))
        table.add_column(sa.Column("fail_over", sa.JSON(), nullable=False, server_default=_FAIL_OVER))
        table.add_column(sa.Column("overflow_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")))
        table.add_column(sa.Column("rules", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("whisper", sa.String(length=60), nullable=False, server_default=""))
        table.create_foreign_key(op.f("fk_numbers_overflow_id_flows"), "flows", ["overflow_id"], ["id"])
    with op.batch_alter_table("calls") as table:
        table.add_column(sa.Column("because", sa.String(length=500), nullable=False, server_default=""))
    for table_name, columns in _DEFAULTED.items():
        with op.batch_alter_table(table_name) as table:
            for name in columns:
                table.alter_column(name, server_default=None)


#: Defaults were for the rows that are there only.
_DEFAULTED = {
    "accounts": ("max_calls",),
    "trunks": ("max_calls", "causes", "ping_seconds"),
    "lines": ("daily_calls", "monthly_calls", "level", "weight", "backup_trunks", "confirm"),
    "numbers": ("strategy", "fail_over", "rules", "whisper"),
    "calls": ("because",),
}


def _count(name: str, default: int) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=str(default))
