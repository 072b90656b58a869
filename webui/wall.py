"""The login wall: in front of every route but a short list. A route cannot forget it."""

from __future__ import annotations

from flask import Flask, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from werkzeug.exceptions import Unauthorized

from webui.sign_in import SIGN_IN, wanted_page

#: Endpoints without a login; the rest of ``app.url_map`` needs one. A test walks it.
OPEN = frozenset({SIGN_IN, "static", "health.healthz", "language.choose"})


def init_wall(app: Flask) -> None:
    """Put the wall up; call it before any blueprint adds a request hook of its own."""
    app.before_request(_stop)
    app.after_request(_keep_private)


def _stop() -> ResponseReturnValue | None:
    if request.endpoint in OPEN or current_user.is_authenticated:
        return None
    if request.path.startswith("/api/"):
        raise Unauthorized
    sign_in = url_for(SIGN_IN, next=wanted_page() or None)
    if request.headers.get("HX-Request"):
        # htmx would put the sign-in page into a part of the old one.
        return Response(status=204, headers={"HX-Redirect": url_for(SIGN_IN)})
    return redirect(sign_in)


def _keep_private(response: Response) -> Response:
    """Pages and recordings hold people's numbers and voices: no cache keeps them."""
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "private, no-store"
    return response
