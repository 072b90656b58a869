"""Closing a month of an account: what stands in the way, and the charges made final."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, union, update
from sqlalchemy.orm import Session

from appliance.domain.closing import Hindrances
from appliance.domain.grants import month_start
from appliance.domain.rerating import REJECT
from appliance.store.charges import AT, BY_RULES, WAIVE
from appliance.store.models import Account, Call, Charge, ClosedMonth, Number


def accounts(session: Session, month: int) -> list[str]:
    """Accounts that there are, and those that are gone and have charges in the month, sorted."""
    charged = select(Charge.account_id).where(Charge.booked_month == month, Charge.account_id != "")
    return sorted(session.scalars(union(select(Account.id), charged)))


def hindrances(session: Session, account_id: str, month: int, closed_through: int | None) -> Hindrances:
    """What stands in the way of closing the month.

    :param closed_through: the account's last closed month. What comes from before it is booked later; only what
        waits for a person bars every later month.
    """
    waiting = or_(BY_RULES, Call.settled == WAIVE)
    not_final = (Charge.account_id == account_id, Charge.final.is_(False))
    rejected = (
        select(Charge.call_uuid)
        .where(*not_final, Charge.booked_month <= month, Charge.reason.startswith(REJECT, autoescape=True))
        .order_by(Charge.call_uuid)
    )
    earlier = select(Charge.booked_month).where(*not_final, Charge.booked_month < month).distinct()
    return Hindrances(
        unrated=_calls(session, account_id, month, closed_through, waiting, Charge.id.is_(None)),
        # Those that came when their own month was closed as well: nobody else would ask for them again.
        abnormal=_calls(session, account_id, month, None, ~waiting),
        not_ratable=tuple(session.scalars(rejected)),
        earlier=tuple(session.scalars(earlier.order_by(Charge.booked_month))),
    )


def finish(
    session: Session, account_id: str, month: int, *, at: datetime, by: str, not_ratable: int, reason: str
) -> ClosedMonth:
    """Make the month's charges final and note that it is closed. The caller has taken his turn."""
    of_month = (Charge.account_id == account_id, Charge.booked_month == month)
    session.execute(
        update(Charge)
        .where(*of_month, Charge.final.is_(False))
        .values(final=True)
        .execution_options(synchronize_session=False)
    )
    calls, amount = session.execute(
        select(func.count(Charge.id), func.coalesce(func.sum(Charge.amount), 0)).where(*of_month)
    ).one()
    closed = ClosedMonth(
        account_id=account_id,
        month=month,
        closed_at=at,
        by_login=by,
        calls=calls,
        amount=int(amount),
        not_ratable=not_ratable,
        reason=reason,
    )
    session.add(closed)
    session.flush()
    return closed


def closed_month(session: Session, account_id: str, month: int) -> ClosedMonth | None:
    """The month as it was closed, if it was by itself (one before a closed one is closed with it)."""
    return session.get(ClosedMonth, (account_id, month))


def _calls(
    session: Session, account_id: str, month: int, closed_through: int | None, *conditions: ColumnElement[bool]
) -> tuple[str, ...]:
    end = month_start(month + 1)
    numbers = select(Number.number).where(Number.account_id == account_id)
    statement = (
        select(Call.uuid)
        .join(Charge, Charge.call_uuid == Call.uuid, isouter=True)
        .where(
            or_(Call.account_id == account_id, and_(Call.account_id.is_(None), Call.number.in_(numbers))),
            Call.started_at < end,
            end > AT,
            *conditions,
        )
        .order_by(Call.uuid)
    )
    if closed_through is not None:
        statement = statement.where(month_start(closed_through + 1) <= AT)
    return tuple(session.scalars(statement))
