"""Flows: what is published when, drafts, and a call's way and mark.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "flow_publications",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("flow_id", _ROW_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("made_by", sa.String(length=60), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("cancelled_at", _INSTANT, nullable=True),
        sa.Column("cancelled_by", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["flow_id"], ["flows.id"], name=op.f("fk_flow_publications_flow_id_flows"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_publications")),
    )
    op.create_index("ix_flow_publications_flow_at", "flow_publications", ["flow_id", "at"])
    op.create_table(
        "flow_drafts",
        sa.Column("flow_id", _ROW_ID, nullable=False),
        sa.Column("graph", sa.JSON(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=True),
        sa.Column("edited_at", _INSTANT, nullable=False),
        sa.Column("edited_by", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["flow_id"], ["flows.id"], name=op.f("fk_flow_drafts_flow_id_flows"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("flow_id", name=op.f("pk_flow_drafts")),
    )
    # What was published is in force since its version was made.
    op.execute(
        "INSERT INTO flow_publications (flow_id, version, at, made_at, made_by, note, cancelled_by) "
        "SELECT flows.id, flows.published, made.created_at, made.created_at, '', '', '' FROM flows "
        "JOIN flow_versions AS made ON made.flow_id = flows.id AND made.version = flows.published"
    )
    with op.batch_alter_table("flows") as table:
        table.drop_column("published")
    with op.batch_alter_table("flow_versions") as table:
        table.add_column(sa.Column("created_by", sa.String(length=60), nullable=False, server_default=""))
    with op.batch_alter_table("calls") as table:
        table.add_column(sa.Column("way", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("mark", sa.String(length=10), nullable=False, server_default=""))
    # The defaults were for the rows that are there only.
    with op.batch_alter_table("flow_versions") as table:
        table.alter_column("created_by", server_default=None)
    with op.batch_alter_table("calls") as table:
        table.alter_column("way", server_default=None)
        table.alter_column("mark", server_default=None)
