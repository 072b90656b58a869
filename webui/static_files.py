"""Our static files with their content's hash in the address: cached for long, never stale."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, url_for
from markupsafe import Markup

_STATIC = Path(__file__).resolve().parent / "static"
_KEPT_FOR_S = 30 * 86400


def init_static_files(app: Flask) -> None:
    """Put ``asset`` and ``icon`` on the app's templates."""
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = _KEPT_FOR_S
    app.jinja_env.globals.update(asset=asset, icon=icon)


def asset(name: str) -> str:
    """The address of a static file."""
    return url_for("static", filename=name, v=_hash(name))


def icon(name: str) -> Markup:
    """An outline icon; it is decoration: the text beside it says what it means."""
    return Markup('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>').format(
        asset("vendor/icons.svg"), name
    )


@cache
def _hash(name: str) -> str:
    try:
        return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]
    except FileNotFoundError:
        return "missing"  # before set-up; `serve` says so
