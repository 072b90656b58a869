"""Money for calls (reseller mode): terms and prices in memory, what is left and what is held in the journal.

A call waits for no database: terms and price book are read again in the background when the site has changed, and
the last ones hold while the database is away, as the last balances do (``store.credit``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select

from appliance.domain import numbers
from appliance.domain.affordable import Asked, Limit
from appliance.domain.callback import Request
from appliance.domain.credit import Standing, Terms, Unfunded
from appliance.domain.duration import TimeLimit
from appliance.domain.funding import funded
from appliance.domain.pricing import PriceBook
from appliance.errors import StoreError
from appliance.store.credit import Credit, Known
from appliance.store.credit_terms import load_holders
from appliance.store.journal import Started
from appliance.store.models import Subscription
from appliance.store.plans import load_book
from appliance.store.routing import revision
from appliance.store.unit import Store

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Grant:
    """A call may last so long, and so much is held for it."""

    limit: Limit
    warning_s: int

    @property
    def time_limit(self) -> TimeLimit:
        """As the switch is told."""
        return TimeLimit(self.limit.seconds, self.limit.from_answer, self.warning_s)


class Funds:
    """Asked for each call. One a process; for one thread at a time.

    :param max_call_s: the box's maximum call duration: no call is held more for than that costs.
    """

    def __init__(self, store: Store, credit: Credit, now: Callable[[], datetime], max_call_s: int) -> None:
        self._store = store
        self._credit = credit
        self._now = now
        self._max_call_s = max_call_s
        self._revision = -1
        self._terms: Mapping[str, Terms | None] = {}
        self._book = PriceBook({}, {})
        self._away = False

    def refresh(self) -> None:
        """One cheap look; terms and prices only when the site has changed.

        :raises StoreError: the database is away and nothing was ever read.
        """
        try:
            with self._store.reading() as session:
                found = revision(session)
                if found == self._revision:
                    return
                terms = {account: holder.terms for account, holder in load_holders(session).items()}
                book = load_book(session, set(session.scalars(select(Subscription.number).distinct())))
        except StoreError as error:
            if self._revision < 0:
                raise
            if not self._away:
                _log.error("database away, calls go on with the last terms and prices", error=str(error))
            self._away = True
            return
        self._revision, self._terms, self._book, self._away = found, terms, book, False

    def hold(self, call: Started, caller_kind: str, *, begins: bool = True) -> Grant | Unfunded | None:
        """Hold for a call what it may come to; None: its account's calls are not counted.

        ``begins``: see ``Credit.hold``. While the journal cannot be written the call is let in for as long as any,
        and nothing is held for it.
        """
        terms = self._terms.get(call.account)
        if terms is None:
            return self._uncounted(call)
        asked = self._asked(call.number, caller_kind, terms)
        refused: list[Unfunded] = []

        def limit(known: Known) -> Limit | None:
            found = funded(asked, terms, known.standing, self._book, known.uses, known.stakes)
            if isinstance(found, Unfunded):
                refused.append(found)
                return None
            if known.standing is None:
                _log.error("account without a balance, let call", account=call.account, call=call.uuid)
            return found

        held = self._credit.hold(call, limit, begins=begins)
        if held is None:
            _log.error("journal cannot be written, let call without a hold", account=call.account, call=call.uuid)
            known = Known(None, lambda subscription: [])
            found = funded(asked, terms, None, self._book, known.uses)
            return Grant(found, terms.warning_s) if isinstance(found, Limit) else None
        (made,) = held
        return refused[0] if made is None and refused else None if made is None else Grant(made, terms.warning_s)

    def peek(self, number: str, account: str, caller_kind: str) -> Limit | Unfunded | None:
        """What ``hold`` would say now, without holding anything."""
        terms = self._terms.get(account)
        known = self._credit.peek(account, number)
        asked = self._asked(number, caller_kind, terms)
        return funded(asked, terms, known.standing, self._book, known.uses, known.stakes)

    def pays_for(self, request: Request) -> bool:
        """Whether there is money for calling somebody back now."""
        kind = numbers.caller(request.callee).kind.value
        return not isinstance(self.peek(request.number, request.account, kind), Unfunded)

    def release(self, uuid: str) -> None:
        """The call will cost nothing: it was never answered."""
        self._credit.release(uuid)

    def _uncounted(self, call: Started) -> Unfunded | None:
        standing: Standing | None = self._credit.peek(call.account, call.number).standing
        found = funded(self._asked(call.number, "", None), None, standing, self._book, lambda subscription: [])
        return found if isinstance(found, Unfunded) else None

    def _asked(self, number: str, caller_kind: str, terms: Terms | None) -> Asked:
        longest = terms.longest_call_s if terms is not None else 0
        most = min(longest or self._max_call_s, self._max_call_s)
        # The account's own limit begins with the meter: its callers wait as long as any.
        return Asked(number, caller_kind, self._now(), most, self._max_call_s)
