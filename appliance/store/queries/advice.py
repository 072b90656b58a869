"""What plans are tried on: an account's numbers with their subscriptions, calls and charges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from appliance.domain import pricing
from appliance.domain.grants import month_start
from appliance.store import charges, plans
from appliance.store.models import Account, Call, Charge, Number, Plan
from appliance.store.queries.scope import Reader


@dataclass(frozen=True, slots=True)
class ChargedCall:
    """A call with what is charged for it; ``amount`` None: not rated yet; ``refused``: no plan or price held."""

    call: pricing.MeteredCall
    units: int
    included: int
    amount: int | None
    refused: bool


@dataclass(frozen=True, slots=True)
class NumberUse:
    """A number, its subscriptions in order, and its calls of the months that were asked for."""

    number: str
    name: str
    subscriptions: tuple[pricing.Subscription, ...]
    calls: Sequence[ChargedCall]


def account_name(reader: Reader, account_id: str) -> str | None:
    """An account's name; None: there is none that this reader may see."""
    return next(iter(reader.scalars(select(Account.name).where(Account.id == account_id))), None)


def accounts(reader: Reader) -> list[tuple[str, str]]:
    """Ids and names of the accounts that this reader may see."""
    return [(id_, name) for id_, name in reader.rows(select(Account.id, Account.name).order_by(Account.id))]


def all_plans(reader: Reader) -> list[pricing.Plan]:
    """Every plan of the book, by code."""
    return plans.load_plans(reader, Plan.code.is_not(None))


def count_calls(reader: Reader, account_id: str, since: datetime, until: datetime) -> int:
    """How many calls there are to look at, roughly and quickly."""
    found = reader.row(
        select(func.count(Call.id)).where(
            Call.account_id == account_id, Call.started_at >= since, Call.started_at < until
        )
    )
    return found[0] if found else 0


def month_span(first: int, last: int) -> tuple[datetime, datetime]:
    """When the month ``first`` begins, and ``last`` ends."""
    return month_start(first), month_start(last + 1)


def number_uses(
    reader: Reader, account_id: str, first: int, last: int, number: str | None = None
) -> list[NumberUse]:
    """The account's numbers with their calls of the months ``first`` to ``last``.

    A call's month is that of its answer, or of its start if unanswered; those closed as abnormal are left out, as
    rating leaves them out.
    """
    wanted = select(Number.number, Number.name).where(Number.account_id == account_id).order_by(Number.number)
    if number is not None:
        wanted = wanted.where(Number.number == number)
    found = reader.rows(wanted)
    book = plans.load_book(reader, [row[0] for row in found])
    since, until = month_span(first, last)
    return [
        NumberUse(called, name, book.subscriptions.get(called, ()), _calls(reader, called, since, until))
        for called, name in found
    ]


def _calls(reader: Reader, number: str, since: datetime, until: datetime) -> list[ChargedCall]:
    at = func.coalesce(Call.answered_at, Call.started_at)
    rows = reader.rows(
        select(*charges.METERED, Charge.billable_units, Charge.included_units, Charge.amount, Charge.reason)
        .join_from(Call, Charge, Charge.call_uuid == Call.uuid, isouter=True)
        .where(Call.number == number, at >= since, at < until, charges.BY_RULES)
    )
    return [_charged(row) for row in rows]


def _charged(row: Row[*tuple[Any, ...]]) -> ChargedCall:
    *metered, units, included, amount, reason = row
    refused = reason is not None and reason.startswith("reject:")
    return ChargedCall(charges.metered_row(metered), units or 0, included or 0, amount, refused)
