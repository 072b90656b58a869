"""Codes of the live state → words of the console, and its texts → times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask

from appliance.live.snapshot import moment
from webui.i18n import lazy_gettext


@dataclass(frozen=True, slots=True)
class State:
    """What is shown of a code: words, and a lamp (good, watch, bad or off)."""

    text: Any
    lamp: str


_STAGES: Mapping[str, State] = {
    "arrived": State(lazy_gettext("Comes in"), "off"),
    "refused": State(lazy_gettext("Is refused"), "off"),
    "flow": State(lazy_gettext("In the menu"), "off"),
    "queue": State(lazy_gettext("Waits"), "watch"),
    "message": State(lazy_gettext("Leaves a message"), "watch"),
    "ringing": State(lazy_gettext("Rings"), "watch"),
    "talking": State(lazy_gettext("Talks"), "good"),
}
_LINES: Mapping[str, State] = {
    "talking": State(lazy_gettext("talks"), "good"),
    "ringing": State(lazy_gettext("rings"), "watch"),
    "unregistered": State(lazy_gettext("phone not registered"), "bad"),
    "trunk-down": State(lazy_gettext("trunk down"), "bad"),
    "capped": State(lazy_gettext("its calls used up"), "bad"),
    "resting": State(lazy_gettext("rests"), "watch"),
    "free": State(lazy_gettext("free"), "off"),
    "unknown": State(lazy_gettext("not known"), "off"),
}


def init_live_words(app: Flask) -> None:
    """Put the words on the app's templates."""
    app.jinja_env.filters.update(
        stage=lambda code: _STAGES.get(code, State(code, "off")),
        line_state=lambda code: _LINES.get(code, State(code, "off")),
        moment=moment,
    )
