"""What has become of the requests of ``callback_town``, as its people know it, and what must never happen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from appliance.domain.callback import Ending, Request, balance
from appliance.store.callbacks import Callbacks
from tests.calls.callback_people import Back, Him, Ring


class Register:
    """Counts tries and talks of each request beside the collector, which tells how the journal has it."""

    def __init__(self, collector: Callbacks, attempts: int) -> None:
        self.collector = collector
        self._attempts = attempts
        self._talks: Counter[str] = Counter()
        #: Talks that the switch took with it: nobody will ever know of them.
        self._forgotten: set[str] = set()
        self._called: Counter[str] = Counter()
        #: Every leg that a line was ever rung by.
        self._legs: set[str] = set()
        self._ends: dict[str, Ending] = {}

    def lines_ring(self, ring: Ring, rings: Iterable[Ring], backs: Iterable[Back]) -> None:
        """Lines are to ring, while those ring and these are on."""
        assert not any(one.rings and one.request == ring.request for one in rings), "one try at a time"
        assert not any(one.request == ring.request for one in backs), "one try at a time"
        assert self._legs.isdisjoint(ring.legs.values()), "a record of that UUID may be stored already"
        self._legs.update(ring.legs.values())

    def calls(self, request_id: str, him: Him) -> None:
        """He is called back."""
        request = self.collector.one(request_id)
        assert request is not None and request.ending is None, "nobody is called who has been reached, or withdrew"
        assert all(at <= request.asked_at for at in him.answers), "he has been answered since he asked"
        assert not him.state.startswith("back"), "never two calls at once to the same caller"
        assert him.state in ("free", "told"), f"he is called while he {him.state}"
        self._called[request_id] += 1
        assert self._called[request_id] <= self._attempts

    def talk(self, request_id: str) -> None:
        """He has answered."""
        self._talks[request_id] += 1

    def lost(self, request_id: str) -> None:
        """The switch died in the talk."""
        self._forgotten.add(request_id)

    def requests(self) -> dict[str, Request]:
        """All there are."""
        return {one.id: one for one in (*self.collector.open(), *self.collector.ended(10_000))}

    def holds(self) -> None:
        """At any time: an end is one and stays, sums match, and nobody was called or talked to too often."""
        found = self.requests()
        for id_, end in self._ends.items():
            assert found[id_].ending is end
        self._ends = {one.id: one.ending for one in found.values() if one.ending is not None}
        sums = balance(found.values())
        assert sums.asked == len(found) and sums.open == len(found) - len(self._ends)
        for one in found.values():
            assert one.attempts <= self._attempts
            assert self._talks[one.id] <= 1 or one.id in self._forgotten
            if one.ending is Ending.REACHED:
                assert self._talks[one.id]

    def is_settled(self) -> None:
        """At the end: nothing is open; whoever was talked to was reached, or was answered as he called himself."""
        self.holds()
        assert not self.collector.any_open()
        for one in self.requests().values():
            talked = self._talks[one.id] and one.id not in self._forgotten
            assert one.ending in ((Ending.REACHED, Ending.WITHDRAWN) if talked else tuple(Ending))
