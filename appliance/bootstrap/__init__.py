"""The one place that builds what the use cases are handed.

A box is six programs, and each builds some of it. What is built of other things lies in a module of its own here,
imported when it is asked for: no program starts with what only the others need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from appliance.bootstrap.ground import SCRIPTS_DIR, configure_logging, esl_password, secret, utc_now
from appliance.bootstrap.media import build_studio, keeping, prompt_folders, prompt_library, spoken, taking

if TYPE_CHECKING:
    from appliance.bootstrap.carrying import (
        build_desk,
        build_dispatcher,
        build_funds,
        build_lookup,
        latest_routing,
        place_of,
        warm_reference,
    )
    from appliance.bootstrap.collecting import lost_calls, standings
    from appliance.bootstrap.outside import http_client
    from appliance.bootstrap.publishing import build_publisher
    from appliance.bootstrap.rendering import registration_password, render_switch
    from appliance.bootstrap.site import routing_table, set_up_site
    from appliance.bootstrap.wire import switch_api
else:
    #: Module → what it builds.
    _BUILDS = {
        "carrying": {
            "build_desk",
            "build_dispatcher",
            "build_funds",
            "build_lookup",
            "latest_routing",
            "place_of",
            "warm_reference",
        },
        "collecting": {"lost_calls", "standings"},
        "outside": {"http_client"},
        "publishing": {"build_publisher"},
        "rendering": {"registration_password", "render_switch"},
        "site": {"routing_table", "set_up_site"},
        "wire": {"switch_api"},
    }
    _WHERE = {name: module for module, names in _BUILDS.items() for name in names}

    def __getattr__(name: str) -> object:
        """A part's builder (PEP 562); asked for once, it stands in this module."""
        if name not in _WHERE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
        return found


__all__ = [
    "SCRIPTS_DIR",
    "build_desk",
    "build_dispatcher",
    "build_funds",
    "build_lookup",
    "build_publisher",
    "build_studio",
    "configure_logging",
    "esl_password",
    "http_client",
    "keeping",
    "latest_routing",
    "lost_calls",
    "place_of",
    "prompt_folders",
    "prompt_library",
    "registration_password",
    "render_switch",
    "routing_table",
    "secret",
    "set_up_site",
    "spoken",
    "standings",
    "switch_api",
    "taking",
    "utc_now",
    "warm_reference",
]
