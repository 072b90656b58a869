"""Talks that cannot be stored yet: read out of CDR files that wait in the spool while the database is away.

Rules look back on the journal: wrap-up, caps, longest idle, last spoken. The journal learns of a talk once its call
is stored, and while nothing is stored it learns of them here. Each is told again, by the same rule from the same
legs, when its files are stored; the journal has it once, by its UUID.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from pathlib import Path

import structlog

from appliance.cdr import decode
from appliance.cdr.collect import read_file
from appliance.cdr.spool import CdrFile, waiting_beside
from appliance.domain.cdr import Leg, Role
from appliance.domain.cdr_call import derive_call
from appliance.store.calls import talk_of
from appliance.store.journal import Journal, Talked

#: Seconds between two looks: less than a line is left alone before its talk is known (``calls.dispatch.SETTLES``).
LOOK_EVERY_S = 0.5
#: Nothing was stored for so long: the database is away, or holds the collector.
STALLED_S = 1.0
#: Files read in one look; the others' turn comes with the next ones.
MOST_AT_ONCE = 500
#: Calls whose legs are kept for those that follow. Legs of one call are written within moments of one another, but
#: for a line's that has sent the caller on.
MOST_CALLS = 2_000
_log = structlog.get_logger(__name__)


class UntoldTalks:
    """Tells the journal of talks whose files wait in ``spool``. Each file is read once, the newest first: it is the
    last talks that wrap-up goes by.

    For a thread of its own, as the collector may wait for the database; ``journal`` is its own as well.

    :param stalled_s: how long nothing has to be ``stored`` before files are read.
    """

    def __init__(
        self,
        spool: Path,
        journal: Journal,
        home_area_code: str = "",
        *,
        stalled_s: float = STALLED_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._journal = journal
        self._home_area_code = home_area_code
        self._stalled_s = stalled_s
        self._clock = clock
        self._stored_at = clock()
        #: Names of the files that were read whole: nothing is asked of them again, for they may be many thousands.
        self._read: set[str] = set()
        #: Size of each file that was not whole, or could not be read, by its name.
        self._half: dict[str, int] = {}
        self._calls: OrderedDict[str, dict[str, Leg]] = OrderedDict()
        #: What was told of those calls last.
        self._told: dict[str, Talked] = {}

    def stored(self) -> None:
        """A batch was stored, or nothing waited; the collector's thread says so."""
        self._stored_at = self._clock()

    def look(self) -> None:
        """Tell of the talks in files that came since the last look, if nothing is stored meanwhile."""
        # What met a held file: nobody else writes with this journal, and rules would not know of those talks.
        self._journal.file.write_waiting()
        if self._clock() - self._stored_at < self._stalled_s:
            self._calls.clear()
            self._told.clear()
            return
        touched: dict[str, None] = {}
        for file in self._unread():
            leg = self._leg(file)
            if leg is not None:
                self._calls.setdefault(leg.call_uuid, {})[leg.uuid] = leg
                self._calls.move_to_end(leg.call_uuid)
                touched[leg.call_uuid] = None
        talks = [talk for uuid in touched if (talk := self._talk(self._calls[uuid].values())) is not None]
        if talks:
            self._journal.talked_beforehand(talks, self._told)
            self._told.update((talk.uuid, talk) for talk in talks)
        while len(self._calls) > MOST_CALLS:
            self._told.pop(self._calls.popitem(last=False)[0], None)

    def _unread(self) -> list[CdrFile]:
        """The newest files that were not read, or were not whole then. Those that are gone are forgotten."""
        try:
            self._read, files = waiting_beside(self._spool, self._read)
        except OSError:
            return []  # the collector says so
        self._half = {name: self._half[name] for file in files if (name := file.path.name) in self._half}
        return [file for file in files if self._half.get(file.path.name) != file.size][:MOST_AT_ONCE]

    def _leg(self, file: CdrFile) -> Leg | None:
        """A file's leg; None: it is none, or not yet, and the collector says what is wrong with it."""
        try:
            leg = read_file(file)
        except (decode.NotWhole, OSError):
            self._half[file.path.name] = file.size
            return None
        self._half.pop(file.path.name, None)
        self._read.add(file.path.name)
        return leg if isinstance(leg, Leg) else None

    def _talk(self, legs: Collection[Leg]) -> Talked | None:
        caller = next((leg for leg in legs if leg.role is Role.CALLER), None)
        if caller is None:
            return None
        return talk_of(derive_call(caller, [leg for leg in legs if leg is not caller], self._home_area_code))
