"""Balances come to the calls: from the ledger into the journal, and with them what was held for charged calls goes.

The collector looks again and again. All that one look finds is of one moment of the database, and is taken over in
one transaction of the journal, so that a call's charge is in the balance from the very moment on in which nothing
is held for it any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain import money
from appliance.domain.grants import SHANGHAI
from appliance.domain.holding import Held, freed
from appliance.domain.hook import Message
from appliance.store import standing
from appliance.store.credit import Balance, Credit, News, Seen
from appliance.store.credit_terms import Holder, load_holders, suspended_accounts
from appliance.store.journal_file import Row
from appliance.store.ledger import last_posting
from appliance.store.models import Subscription
from appliance.store.outbox import put
from appliance.store.plans import load_book
from appliance.store.unit import Store

#: Units that calls without a hold have used, or that were rated again, are found after so long at the latest.
_ALL_UNITS_EVERY_S = 600.0
#: A call back of before these had a row of their begin, whose record has not come so long behind the longest call,
#: is none any more.
_RECORDS_COME = timedelta(hours=1)
_log = structlog.get_logger(__name__)


class Standings:
    """Brings balances. One a process.

    :param max_call_s: the box's maximum call duration.
    """

    def __init__(self, store: Store, credit: Credit, now: Callable[[], datetime], max_call_s: int) -> None:
        self._store = store
        self._credit = credit
        self._now = now
        self._longest = timedelta(seconds=max_call_s) + _RECORDS_COME
        self._units_at: float | None = None

    def look(self) -> bool:
        """One look; whether the journal has what it found.

        :raises StoreError: the database cannot be used.
        """
        now = self._now()
        # Before the database: a call that is stored by now is found there.
        before, held = self._credit.seen(), self._credit.held()
        ended, known = self._credit.ended(now - self._longest), self._credit.balances()
        # A journal that was begun anew knows of no units either, however lately they were brought.
        everything = (
            before.version == 0 or self._units_at is None or time.monotonic() - self._units_at >= _ALL_UNITS_EVERY_S
        )
        with self._store.reading() as session:
            through, day = last_posting(session), now.astimezone(SHANGHAI).date().isoformat()
            found = standing.settled_of(session, [one.uuid for one in held])
            settled = freed(held, {**found.settled, **dict.fromkeys(ended - found.stored)})
            holders = load_holders(session)
            balances = self._balances(session, holders, known, before, through, day)
            numbers = {one.number for one in held if one.uuid in settled}
            if everything:
                numbers = set(session.scalars(select(Subscription.number).distinct()))
            used = standing.units_used(session, load_book(session, numbers), numbers, now) if numbers else {}
        changed = {account: balance for account, balance in balances.items() if known.get(account) != balance}
        if (before.through, before.day) == (through, day) and not (changed or settled or used):
            return True
        told = {
            account: _told(account, holders[account], balance, through, now)
            for account, balance in changed.items()
            if balance.low
        }
        taken = self._credit.take(News(before, through, day, changed, settled, used, told))
        if taken and everything:
            self._units_at = time.monotonic()
        if taken:
            self._tell(held, settled, changed, known)
        return taken

    def _balances(
        self,
        session: Session,
        holders: Mapping[str, Holder],
        known: Mapping[str, Balance],
        before: Seen,
        through: int,
        day: str,
    ) -> dict[str, Balance]:
        same_day = before.day == day
        midnight = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=SHANGHAI)
        # Another day's sum is made anew, of all postings: a clock that was set back, or a look that began before
        # midnight and read after it, has seen some of that day already.
        spent = standing.spent(session, before.through if same_day else 0, through, midnight)
        suspended = suspended_accounts(session)
        made = {}
        for account, amount in standing.amounts(session).items():
            terms = holders[account].terms
            already = known[account].spent if same_day and account in known else 0
            made[account] = Balance(
                amount,
                already + spent.get(account, 0),
                account in suspended,
                terms is not None and terms.is_low(amount),
            )
        return made

    def _tell(
        self, held: list[Held], settled: set[str], changed: Mapping[str, Balance], known: Mapping[str, Balance]
    ) -> None:
        for one in held:
            if one.uuid in settled:
                _log.debug("hold released", call=one.uuid, account=one.account, amount=one.amount)
        for account, balance in changed.items():
            before = known.get(account)
            if balance.low and not (before is not None and before.low):
                _log.warning("balance is low", account=account, balance=money.yuan(balance.amount))


def _told(account: str, holder: Holder, balance: Balance, through: int, now: datetime) -> list[Row]:
    """What an account hears that has become low, by each of its hooks."""
    terms = holder.terms
    if terms is None:
        return []
    left, least = money.yuan(balance.amount + terms.credit), money.yuan(terms.low_balance)
    text = (
        f"余额不足：{holder.name} 可用余额 {left} 元，低于 {least} 元，请及时充值。\n"
        f"Low balance: {account} has {left} yuan left, less than {least}."
    )
    return [
        put(Message(f"low-balance:{account}:{through}:{hook}", account, hook, text, "", now))
        for hook in terms.notify
    ]
