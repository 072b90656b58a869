"""The ledger, closed months, settled calls and corrections; whom a charge belongs to, and in which month.

Charges that are there are posted. Column types are spelt out here, not imported: what a revision did must not
change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MONEY = sa.BigInteger()
_SHANGHAI = {
    "sqlite": "strftime('{0}', datetime({1}, '+8 hours'))",
    "postgresql": "to_char({1} AT TIME ZONE 'Asia/Shanghai', '{0}')",
}
_AT = "coalesce(calls.answered_at, calls.started_at)"
_YEAR = {"sqlite": "%Y", "postgresql": "YYYY"}
_MONTH = {"sqlite": "%m", "postgresql": "MM"}
_APPEND_ONLY = (
    "ledger_postings",
    "ledger_seals",
    "closed_months",
    "settlements",
    "corrections",
    "correction_items",
)
_FUNCTION = """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"""


def upgrade() -> None:
    _columns()
    _tables()
    _post()
    _triggers()


def _columns() -> None:
    with op.batch_alter_table("calls") as table:
        table.add_column(sa.Column("settled", sa.String(length=10), nullable=False, server_default=""))
    with op.batch_alter_table("calls") as table:
        table.alter_column("settled", server_default=None)
    with op.batch_alter_table("charges") as table:
        table.add_column(sa.Column("account_id", sa.String(length=40), nullable=False, server_default=""))
        table.add_column(sa.Column("month", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("booked_month", sa.Integer(), nullable=False, server_default="0"))
    dialect = op.get_bind().dialect.name
    year, month = (f"CAST({_SHANGHAI[dialect].format(part[dialect], _AT)} AS integer)" for part in (_YEAR, _MONTH))
    account = (
        "coalesce(calls.account_id, "
        "(SELECT numbers.account_id FROM numbers WHERE numbers.number = calls.number), '')"
    )
    op.execute(
        f"""UPDATE charges SET
        account_id = (SELECT {account} FROM calls WHERE calls.uuid = charges.call_uuid),
        month = (SELECT {year} * 12 + {month} - 1 FROM calls WHERE calls.uuid = charges.call_uuid)"""  # noqa: S608
    )
    op.execute("UPDATE charges SET booked_month = month")
    with op.batch_alter_table("charges") as table:
        # The defaults were for the charges that are there only.
        for name in ("account_id", "month", "booked_month"):
            table.alter_column(name, server_default=None)
    op.create_index("ix_charges_account_booked", "charges", ["account_id", "booked_month"])


def _tables() -> None:
    op.create_table(
        "ledger_postings",
        sa.Column("id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("debit", sa.String(length=20), nullable=False),
        sa.Column("credit", sa.String(length=20), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by_login", sa.String(length=100), nullable=False),
        sa.Column("approved_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_ledger_postings_amount")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_ledger_postings_sides")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_postings")),
        sa.UniqueConstraint(
            "subject", "account_id", "revision", name=op.f("uq_ledger_postings_subject_account_id_revision")
        ),
    )
    op.create_index("ix_ledger_postings_account", "ledger_postings", ["account_id", "id"])
    op.create_table(
        "ledger_balances",
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("ledger", sa.String(length=20), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "ledger", name=op.f("pk_ledger_balances")),
    )
    op.create_table(
        "ledger_seals",
        sa.Column("through", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("through", name=op.f("pk_ledger_seals")),
    )
    op.create_table(
        "closed_months",
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("closed_at", _INSTANT, nullable=False),
        sa.Column("by_login", sa.String(length=100), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("not_ratable", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "month", name=op.f("pk_closed_months")),
    )
    op.create_table(
        "settlements",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("call_uuid", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by_login", sa.String(length=100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlements")),
    )
    op.create_index("ix_settlements_call", "settlements", ["call_uuid"])
    op.create_table(
        "corrections",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("booked_month", sa.Integer(), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by_login", sa.String(length=100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
    )
    op.create_index("ix_corrections_account", "corrections", ["account_id", "booked_month"])
    op.create_table(
        "correction_items",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("correction_id", _ROW_ID, nullable=False),
        sa.Column("call_uuid", sa.String(length=64), nullable=False),
        sa.Column("amount", _MONEY, nullable=False),
        sa.Column("plan_code", sa.String(length=40), nullable=False),
        sa.Column("price_from", sa.String(length=40), nullable=False),
        sa.Column("metered_seconds", sa.Integer(), nullable=False),
        sa.Column("billable_units", sa.Integer(), nullable=False),
        sa.Column("included_units", sa.Integer(), nullable=False),
        sa.Column("charged_units", sa.Integer(), nullable=False),
        sa.Column("rated", _MONEY, nullable=False),
        sa.Column("reason_code", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction_items")),
    )
    op.create_index("ix_correction_items_call", "correction_items", ["call_uuid"])


def _post() -> None:
    """What calls were charged before there was a ledger."""
    op.execute(
        """INSERT INTO ledger_postings (id, subject, account_id, revision, kind, debit, credit, amount, month, at,
            by_login, approved_by, reason)
        SELECT row_number() OVER (ORDER BY id), call_uuid, account_id, 1, 'charge', 'balance', 'revenue', amount,
            booked_month, rated_at, '', '', ''
        FROM charges WHERE amount > 0"""
    )
    for ledger, sign in (("balance", "-"), ("revenue", "")):
        op.execute(
            f"""INSERT INTO ledger_balances (account_id, ledger, amount)
            SELECT account_id, '{ledger}', {sign}sum(amount) FROM ledger_postings GROUP BY account_id"""  # noqa: S608
        )


def _triggers() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_FUNCTION)
    for name in _APPEND_ONLY:
        _keep(name)
    _keep("charges", "OLD.final")


def _keep(name: str, when: str = "") -> None:
    if op.get_bind().dialect.name == "sqlite":
        sqlite_when = f" WHEN {when}" if when else ""
        for action in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {name}_no_{action} BEFORE {action.upper()} ON {name}{sqlite_when} "
                f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
            )
        return
    postgres_when = f" WHEN ({when})" if when else ""
    op.execute(
        f"CREATE TRIGGER {name}_no_change BEFORE UPDATE OR DELETE ON {name} "
        f"FOR EACH ROW{postgres_when} EXECUTE FUNCTION refuse_change()"
    )
    op.execute(f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name} EXECUTE FUNCTION refuse_change()")
