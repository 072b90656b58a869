"""Requests to be called back, and the calls that were made for them, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask

from appliance.store.queries.call_views import CallDetail
from appliance.store.queries.callbacks import CallbackView
from webui import words
from webui.i18n import gettext, lazy_gettext
from webui.shown import duration, phone
from webui.trail_step import Step
from webui.words import Outcome

#: How a request ended → (words, lamp).
_ENDINGS: Mapping[str, tuple[Any, str]] = {
    "reached": (lazy_gettext("Reached"), "good"),
    "failed": (lazy_gettext("Not reached"), "bad"),
    "expired": (lazy_gettext("Time was over"), "off"),
    "withdrawn": (lazy_gettext("Settled otherwise"), "off"),
}
_SAID: Mapping[str, Any] = {
    "full": lazy_gettext("calls at once used up"),
    "lost": lazy_gettext("cut off"),
    "error": lazy_gettext("could not be rung"),
}


def callback_state(view: CallbackView) -> Outcome:
    """How a request stands, and why."""
    one = view.request
    if one.ending is not None:
        text, lamp = _ENDINGS[one.ending]
        return Outcome(str(text), _why(one.reason) or (_said(one.said) if one.ending == "failed" else ""), lamp)
    if one.stage == "caller":
        return Outcome(gettext("Being called"), "", "good")
    if one.is_under_way:
        return Outcome(gettext("Line rings"), "", "watch")
    return Outcome(gettext("To be called"), _said(one.said), "watch")


def _why(reason: str) -> str:
    answered, _, call = reason.partition(" ")
    return gettext("called again, and was answered") if answered == "answered" and call else reason


def _said(said: str) -> str:
    """How the last try ended: ``line busy``, or ``busy`` for the caller's own telephone."""
    whose, _, how = said.rpartition(" ")
    text = str(_SAID.get(how, "")) or words.disposition(how).text
    return gettext("line: %(how)s", how=text) if whose == "line" else text


def steps_back(call: CallDetail) -> Iterator[Step]:
    """The lines that were rung to call somebody back, and he."""
    mine, his = ([leg for leg in call.legs if leg.role == role] for role in ("caller", "line"))
    took = any(leg.answered_at for leg in mine)
    for leg in mine:
        rang = ((leg.answered_at or leg.ended_at) - leg.started_at).total_seconds()
        how = words.disposition("answered").text if took else words.cause(leg.hangup_cause)
        yield Step(
            "phone-outgoing",
            gettext("Tried %(line)s", line=call.row.line_name or call.row.line_id or "?"),
            " · ".join((gettext("rang for %(duration)s", duration=duration(rang)), how)),
            "good" if took else "watch",
            leg.started_at,
        )
    for leg in his:
        how = words.disposition("answered").text if leg.answered_at else words.cause(leg.hangup_cause)
        yield Step(
            "phone-call",
            gettext("Rang the caller, %(number)s", number=phone(call.row.caller)),
            " · ".join(filter(None, (_trunk(call), how))),
            "good" if leg.answered_at else "watch",
            leg.started_at,
        )
    if call.row.joined_at:
        yield Step(
            "headset",
            gettext("Connected to %(line)s", line=call.row.line_name or call.row.line_id),
            gettext("talked for %(duration)s", duration=duration(call.row.bridged_ms / 1000)),
            "good",
            call.row.joined_at,
        )


def _trunk(call: CallDetail) -> str:
    name = call.trunk_name or call.row.trunk_id
    return gettext("by trunk %(trunk)s", trunk=name) if name else ""


def init_callback_words(app: Flask) -> None:
    """Put the words on the app's templates."""
    app.jinja_env.filters.update(callback_state=callback_state)
