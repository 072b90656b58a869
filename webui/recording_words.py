"""Codes of recordings → words of the console."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from webui.i18n import lazy_gettext

_KINDS: Mapping[str, Any] = {"talk": lazy_gettext("Talk"), "voicemail": lazy_gettext("Message")}
_ACTIONS: Mapping[str, Any] = {
    "play": lazy_gettext("played"),
    "download": lazy_gettext("downloaded"),
    "export": lazy_gettext("exported"),
    "hold": lazy_gettext("held"),
    "release": lazy_gettext("released"),
    "delete": lazy_gettext("deleted"),
}
_UNRECORDED: Mapping[str, Any] = {
    "off": lazy_gettext("Not recorded: the number, the line or the flow says so."),
    "share": lazy_gettext("Not recorded: only a share of the calls is, and this was none of them."),
    "no-room": lazy_gettext("Not recorded: there was no room on the disk."),
}


def init_recording_words(app: Flask) -> None:
    """Put the words on the app's templates."""
    app.jinja_env.filters.update(
        recording_kind=lambda code: str(_KINDS.get(code, code)),
        access=lambda code: str(_ACTIONS.get(code, code)),
        unrecorded=lambda code: str(_UNRECORDED.get(code, "")),
    )
