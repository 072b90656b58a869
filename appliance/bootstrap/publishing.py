"""What publishes the live state."""

from __future__ import annotations

from functools import partial

from appliance.bootstrap.ground import utc_now
from appliance.bootstrap.wire import client
from appliance.calls.routing import LatestRouting
from appliance.config import Settings
from appliance.live.publish import Publisher
from appliance.live.site import SiteNow
from appliance.store.unit import Store


def build_publisher(settings: Settings, store: Store) -> Publisher:
    """What looks at the switch for all who watch."""
    routing = LatestRouting(store, lambda table: None, utc_now)
    return SiteNow(store, settings.journal_file, routing, utc_now).publisher(partial(client, settings))
