"""Charges that are void because a call is not what it was: its own, and the first that its units go back to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from appliance.domain.grants import month_of
from appliance.store.charges import BY_RULES, answered
from appliance.store.models import Call, Charge, Plan


class Place(NamedTuple):
    """By what a call that was answered finds its subscription and price, and its turn among those that draw on the
    same grants."""

    number: str
    caller_kind: str
    answered_at: datetime | None


def place(call: Call) -> Place:
    """Where a call stands now."""
    return Place(call.number, call.caller_kind, call.answered_at)


def void_charges(session: Session, calls: Mapping[str, tuple[Place, Place]]) -> list[str]:
    """Delete the charges of calls that have changed, final ones apart; and for each call that stands elsewhere now,
    the charge of the first one behind its old place that may draw on the units it used.

    Whoever is rated again takes those behind him with him (``rating.run``). The changed call does so from its new
    place only, if it has one; from its old place on, the next one does. A call without a charge is itself the note
    that it is to be rated, so nothing is lost when somebody is killed before that.

    :param calls: by UUID: where each stood, and where it stands now. The caller has taken his turn.
    :return: the other calls that have no charge now.
    """
    found = session.execute(
        select(Charge.call_uuid, Charge.plan_code, Charge.included_units).where(
            Charge.call_uuid.in_(calls), Charge.final.is_(False)
        )
    )
    used = {row.call_uuid: row.plan_code for row in found if row.included_units}
    again = {
        uuid
        for call_uuid, (was, now) in calls.items()
        if call_uuid in used and was != now and was.answered_at is not None
        for uuid in _next(session, was.number, was.answered_at, used[call_uuid], calls)
    }
    void = [*calls, *again]
    session.execute(delete(Charge).where(Charge.call_uuid.in_(void), Charge.final.is_(False)))
    return sorted(again)


def _next(session: Session, number: str, at: datetime, plan: str, but: Collection[str]) -> list[str]:
    """The first call answered at or after an instant that draws on the grants of then, if there is one."""
    rolls_over = select(Plan.code).where(Plan.code == plan, Plan.rollover_months > 0).exists()
    return list(
        session.scalars(
            select(Call.uuid)
            .join(Charge, Charge.call_uuid == Call.uuid)
            .where(
                *answered(number, at, None),
                BY_RULES,
                Call.uuid.not_in(but),
                Charge.final.is_(False),
                Charge.plan_code == plan,
                or_(Charge.month == month_of(at), rolls_over),
            )
            .order_by(Call.answered_at, Call.uuid)
            .limit(1)
        )
    )
