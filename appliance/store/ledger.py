"""The ledger's rows: written once, in turns, numbered without gaps, with balances kept beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    case,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from appliance.domain.ledger import CALL_KINDS, Kind, Ledger, Posting
from appliance.store.models import Charge, LedgerBalance, LedgerPosting
from appliance.store.parts import parts
from appliance.store.types import Instant

_MOST = 5000
#: What a posting does to the balance of its account.
EFFECT: ColumnElement[int] = case(
    (LedgerPosting.credit == Ledger.BALANCE.value, LedgerPosting.amount),
    (LedgerPosting.debit == Ledger.BALANCE.value, -LedgerPosting.amount),
    else_=0,
)
#: To group new postings by. By the column itself SQLite reads all postings that there are, in the order of the
#: accounts' index, to leave out the old ones.
_ACCOUNT = func.coalesce(LedgerPosting.account_id, "")
_COLUMNS = (
    "id",
    "subject",
    "account_id",
    "revision",
    "kind",
    "debit",
    "credit",
    "amount",
    "month",
    "at",
    "by_login",
    "approved_by",
    "reason",
)


def post_charges(session: Session, uuids: Collection[str], now: datetime) -> int:
    """Post what the charges of these calls differ by from what is posted of them; how many postings that took.

    Doing it again posts nothing. The caller has taken his turn (``charges.take_turn``).
    """
    before = last_posting(session)
    for part in parts(uuids, _MOST):
        last = last_posting(session)
        session.execute(
            insert(LedgerPosting.__table__).from_select(_COLUMNS, _differences(part, last, now))  # type: ignore[arg-type]
        )
    _carry(session, before)
    return last_posting(session) - before


def post_new(session: Session, after: int, now: datetime) -> None:
    """Post the charges whose number is above ``after``, however many: what ``post_charges`` does, for charges that
    were made one after the other.

    The caller has taken his turn (``charges.take_turn``).
    """
    subject = Charge.call_uuid
    # Looked up in the index call by call: a join would read all the postings that there are.
    of_call = select(LedgerPosting.id).where(LedgerPosting.subject == subject, LedgerPosting.kind.in_(CALL_KINDS))
    posted = of_call.limit(1).scalar_subquery().is_not(None)
    # A call that was charged before, and lost its charge since, needs the difference.
    uuids = list(session.scalars(select(subject).where(Charge.id > after, posted)))
    before = last_posting(session)
    due = select(
        before + func.row_number().over(order_by=Charge.id),
        subject,
        Charge.account_id,
        literal(1, Integer),
        case((Charge.booked_month != Charge.month, Kind.LATE.value), else_=Kind.CHARGE.value),
        literal(Ledger.BALANCE.value, String),
        literal(Ledger.REVENUE.value, String),
        Charge.amount,
        Charge.booked_month,
        literal(now, Instant),
        *(literal("", String) for _ in ("by_login", "approved_by", "reason")),
    ).where(Charge.id > after, Charge.amount > 0)
    if uuids:
        due = due.where(~posted)
    columns: tuple[str, ...] = _COLUMNS
    if session.get_bind().dialect.name == "sqlite":
        # It numbers rows so by itself, as they come; the window costs a fifth of the whole.
        columns, due = _COLUMNS[1:], due.with_only_columns(*list(due.selected_columns)[1:])
    session.execute(
        insert(LedgerPosting.__table__).from_select(columns, due.order_by(Charge.id))  # type: ignore[arg-type]
    )
    own = select(_ACCOUNT, func.sum(LedgerPosting.amount)).where(LedgerPosting.id > before).group_by(_ACCOUNT)
    for account_id, amount in sorted(session.execute(own).all()):
        _move(session, account_id, Ledger.BALANCE, -int(amount))
        _move(session, account_id, Ledger.REVENUE, int(amount))
    if uuids:
        post_charges(session, uuids, now)


def append(session: Session, postings: Sequence[Posting]) -> None:
    """Post these. The caller has taken his turn.

    :raises IntegrityError: one of them is posted already (its subject, account and revision).
    """
    if not postings:
        return
    last = last_posting(session)
    rows = [
        # The driver of PostgreSQL has a mind of its own about enumerations.
        {
            "id": last + nth,
            **asdict(one),
            "kind": one.kind.value,
            "debit": one.debit.value,
            "credit": one.credit.value,
        }
        for nth, one in enumerate(postings, start=1)
    ]
    session.execute(insert(LedgerPosting), rows)
    _carry(session, last)


def last_posting(session: Session) -> int:
    """Number of the last posting; 0: there is none."""
    return session.scalar(select(func.max(LedgerPosting.id))) or 0


def of_subject(session: Session, subject: str) -> LedgerPosting | None:
    """The first posting of a subject; None: there is none."""
    return session.scalar(select(LedgerPosting).where(LedgerPosting.subject == subject).limit(1))


def effect_of(row: LedgerPosting) -> int:
    """By how much a posting changed its account's balance."""
    return row.amount if row.credit == Ledger.BALANCE.value else -row.amount


def balance(session: Session, account_id: str, ledger: Ledger = Ledger.BALANCE) -> int:
    """The sum of a ledger of an account, as it is kept."""
    found = session.get(LedgerBalance, (account_id, ledger.value), populate_existing=True)
    return found.amount if found else 0


def sums(session: Session, after: int = 0) -> dict[tuple[str, Ledger], int]:
    """What the postings behind number ``after`` come to, by account and ledger: credit less debit."""
    found: dict[tuple[str, Ledger], int] = {}
    sides = (_ACCOUNT, LedgerPosting.debit, LedgerPosting.credit)
    rows = session.execute(
        select(*sides, func.sum(LedgerPosting.amount)).where(LedgerPosting.id > after).group_by(*sides)
    )
    for account_id, debit, credit, amount in rows:
        for ledger, effect in ((Ledger(debit), -int(amount)), (Ledger(credit), int(amount))):
            found[account_id, ledger] = found.get((account_id, ledger), 0) + effect
    return found


def postings(session: Session, after: int = 0, through: int | None = None) -> Iterator[LedgerPosting]:
    """Postings behind number ``after``, in their order; they do not stand in memory at once."""
    statement = select(LedgerPosting).where(LedgerPosting.id > after).order_by(LedgerPosting.id)
    if through is not None:
        statement = statement.where(LedgerPosting.id <= through)
    yield from session.scalars(statement.execution_options(yield_per=1000))


def _carry(session: Session, after: int) -> None:
    """Bring the balances up to the postings behind number ``after``."""
    for (account_id, ledger), amount in sorted(sums(session, after).items()):
        _move(session, account_id, ledger, amount)


def _move(session: Session, account_id: str, ledger: Ledger, amount: int) -> None:
    kept = update(LedgerBalance).where(LedgerBalance.account_id == account_id, LedgerBalance.ledger == ledger.value)
    done = session.execute(
        kept.values(amount=LedgerBalance.amount + amount).execution_options(synchronize_session=False)
    )
    if not done.rowcount:  # type: ignore[attr-defined]  # of an update there is one
        session.execute(insert(LedgerBalance).values(account_id=account_id, ledger=ledger.value, amount=amount))


def _differences(uuids: Collection[str], last: int, now: datetime) -> Select[tuple[object, ...]]:
    """A row for each posting that is due: by call, account and month, so that a call which moves from one to the
    other is taken out there and put in here."""
    due = select(
        Charge.call_uuid.label("subject"),
        Charge.account_id.label("account_id"),
        Charge.booked_month.label("month"),
        (-Charge.amount).label("effect"),
        literal(0, Integer).label("times"),
        case((Charge.booked_month != Charge.month, 1), else_=0).label("late"),
    ).where(Charge.call_uuid.in_(uuids))
    done = select(
        LedgerPosting.subject,
        LedgerPosting.account_id,
        LedgerPosting.month,
        -EFFECT,
        literal(1, Integer),
        literal(0, Integer),
    ).where(LedgerPosting.subject.in_(uuids), LedgerPosting.kind.in_(CALL_KINDS))
    both = union_all(due, done).subquery()
    grouped = (
        select(
            both.c.subject,
            both.c.account_id,
            both.c.month,
            func.sum(both.c.effect).label("effect"),
            func.sum(func.sum(both.c.times)).over(partition_by=(both.c.subject, both.c.account_id)).label("times"),
            func.max(both.c.late).label("late"),
        )
        .group_by(both.c.subject, both.c.account_id, both.c.month)
        .subquery()
    )
    of_call, effect = (grouped.c.subject, grouped.c.account_id), grouped.c.effect
    paid = effect > 0
    balance_, revenue = literal(Ledger.BALANCE.value, String), literal(Ledger.REVENUE.value, String)
    kind = case(
        (grouped.c.late > 0, Kind.LATE.value), (grouped.c.times == 0, Kind.CHARGE.value), else_=Kind.CHANGE.value
    )
    return select(
        last + func.row_number().over(order_by=(*of_call, grouped.c.month)),
        *of_call,
        grouped.c.times + func.row_number().over(partition_by=of_call, order_by=grouped.c.month),
        kind,
        case((paid, revenue), else_=balance_),
        case((paid, balance_), else_=revenue),
        func.abs(effect),
        grouped.c.month,
        literal(now, Instant),
        *(literal("", String) for _ in ("by_login", "approved_by", "reason")),
    ).where(effect != 0)
