"""What re-rating reads and books: the calls of a number with what is booked of them, and corrections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from appliance.domain.closing import booked_month
from appliance.domain.grants import month_of
from appliance.domain.ledger import Kind, Who, posting
from appliance.domain.pricing import MeteredCall
from appliance.domain.rerating import Figures
from appliance.store.charges import AT, BY_RULES, METERED, PAYER, last_corrections, metered_row
from appliance.store.charging import RATED, closed_through
from appliance.store.ledger import append
from appliance.store.models import Call, Charge, Correction, CorrectionItem

_FIGURES = len(Figures._fields)
_ITEM = (
    CorrectionItem.plan_code,
    CorrectionItem.price_from,
    CorrectionItem.metered_seconds,
    CorrectionItem.billable_units,
    CorrectionItem.included_units,
    CorrectionItem.charged_units,
    CorrectionItem.rated,
    CorrectionItem.reason_code,
)


@dataclass(frozen=True, slots=True)
class Booked:
    """A call, and what is booked of it.

    :param month: the call's month; that of its charge, where it has one.
    :param booked_month: the month that the charge is booked in.
    :param charged: the charge; None: it has none.
    :param corrected: the charge with the corrections that were made to it.
    """

    call: MeteredCall
    account_id: str
    month: int
    booked_month: int
    final: bool
    charged: Figures | None
    corrected: Figures | None


def numbers(session: Session, since: datetime | None) -> list[str]:
    """Numbers with calls, or with calls since then, sorted."""
    statement = select(Call.number).distinct().order_by(Call.number)
    if since is not None:
        statement = statement.where(since <= AT)
    return list(session.scalars(statement))


def booked(session: Session, number: str) -> list[Booked]:
    """Every call of a number that the rules price, whether it has a charge or not."""
    corrected = _corrected(session, number)
    # Typed loosely: without a charge its columns are None, whatever the model says.
    rows: Iterable[Any] = session.execute(
        select(*METERED, PAYER, Charge.account_id, Charge.month, Charge.booked_month, Charge.final, *RATED)
        .join(Charge, Charge.call_uuid == Call.uuid, isouter=True)
        .where(Call.number == number, BY_RULES)
    )
    found = []
    for row in rows:
        call = metered_row(row[: len(METERED)])
        payer, account_id, month, booked_in, final = row[len(METERED) : -_FIGURES]
        if account_id is None:
            month = month_of(call.answered_at or call.started_at)
            found.append(Booked(call, payer, month, month, False, None, None))
            continue
        charged = Figures(*row[-_FIGURES:])
        now = corrected.get(call.call_id, charged)
        found.append(Booked(call, account_id, month, booked_in, final, charged, now))
    return found


def correct(
    session: Session,
    account_id: str,
    month: int,
    items: Iterable[tuple[str, Figures, Figures]],
    who: Who,
    now: datetime,
) -> Correction:
    """Book what final charges of a closed month differ by, in the first month that is open.

    :param items: a call's UUID, what it is booked as, and what it is rated as now.
    """
    changes = list(items)
    amount = sum(new.amount - old.amount for _, old, new in changes)
    made = Correction(
        account_id=account_id,
        month=month,
        booked_month=booked_month(month, closed_through(session, [account_id]).get(account_id)),
        amount=amount,
        calls=len(changes),
        reason=who.reason,
        by_login=who.by,
        at=now,
    )
    session.add(made)
    session.flush()
    rows = [
        {"correction_id": made.id, "call_uuid": uuid, "amount": new.amount - old.amount, **_item(new)}
        for uuid, old, new in changes
    ]
    session.execute(insert(CorrectionItem), rows)
    if amount:
        subject = f"{Kind.CORRECTION}:{made.id}"
        append(
            session,
            [posting(Kind.CORRECTION, subject, account_id, -amount, month=made.booked_month, at=now, who=who)],
        )
    return made


def _corrected(session: Session, number: str) -> dict[str, Figures]:
    """What corrected calls of a number are rated as, by their last correction."""
    rows: Iterable[Any] = session.execute(
        select(CorrectionItem.call_uuid, *_ITEM).where(CorrectionItem.id.in_(last_corrections(number)))
    )
    return {uuid: Figures(*figures) for uuid, *figures in rows}


def _item(figures: Figures) -> dict[str, Any]:
    return {column.key: value for column, value in zip(_ITEM, figures, strict=True)}
