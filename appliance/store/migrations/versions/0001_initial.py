"""Accounts, routing, plans, calls and charges.

Column types are spelt out here, not imported: what a revision did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: SQLite counts up only in an INTEGER primary key.
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: UTC; SQLite keeps it without a zone.
_INSTANT = sa.DateTime(timezone=True)

_ROLES = ("administrator", "operator", "finance", "supervisor", "agent", "auditor")


def upgrade() -> None:
    _accounts()
    _routing()
    _plans()
    _calls()
    roles = sa.table("roles", sa.column("name", sa.String))
    op.bulk_insert(roles, [{"name": name} for name in _ROLES])
    state = sa.table(
        "site_state",
        sa.column("id", sa.Integer),
        sa.column("revision", sa.Integer),
        sa.column("applied_sha256", sa.String),
    )
    op.bulk_insert(state, [{"id": 1, "revision": 0, "applied_sha256": ""}])


def _accounts() -> None:
    """Enterprises and the people who use the console."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    op.create_table(
        "roles",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
    )
    op.create_table(
        "operators",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("login", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=True),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("session_key", sa.String(length=64), nullable=False),
        sa.Column("failed_sign_ins", sa.Integer(), nullable=False),
        sa.Column("locked_until", _INSTANT, nullable=True),
        sa.Column("last_sign_in_at", _INSTANT, nullable=True),
        sa.Column("preferences", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_operators_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
        sa.UniqueConstraint("login", name=op.f("uq_operators_login")),
        sa.UniqueConstraint("session_key", name=op.f("uq_operators_session_key")),
    )
    op.create_table(
        "operator_roles",
        sa.Column("operator_id", _ROW_ID, nullable=False),
        sa.Column("role_id", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"],
            ["operators.id"],
            name=op.f("fk_operator_roles_operator_id_operators"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_operator_roles_role_id_roles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operator_id", "role_id", name=op.f("pk_operator_roles")),
    )


def _routing() -> None:
    """What a call is routed by."""
    op.create_table(
        "site_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("applied_at", _INSTANT, nullable=True),
        sa.Column("applied_sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_site_state_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_state")),
    )
    op.create_table(
        "trunks",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("accept", sa.JSON(), nullable=False),
        sa.Column("proxy", sa.String(length=100), nullable=False),
        sa.Column("called_from", sa.JSON(), nullable=False),
        sa.Column("landing", sa.JSON(), nullable=False),
        sa.Column("number_format", sa.String(length=20), nullable=False),
        sa.Column("caller_id", sa.String(length=20), nullable=False),
        sa.Column("caller_number", sa.String(length=30), nullable=False),
        sa.Column("codecs", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunks")),
    )
    op.create_table(
        "lines",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("trunk_id", sa.String(length=40), nullable=False),
        sa.Column("max_calls", sa.Integer(), nullable=False),
        sa.Column("ring_seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_lines_account_id_accounts")),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunks.id"], name=op.f("fk_lines_trunk_id_trunks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lines")),
    )
    op.create_table(
        "flows",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("published", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_flows_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flows")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_flows_account_id_name")),
    )
    op.create_table(
        "flow_versions",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("flow_id", _ROW_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("graph", sa.JSON(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["flow_id"], ["flows.id"], name=op.f("fk_flow_versions_flow_id_flows"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flow_versions")),
        sa.UniqueConstraint("flow_id", "version", name=op.f("uq_flow_versions_flow_id_version")),
    )
    op.create_table(
        "numbers",
        sa.Column("number", sa.String(length=10), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("flow_id", _ROW_ID, nullable=True),
        sa.Column("line_ids", sa.JSON(), nullable=False),
        sa.Column("record", sa.String(length=10), nullable=False),
        sa.Column("record_notice", sa.Boolean(), nullable=False),
        sa.Column("in_service", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_numbers_account_id_accounts")),
        sa.ForeignKeyConstraint(["flow_id"], ["flows.id"], name=op.f("fk_numbers_flow_id_flows")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_numbers")),
    )


def _plans() -> None:
    """The price book."""
    op.create_table(
        "plans",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("charge_by", sa.String(length=10), nullable=False),
        sa.Column("meter", sa.String(length=10), nullable=False),
        sa.Column("included", sa.Integer(), nullable=False),
        sa.Column("rollover_months", sa.Integer(), nullable=False),
        sa.Column("minimum_monthly", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_plans")),
    )
    op.create_table(
        "prices",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("plan_code", sa.String(length=40), nullable=False),
        sa.Column("effective_from", _INSTANT, nullable=False),
        sa.Column("effective_text", sa.String(length=40), nullable=False),
        sa.Column("caller", sa.String(length=10), nullable=False),
        sa.Column("initial_seconds", sa.Integer(), nullable=False),
        sa.Column("step_seconds", sa.Integer(), nullable=False),
        sa.Column("free_seconds", sa.Integer(), nullable=False),
        sa.Column("connect_fee", sa.BigInteger(), nullable=False),
        sa.Column("per_minute", sa.BigInteger(), nullable=False),
        sa.Column("per_call", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_code"], ["plans.code"], name=op.f("fk_prices_plan_code_plans"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
        sa.UniqueConstraint(
            "plan_code", "caller", "effective_from", name=op.f("uq_prices_plan_code_caller_effective_from")
        ),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("number", sa.String(length=10), nullable=False),
        sa.Column("plan_code", sa.String(length=40), nullable=False),
        sa.Column("starts_at", _INSTANT, nullable=False),
        sa.Column("ends_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["number"], ["numbers.number"], name=op.f("fk_subscriptions_number_numbers"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["plan_code"], ["plans.code"], name=op.f("fk_subscriptions_plan_code_plans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("number", "starts_at", name=op.f("uq_subscriptions_number_starts_at")),
    )


def _calls() -> None:
    """Stored calls and what they cost."""
    op.create_table(
        "calls",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("uuid", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=True),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("trunk_id", sa.String(length=40), nullable=False),
        sa.Column("caller", sa.String(length=30), nullable=False),
        sa.Column("caller_kind", sa.String(length=10), nullable=False),
        sa.Column("caller_name", sa.Text(), nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("answered_at", _INSTANT, nullable=True),
        sa.Column("joined_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=False),
        sa.Column("bill_ms", sa.Integer(), nullable=False),
        sa.Column("bridged_ms", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.String(length=40), nullable=False),
        sa.Column("flow", sa.String(length=60), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("tried", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=60), nullable=False),
        sa.Column("hangup_cause", sa.String(length=60), nullable=False),
        sa.Column("sip_status", sa.Integer(), nullable=True),
        sa.Column("recording", sa.String(length=200), nullable=False),
        sa.Column("collected_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("uuid", name=op.f("uq_calls_uuid")),
    )
    op.create_index("ix_calls_account_started", "calls", ["account_id", "started_at"])
    op.create_index("ix_calls_caller", "calls", ["caller"])
    op.create_index("ix_calls_number_started", "calls", ["number", "started_at"])
    op.create_index("ix_calls_started", "calls", ["started_at"])
    op.create_table(
        "call_legs",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("leg_uuid", sa.String(length=64), nullable=False),
        sa.Column("call_uuid", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("answered_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=False),
        sa.Column("hangup_cause", sa.String(length=60), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_legs")),
        sa.UniqueConstraint("leg_uuid", name=op.f("uq_call_legs_leg_uuid")),
    )
    op.create_index(op.f("ix_call_legs_call_uuid"), "call_legs", ["call_uuid"])
    op.create_table(
        "cdr_set_aside",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("file", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cdr_set_aside")),
        sa.UniqueConstraint("file", name=op.f("uq_cdr_set_aside_file")),
    )
    op.create_table(
        "charges",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("call_uuid", sa.String(length=64), nullable=False),
        sa.Column("plan_code", sa.String(length=40), nullable=False),
        sa.Column("price_from", sa.String(length=40), nullable=False),
        sa.Column("metered_seconds", sa.Integer(), nullable=False),
        sa.Column("billable_units", sa.Integer(), nullable=False),
        sa.Column("included_units", sa.Integer(), nullable=False),
        sa.Column("charged_units", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("rated_at", _INSTANT, nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_uuid"], ["calls.uuid"], name=op.f("fk_charges_call_uuid_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charges")),
        sa.UniqueConstraint("call_uuid", name=op.f("uq_charges_call_uuid")),
    )
