"""Beside collecting: what closes the calls that the switch took with it, and what brings balances to the calls."""

from __future__ import annotations

import time
from functools import partial

from appliance.bootstrap.ground import utc_now
from appliance.bootstrap.wire import switch_api
from appliance.cdr.lost import LostCalls
from appliance.config import Settings
from appliance.domain.lost import Sound
from appliance.media.crashed import heard
from appliance.rating.standing import Standings
from appliance.store.begun import BegunCalls
from appliance.store.credit import Credit
from appliance.store.journal import Journal
from appliance.store.unit import Store


def lost_calls(settings: Settings, store: Store, journal: Journal) -> LostCalls:
    """What closes calls that the switch took with it."""

    def sound_of(name: str) -> Sound | None:
        found = heard(settings.recordings_dir / name)
        return None if found is None else Sound(*found)

    return LostCalls(
        BegunCalls(journal.file),
        store,
        settings.spool_dir,
        partial(switch_api, settings),
        sound_of,
        utc_now,
        time.monotonic,
        settings.lost_after_s,
        settings.home_area_code,
    )


def standings(settings: Settings, store: Store, journal: Journal) -> Standings | None:
    """What brings balances to the calls (reseller mode); None: no call is refused for money."""
    if not settings.reseller_mode:
        return None
    return Standings(store, Credit(journal.file), utc_now, settings.max_call_s)
