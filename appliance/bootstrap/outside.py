"""Other systems, as far as the settings let them be asked."""

from __future__ import annotations

from appliance.config import Settings
from appliance.http.client import Client
from appliance.http.names import Names


def http_client(settings: Settings) -> Client:
    """Asks other systems; may reach whom the settings allow."""
    return Client(Names(frozenset(settings.http_allow.lower().split())))
