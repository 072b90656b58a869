"""A box in reseller mode, without a switch: what its calls hold and what its collector tells them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.calls.funds import Funds, Grant
from appliance.domain.credit import Unfunded
from appliance.domain.ledger import Kind, Who
from appliance.domain.pricing import PriceBook
from appliance.rating.booking import book
from appliance.rating.run import rate_calls
from appliance.rating.standing import Standings
from appliance.store.begun import BegunCalls
from appliance.store.credit import Credit
from appliance.store.journal import Journal, Started
from appliance.store.models import Account, SiteState
from appliance.store.unit import Store
from tests.rating.booked import NUMBER
from tests.rating.booked import call as called
from tests.rating.stored import NOW, put_calls

YUAN = 1_000_000
MAX_CALL_S = 100


@dataclass
class Box:
    """A database, a journal, one process of handlers and a collector: account ``east``, prepaid."""

    store: Store
    file: Path
    now: datetime = NOW
    booked: int = 0
    journals: list[Journal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = self.opened()
        self.funds = Funds(self.store, Credit(self.journal.file), lambda: self.now, MAX_CALL_S)
        self.standings = self.collector()

    def opened(self) -> Journal:
        self.journals.append(Journal(self.file))
        return self.journals[-1]

    def collector(self) -> Standings:
        return Standings(self.store, Credit(self.opened().file), lambda: self.now, MAX_CALL_S)

    def close(self) -> None:
        for journal in self.journals:
            journal.close()

    def terms(self, **credit: Any) -> None:
        with self.store.work() as session:
            account = session.get(Account, "east")
            assert account is not None
            account.credit = {"mode": "prepaid", **credit}
            state = session.get(SiteState, 1) or SiteState(id=1, revision=0)
            state.revision += 1
            session.add(state)
            session.commit()
        self.funds.refresh()

    def top_up(self, yuan: int) -> None:
        self.booked += 1
        with self.store.work() as session:
            book(session, Kind.TOPUP, "east", yuan * YUAN, Who("anna"), self.now, reference=str(self.booked))
            session.commit()

    def hold(self, uuid: str) -> Grant | Unfunded | None:
        return self.funds.hold(Started(uuid, self.now, NUMBER, "east", "t", "", False), "mobile")

    def seconds(self, uuid: str) -> int:
        found = self.hold(uuid)
        assert isinstance(found, Grant)
        return found.limit.seconds

    def store_call(self, uuid: str, seconds: int, outcome: str = "answered") -> None:
        put_calls(self.store, [called(uuid, self.now, seconds)], outcome=outcome)
        BegunCalls(self.journal.file).settled([uuid])

    def rated(self, *uuids: str) -> None:
        """Rated and posted at the box's time."""
        with self.store.work() as session:
            rate_calls(session, uuids, lambda: self.now)
            session.commit()

    def left(self) -> tuple[int, int]:
        """Balance and what is held, yuan, as calls see it."""
        standing = self.funds._credit.peek("east", NUMBER).standing
        assert standing is not None
        return standing.balance // YUAN, standing.held // YUAN


#: Makes a box: a fixture of ``conftest``.
Boxes = Callable[[Store, PriceBook], Box]
