"""What went wrong, told to people as a page and to machines as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus

from apiflask import HTTPError
from flask import Flask, Response, current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from appliance.errors import StoreError
from webui.i18n import gettext

PROBLEM = "application/problem+json"


def init_errors(app: Flask) -> None:
    """Put the error pages on the app."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(StoreError, _no_database)
    app.register_error_handler(Exception, _unforeseen)


def problem(status: int, detail: str = "", **more: object) -> Response:
    """An error for machines."""
    body: dict[str, object] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        body["detail"] = detail
    return Response(json.dumps({**body, **more}, ensure_ascii=False), status=status, content_type=PROBLEM)


def processed(error: HTTPError) -> Response:
    """APIFlask's own errors (a field of the query that cannot be read)."""
    fields = error.detail.get("query", {}) if isinstance(error.detail, dict) else {}
    return problem(error.status_code, error.message or "", errors=fields) if fields else problem(error.status_code)


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None and error.code is None:
        return error.response  # a redirect that is raised
    answer = _answer(error.code or 500)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "Content-Range"):
            answer.headers[name] = value
    return answer


def _no_database(_error: StoreError) -> ResponseReturnValue:
    # The page's head asks who is signed in, which is what just failed.
    g._login_user = current_app.extensions["security"].login_manager.anonymous_user()
    return _answer(HTTPStatus.SERVICE_UNAVAILABLE)


def _unforeseen(error: Exception) -> ResponseReturnValue:
    """A fault of ours: logged with its traceback, told without it."""
    current_app.logger.error("a page failed: %s %s", request.method, request.path, exc_info=error)
    return _answer(500)


def _answer(status: int) -> Response:
    if request.path.startswith("/api/"):
        return problem(status)
    title, hint = _words(status)
    return Response(render_template("error.html", status=status, title=title, hint=hint), status=status)


def _words(status: int) -> tuple[str, str]:
    match status:
        case 400:
            return gettext("This page has expired"), gettext("Go back, load the page again and repeat the step.")
        case 401 | 403:
            return gettext("Not allowed"), gettext("Your role does not permit this. Ask your administrator.")
        case 404:
            return gettext("Not found"), gettext(
                "The address is wrong, or the record is not one of your company's."
            )
        case 405:
            return gettext("Not found"), gettext("The address cannot be opened in this way.")
        case 413:
            return gettext("Too large"), gettext("What was sent is larger than this box takes.")
        case 416:
            return gettext("Not found"), gettext("The recording is shorter than the part that was asked for.")
        case 429:
            return gettext("Too many tries"), gettext("Wait a minute, then try again.")
        case 503:
            return (
                gettext("The database does not answer"),
                gettext("Calls go on. Try again in a minute; if it stays so, tell whoever looks after the box."),
            )
        case _:
            return (
                gettext("Something went wrong"),
                gettext("The fault is ours and has been logged. Calls are not affected. Try again."),
            )
