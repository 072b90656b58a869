"""What carriers take for legs that go out, and what each leg cost.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "trunk_costs",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("trunk_id", sa.String(length=40), nullable=False),
        sa.Column("effective_from", _INSTANT, nullable=False),
        sa.Column("effective_text", sa.String(length=40), nullable=False),
        sa.Column("line", sa.String(length=10), nullable=False),
        sa.Column("initial_seconds", sa.Integer(), nullable=False),
        sa.Column("step_seconds", sa.Integer(), nullable=False),
        sa.Column("connect_fee", sa.BigInteger(), nullable=False),
        sa.Column("per_minute", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunk_costs")),
        sa.UniqueConstraint(
            "trunk_id", "line", "effective_from", name=op.f("uq_trunk_costs_trunk_id_line_effective_from")
        ),
    )
    op.create_table(
        "leg_costs",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("leg_uuid", sa.String(length=64), nullable=False),
        sa.Column("call_uuid", sa.String(length=64), nullable=False),
        sa.Column("trunk_id", sa.String(length=40), nullable=False),
        sa.Column("line_id", sa.String(length=40), nullable=False),
        sa.Column("line", sa.String(length=10), nullable=False),
        sa.Column("dialled", sa.String(length=30), nullable=False),
        sa.Column("shown", sa.String(length=30), nullable=False),
        sa.Column("answered_at", _INSTANT, nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("cost_from", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["leg_uuid"],
            ["call_legs.leg_uuid"],
            name=op.f("fk_leg_costs_leg_uuid_call_legs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leg_costs")),
        sa.UniqueConstraint("leg_uuid", name=op.f("uq_leg_costs_leg_uuid")),
    )
    op.create_index("ix_leg_costs_answered", "leg_costs", ["answered_at"])
    op.create_index("ix_leg_costs_call", "leg_costs", ["call_uuid"])
