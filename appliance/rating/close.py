"""A month is closed: its charges become final, account by account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.domain.closing import Hindrances, is_over, month_name
from appliance.domain.ledger import LONGEST_REASON, Who
from appliance.errors import RatingError
from appliance.store import closing, seals
from appliance.store.charges import take_turn
from appliance.store.charging import closed_through
from appliance.store.unit import Store


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of an account's month. Amounts are millionths of a yuan.

    :param new: it was closed now; not new and without hindrances: it was closed before.
    """

    account_id: str
    new: bool = False
    calls: int = 0
    amount: int = 0
    hindrances: Hindrances | None = None


def close_month(
    store: Store,
    month: int,
    clock: Callable[[], datetime],
    *,
    grace: timedelta,
    who: Who,
    account_id: str | None = None,
    although_not_ratable: bool = False,
) -> list[Closing]:
    """Close a month of one account, or of every one; each in a unit of work of its own. Doing it again changes
    nothing. An account whose month may not be closed yet is left as it is, and it is told why.

    :param grace: how long after its end late calls are waited for.
    :param although_not_ratable: calls that no price is found for become final too, at 0; ``who`` must say why. A
        re-rating shows them when the price book is mended.
    :raises RatingError: the month is not over, nobody says why calls are to be left without a price, or there is no
        such account.
    """
    if not is_over(month, clock(), grace):
        hours = grace.total_seconds() / 3600
        raise RatingError(f"{month_name(month)} is not over for {hours:g} hours: calls of it may still come")
    if although_not_ratable and not (who.by and who.reason.strip() and len(who.reason) <= LONGEST_REASON):
        raise RatingError("leaving calls without a price needs a login and a reason")
    with store.reading() as session:
        wanted = closing.accounts(session, month)
    if account_id is not None:
        # A closed month is never taken back: one of nobody would stay for good.
        if account_id not in wanted:
            raise RatingError(f"no such account: {account_id}")
        wanted = [account_id]
    found = [_close(store, month, clock, one, who, although_not_ratable) for one in wanted]
    # Also where all was closed before: whoever closed it may have been killed before he sealed it.
    if any(one.hindrances is None for one in found):
        with store.work() as session:
            take_turn(session)
            seals.add(session, clock())
            session.commit()
    return found


def _close(
    store: Store,
    month: int,
    clock: Callable[[], datetime],
    account_id: str,
    who: Who,
    although_not_ratable: bool,
) -> Closing:
    with store.work() as session:
        take_turn(session)
        last = closed_through(session, [account_id]).get(account_id)
        if last is not None and month <= last:
            before = closing.closed_month(session, account_id, month)
            return Closing(account_id, False, before.calls, before.amount) if before else Closing(account_id)
        hindrances = closing.hindrances(session, account_id, month, last)
        if hindrances.bar(although_not_ratable=although_not_ratable):
            return Closing(account_id, hindrances=hindrances)
        left = len(hindrances.not_ratable)
        done = closing.finish(
            session,
            account_id,
            month,
            at=clock(),
            by=who.by,
            not_ratable=left,
            reason=who.reason if left else "",
        )
        session.commit()
        return Closing(account_id, True, done.calls, done.amount)
