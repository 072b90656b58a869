"""Who signed in and out at a line, and by what, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from appliance.store.queries.signings import SigningView
from appliance.store.signing import Means
from webui.i18n import gettext, lazy_gettext
from webui.shown import phone

_MEANS: Mapping[str, Any] = {
    Means.CONSOLE: lazy_gettext("console"),
    Means.COMMAND: lazy_gettext("command on the box"),
    Means.CALL: lazy_gettext("by telephone, with PIN"),
    Means.PHONE: lazy_gettext("code on the line's own phone"),
}


def signing_means(means: str) -> str:
    """By what."""
    return str(_MEANS.get(means, means))


def is_by_number(one: SigningView) -> bool:
    """Whether what is known of the person is the number that called."""
    return one.means == Means.CALL and one.who != "withheld"


def signed_by(one: SigningView) -> str:
    """By whom: a login, a number, the line itself."""
    if one.means == Means.CALL:
        return phone(one.who) if is_by_number(one) else gettext("Number withheld")
    return one.line_name or one.line if one.means == Means.PHONE else one.who


def init_signing_words(app: Flask) -> None:
    """Put the words on the app's templates."""
    app.jinja_env.filters.update(signing_means=signing_means, is_by_number=is_by_number, signed_by=signed_by)
