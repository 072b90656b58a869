"""Close calls that the switch took with it: those that have begun, are gone, and left no CDR.

The switch alone says which calls it has, so nothing that happens to handlers, collector or clock closes a call that
is alive; and while the switch cannot be asked none is closed. A CDR that is written while a call is looked for, or
lies half-written in the spool, goes first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError

from appliance.cdr.spool import waiting
from appliance.domain.cdr import Role
from appliance.domain.lost import Begun, Missing, Sound, joined, recording_of, there
from appliance.errors import ApplianceError, StoreError, SwitchError, UnsafeArgument
from appliance.store import lost
from appliance.store.begun import BegunCalls
from appliance.store.unit import Store
from appliance.switch import escape

#: Calls of one unit of work.
BATCH = 200
_log = structlog.get_logger(__name__)

#: A function from an API command to the switch's answer.
Api = Callable[[str], str]


class LostCalls:
    """Finds them and closes them; ``look`` is to be called again and again.

    :param switch: opens a connection to the switch.
    :param now: the time, with an offset; ``ticks`` is a clock in seconds that nobody sets.
    :param sound_of: what there is of a recording, by its name below the recordings folder.
    :param after_s: how long a call must be missing.
    """

    def __init__(
        self,
        begun: BegunCalls,
        store: Store,
        spool: Path,
        switch: Callable[[], AbstractContextManager[Api]],
        sound_of: Callable[[str], Sound | None],
        now: Callable[[], datetime],
        ticks: Callable[[], float],
        after_s: float,
        home_area_code: str = "",
    ) -> None:
        self._begun = begun
        self._store = store
        self._spool = spool
        self._switch = switch
        self._sound_of = sound_of
        self._now = now
        self._ticks = ticks
        self._home_area_code = home_area_code
        self._missing = Missing(after_s)
        self._away = False

    def look(self) -> list[str]:
        """One look; UUIDs of the calls that were closed.

        :raises StoreError: the database or the spool cannot be used; nothing is closed by this look, or a part.
        """
        begun = {one.uuid: one for one in self._begun.open()}
        if not begun:
            return []
        try:
            with self._switch() as api:
                gone = self._gone(begun, api)
        except (ApplianceError, ValueError) as error:
            if not self._away:
                _log.error("calls without a CDR not looked for", error=str(error))
            self._away = True
            return []
        self._away = False
        try:
            written = {named[1] for file in waiting(self._spool) if (named := file.leg) and named[0] is Role.CALLER}
        except OSError as error:
            raise StoreError(f"the spool {self._spool} cannot be read: {error.strerror}") from error
        due = [begun[uuid] for uuid in gone if uuid not in written]
        closed: list[str] = []
        for start in range(0, len(due), BATCH):
            closed += self._close(due[start : start + BATCH])
        return closed

    def _gone(self, begun: Collection[str], api: Api) -> list[str]:
        """Calls that are gone for long enough; what the switch says of the others is noted."""
        alive = there(_rows(api("show channels as json")))
        pairs = joined(_rows(api("show calls as json"))) if alive else {}
        ours = [uuid for uuid in begun if uuid in alive]
        if ours:
            self._begun.seen(ours, {uuid: pairs[uuid] for uuid in ours if uuid in pairs}, self._now())
        found = []
        for uuid in self._missing.look(begun, alive, self._ticks()):
            # The list is a database of the switch's, written behind its back: on a full disk it may miss any call.
            if _is_there(uuid, api):
                self._missing.is_back(uuid)
            else:
                found.append(uuid)
        return found

    def _close(self, due: Sequence[Begun]) -> list[str]:
        """One unit of work, and then the journal: a kill between the two leaves calls that the next look finds
        stored."""
        try:
            with self._store.work() as session:
                stored = lost.stored_of(session, [one.uuid for one in due])
                new = [one for one in due if one.uuid not in stored]
                sounds = {one.uuid: sound for one in new if (sound := self._sound(one)) is not None}
                closed = lost.close(session, new, sounds, self._now(), self._home_area_code)
                session.commit()
        except IntegrityError as error:
            # Another collector was quicker; what it wrote is found by the next look.
            _log.error("calls without a CDR not closed", error=str(error.orig)[:500])
            return []
        for one in new:
            what = "call closed as abnormal" if one.uuid in closed else "call without times is dropped"
            _log.error(what, call=one.uuid, number=one.number, caller=one.caller, began_at=str(one.began_at))
        self._begun.settled(one.uuid for one in due)
        return closed

    def _sound(self, one: Begun) -> Sound | None:
        name = recording_of(one)
        return self._sound_of(name) if name else None


def _is_there(uuid: str, api: Api) -> bool:
    """:raises SwitchError: it says neither."""
    try:
        said = api(f"uuid_exists {escape.identifier(uuid)}").strip()
    except UnsafeArgument:
        return False  # no switch of ours named a leg so
    if said not in ("true", "false"):
        raise SwitchError(f"uuid_exists: {said[:80]!r}")
    return said == "true"


def _rows(answer: str) -> list[dict[str, Any]]:
    """:raises ValueError: it is no JSON."""
    found = json.loads(answer)
    rows = found.get("rows", []) if isinstance(found, dict) else []
    return [row for row in rows if isinstance(row, dict)]
