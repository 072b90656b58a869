"""Statements that come in both languages, in that of the page."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.rating.words import Words
from webui.i18n import language


def said(words: Iterable[Words]) -> list[str]:
    """Each in the language of this request."""
    english = language() == "en"
    return [word.en if english else word.zh for word in words]
