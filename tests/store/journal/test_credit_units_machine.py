"""Included units and two prices in any order of begins, answers, ends, charges and looks: the balance pays for all
of it, whoever is answered first."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from appliance.domain import grants
from appliance.domain.affordable import Asked, Limit
from appliance.domain.credit import Mode, Terms, Unfunded
from appliance.domain.funding import funded
from appliance.domain.holding import freed
from appliance.domain.pricing import (
    Assessment,
    Charge,
    ChargeBy,
    Meter,
    MeteredCall,
    Plan,
    Price,
    PriceBook,
    Subscription,
    assess,
)
from appliance.store.begun import BegunCalls
from appliance.store.credit import Balance, Credit, Known, News
from appliance.store.journal import Journal, Started

NUMBER, ACCOUNT = "4008001234", "east"
BEGIN, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)
MONTH = grants.month_of(NOW)
PREPAID = Terms(Mode.PREPAID)
#: Sixtieths of what a second costs, by kind of caller.
PRICES = {"mobile": 300, "fixed": 60}


class Calls(RuleBasedStateMachine):
    """Handlers and collector; rating is the rules' own fold over whatever is stored."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.journal = Journal(Path(self.folder.name) / "journal.db")
        self.credit = Credit(self.journal.file)
        self.now, self.paid, self.postings, self.calls = NOW, 0, 0, 0
        #: Kind and longest time of calls that ring or talk, and what each that is over was.
        self.ringing: dict[str, tuple[str, int]] = {}
        self.talking: dict[str, tuple[str, int, datetime]] = {}
        self.ended: dict[str, MeteredCall] = {}
        self.stored: dict[str, MeteredCall] = {}

    @initialize(amount=st.integers(0, 60), included=st.integers(0, 24), fee=st.sampled_from([0, 4]))
    def begin(self, amount: int, included: int, fee: int) -> None:
        prices = tuple(Price(BEGIN, "", kind, 3, 3, 0, fee, a_minute) for kind, a_minute in PRICES.items())
        plan = Plan("p", "P", ChargeBy.TIME, Meter.ANSWER, prices, included)
        self.book = PriceBook({"p": plan}, {NUMBER: (Subscription(NUMBER, "p", BEGIN),)})
        self.paid = amount
        self.look()

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    @rule(kind=st.sampled_from(sorted(PRICES)), at_most=st.integers(2, 15))
    def call(self, kind: str, at_most: int) -> None:
        self.calls += 1
        uuid, asked = f"c{self.calls}", Asked(NUMBER, kind, self.tick(), at_most)

        def limit(known: Known) -> Limit | None:
            found = funded(asked, PREPAID, known.standing, self.book, known.uses, known.stakes)
            return None if isinstance(found, Unfunded) else found

        held = self.credit.hold(Started(uuid, self.now, NUMBER, ACCOUNT, "t", "", False), limit)
        assert held is not None
        if held[0] is not None:
            self.ringing[uuid] = kind, held[0].seconds

    @precondition(lambda self: self.ringing)
    @rule(data=st.data(), answer=st.booleans())
    def answer(self, data: st.DataObject, answer: bool) -> None:
        """Or he gives up."""
        uuid = data.draw(st.sampled_from(sorted(self.ringing)))
        kind, longest = self.ringing.pop(uuid)
        if answer:
            self.talking[uuid] = kind, longest, self.tick()
        else:
            self.credit.release(uuid)

    @precondition(lambda self: self.talking)
    @rule(data=st.data(), charged=st.booleans())
    def end(self, data: st.DataObject, charged: bool) -> None:
        uuid = data.draw(st.sampled_from(sorted(self.talking)))
        kind, longest, at = self.talking.pop(uuid)
        seconds = data.draw(st.integers(0, longest))
        self.ended[uuid] = MeteredCall(uuid, NUMBER, kind, at, at, seconds, seconds)
        if charged:
            self.charge(uuid)

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def charge_late(self, data: st.DataObject) -> None:
        self.charge(data.draw(st.sampled_from(sorted(self.ended))))

    def charge(self, uuid: str) -> None:
        self.stored[uuid] = self.ended.pop(uuid)
        self.postings += 1
        BegunCalls(self.journal.file).settled([uuid])

    @rule()
    def look(self) -> None:
        """As ``rating.standing``."""
        charges = self.charges(list(self.stored.values()))
        settled = {
            uuid: self.stored[uuid].answered_at if one.included_units else None for uuid, one in charges.items()
        }
        balance = Balance(self.paid - sum(one.amount for one in charges.values()), 0, suspended=False, low=False)
        free = freed(self.credit.held(), settled)
        units = [(MONTH, sum(one.included_units for one in charges.values()))]
        used = {(NUMBER, BEGIN): units} if free else {}
        assert self.credit.take(News(self.credit.seen(), self.postings, "d", {ACCOUNT: balance}, free, used))

    def charges(self, calls: list[MeteredCall]) -> dict[str, Charge]:
        called: list[tuple[MeteredCall, Assessment]] = []
        for call in calls:
            assessed = assess(call, self.book)
            assert isinstance(assessed, Assessment)
            called.append((call, assessed))
        return {call.call_id: charge for call, charge in grants.charges(called)}

    @invariant()
    def never_overspent(self) -> None:
        """Whoever talks does so as long as he may, and of those who ring the cheapest are answered first."""
        calls = [*self.stored.values(), *self.ended.values()]
        for uuid, (kind, longest, at) in self.talking.items():
            calls.append(MeteredCall(uuid, NUMBER, kind, at, at, longest, longest))
        later = self.now
        for uuid, (kind, longest) in sorted(self.ringing.items(), key=lambda one: PRICES[one[1][0]]):
            later += timedelta(seconds=1)
            calls.append(MeteredCall(uuid, NUMBER, kind, later, later, longest, longest))
        assert sum(one.amount for one in self.charges(calls).values()) <= self.paid

    def teardown(self) -> None:
        for uuid, (kind, longest, at) in self.talking.items():
            self.ended[uuid] = MeteredCall(uuid, NUMBER, kind, at, at, longest, longest)
        for uuid in self.ringing:
            self.credit.release(uuid)
        for uuid in list(self.ended):
            self.charge(uuid)
        if self.calls:
            self.look()
            assert self.credit.held() == [], "nothing is held for ever"
        self.journal.close()
        self.folder.cleanup()


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
