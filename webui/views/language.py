"""The language switch."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from flask_security.utils import validate_redirect_url

from appliance.store import operators
from webui.context import console
from webui.i18n import LANGUAGES

bp = Blueprint("language", __name__)


@bp.post("/language")
def choose() -> ResponseReturnValue:
    """Take the language of the form, for this session and for the operator's next ones."""
    chosen = request.form.get("language", "")
    if chosen not in LANGUAGES:
        abort(400)
    session["language"] = chosen
    if current_user.is_authenticated:
        with console().store.work() as unit:
            operators.keep_language(unit, current_user.id, chosen)
            unit.commit()
    back = request.form.get("back", "")
    return redirect(back if validate_redirect_url(back) else url_for("calls.listing"))
