"""Prompts in words: their groups, where they come from, what plays them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from flask import Flask

from appliance.media.prompt_list import Entry
from appliance.store.queries.prompts import Use
from webui.i18n import gettext, lazy_gettext

_OWN = "own"
_GROUPS: Mapping[str, Any] = {
    "refusals": lazy_gettext("When a call is not taken"),
    "access": lazy_gettext("Access by password"),
    "menus": lazy_gettext("In menus"),
    "lines": lazy_gettext("Lines"),
    "talk": lazy_gettext("Before a talk"),
    "queue": lazy_gettext("Waiting in a queue"),
    "service": lazy_gettext("Service menu: signing in, recording prompts"),
    "numbers": lazy_gettext("Numbers, strung together"),
    "demonstration": lazy_gettext("Demonstration"),
    _OWN: lazy_gettext("Of your own flows"),
}
_SOURCES: Mapping[str, Any] = {
    "upload": lazy_gettext("uploaded"),
    "tts": lazy_gettext("text-to-speech"),
    "phone": lazy_gettext("recorded by phone"),
}


def by_group(listed: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """Groups with their prompts, the account's own first: those are what a caller meets first."""
    grouped = groupby(listed, key=lambda one: one.announcement.group if one.announcement else _OWN)
    return sorted(((group, list(found)) for group, found in grouped), key=lambda pair: pair[0] != _OWN)


def use_in_words(use: Use) -> str:
    """What plays a prompt."""
    match use.kind:
        case "flow":
            return gettext("flow “%(name)s”", name=use.name)
        case "queue":
            return gettext("queue “%(name)s”", name=use.name)
        case "whisper":
            return gettext("whispered to lines of %(number)s", number=use.name)
        case _:
            return gettext("refusals of %(number)s", number=use.name)


def init_prompt_words(app: Flask) -> None:
    """Put the words on the app's templates."""
    app.jinja_env.filters.update(
        groupby_group=by_group,
        prompt_group=lambda code: str(_GROUPS.get(code, code)),
        prompt_source=lambda code: str(_SOURCES.get(code, code)),
        prompt_use=use_in_words,
    )
