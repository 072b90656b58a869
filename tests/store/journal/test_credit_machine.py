"""Holds and balances in the journal in any order of calls, charges, looks and deaths: never overspent, nothing
held for ever."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from appliance.domain.affordable import Asked, Limit
from appliance.domain.credit import Mode, Terms, Unfunded
from appliance.domain.funding import funded
from appliance.domain.pricing import ChargeBy, Meter, Plan, Price, PriceBook, Subscription
from appliance.store.begun import BegunCalls
from appliance.store.credit import Balance, Credit, Known, News
from appliance.store.journal import Journal, Started

NUMBER, ACCOUNT = "4008001234", "east"
BEGIN, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC)
#: A second costs one, in blocks of three.
_PRICE = Price(BEGIN, "", initial_seconds=3, step_seconds=3, per_minute=60)
BOOK = PriceBook(
    {"p": Plan("p", "P", ChargeBy.TIME, Meter.ANSWER, (_PRICE,))}, {NUMBER: (Subscription(NUMBER, "p", BEGIN),)}
)
PREPAID = Terms(Mode.PREPAID)


class Calls(RuleBasedStateMachine):
    """Two processes of handlers and the collector on one file; the ledger is a number."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.journals = [Journal(Path(self.folder.name) / "journal.db") for _ in range(3)]
        self.paid = self.ledger = self.postings = self.calls = 0
        #: Seconds that each call may last; what each that has ended cost, until it is posted.
        self.under_way: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.posted: set[str] = set()
        self.snapshot: News | None = None

    def credit(self, process: int) -> Credit:
        return Credit(self.journals[process].file)

    @initialize(amount=st.integers(0, 40))
    def begin(self, amount: int) -> None:
        self.top_up(amount)
        self.read_database()
        self.take_over()

    @rule(amount=st.integers(1, 20))
    def top_up(self, amount: int) -> None:
        self.paid += amount
        self.ledger += amount
        self.postings += 1

    @rule(process=st.integers(0, 1), at_most=st.integers(2, 12), back=st.booleans())
    def call(self, process: int, at_most: int, back: bool) -> None:
        """He calls, or is called ``back``."""
        self.calls += 1
        uuid = f"c{self.calls}"
        asked = Asked(NUMBER, "mobile", NOW, at_most)

        def limit(known: Known) -> Limit | None:
            found = funded(asked, PREPAID, known.standing, BOOK, known.uses)
            return None if isinstance(found, Unfunded) else found

        if back:
            BegunCalls(self.journals[process].file).calls_back(uuid, "callback=1", NOW)
        held = self.credit(process).hold(
            Started(uuid, NOW, NUMBER, ACCOUNT, "t", "", False), limit, begins=not back
        )
        assert held is not None
        if held[0] is not None:
            self.under_way[uuid] = held[0].seconds
            # Asked again, by whichever process, it is the same.
            again = self.credit(1 - process).hold(
                Started(uuid, NOW, NUMBER, ACCOUNT, "t", "", False), lambda known: None, begins=not back
            )
            assert again == held

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), how=st.sampled_from(["hangs up", "limit", "abnormal", "no record"]))
    def end(self, data: st.DataObject, how: str) -> None:
        uuid = data.draw(st.sampled_from(sorted(self.under_way)))
        longest = self.under_way.pop(uuid)
        if how in ("abnormal", "no record"):
            # Nobody charges for it before a person says so.
            self.posted.add(uuid) if how == "abnormal" else None
            BegunCalls(self.journals[2].file).settled([uuid])
            return
        seconds = longest if how == "limit" else data.draw(st.integers(0, longest))
        self.ended[uuid] = -(-seconds // 3) * 3

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def charge(self, data: st.DataObject) -> None:
        """Charges come in any order, late or at once."""
        uuid = data.draw(st.sampled_from(sorted(self.ended)))
        self.ledger -= self.ended.pop(uuid)
        self.postings += 1
        self.posted.add(uuid)
        BegunCalls(self.journals[2].file).settled([uuid])

    @rule()
    def read_database(self) -> None:
        """One moment of the database, as ``rating.standing`` reads it."""
        credit = self.credit(2)
        before, held, ended = credit.seen(), {one.uuid for one in credit.held()}, credit.ended(BEGIN)
        settled = (held & self.posted) | (ended - self.posted - set(self.ended))
        balance = Balance(self.ledger, 0, suspended=False, low=False)
        self.snapshot = News(before, self.postings, "d", {ACCOUNT: balance}, settled)

    @precondition(lambda self: self.snapshot is not None)
    @rule()
    def take_over(self) -> None:
        """At once, or much later, or a second time: what is older than what the journal has is not taken."""
        assert self.snapshot is not None
        before = self.credit(2).seen()
        taken = self.credit(2).take(self.snapshot)
        assert taken is (before == self.snapshot.before)

    @rule(process=st.integers(0, 2))
    def die(self, process: int) -> None:
        """What is written stays."""
        self.journals[process] = Journal(Path(self.folder.name) / "journal.db")

    @invariant()
    def never_overspent(self) -> None:
        could_cost = sum(-(-seconds // 3) * 3 for seconds in self.under_way.values())
        assert self.ledger - sum(self.ended.values()) - could_cost >= 0
        assert self.ledger <= self.paid

    def teardown(self) -> None:
        for uuid in list(self.under_way):
            self.ended[uuid] = self.under_way.pop(uuid)
        for uuid, cost in self.ended.items():
            self.ledger -= cost
            self.posted.add(uuid)
        self.postings += 1
        self.ended.clear()
        BegunCalls(self.journals[2].file).settled(self.posted)
        self.read_database()
        if self.snapshot is not None:
            self.credit(2).take(self.snapshot)
        known = self.credit(0).peek(ACCOUNT, NUMBER)
        assert known.standing is not None
        assert (known.standing.balance, known.standing.held) == (self.ledger, 0)
        for journal in self.journals:
            journal.close()
        self.folder.cleanup()


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=10, stateful_step_count=25, deadline=None)
