"""Signing in: Flask-Security with argon2id, a lock-out of its own, and a limit on attempts an address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import flask
from flask import Flask, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_security import Security
from flask_security.forms import LoginForm
from flask_security.signals import user_authenticated
from flask_security.utils import hash_password, validate_redirect_url
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from appliance.store import operators
from appliance.store.unit import Store
from webui.context import console, now
from webui.i18n import gettext, lazy_gettext
from webui.operators import Operators, SignedIn

SIGN_IN = "session.login"
SIGN_OUT = "session.logout"
#: Failed attempts of one address, whatever logins it tries.
ATTEMPTS = "20 per minute; 200 per hour"
#: The second of RFC 9106's recommended sets: 64 MiB.
HASHING = {"argon2__time_cost": 3, "argon2__memory_cost": 64 * 1024, "argon2__parallelism": 4}
#: A working day; after it everybody signs in again.
SESSION_LASTS = timedelta(hours=12)


class SignInForm(LoginForm):
    """Login and password. Whatever is wrong, the answer is the same: it tells nobody which logins exist."""

    email = None  # our operators have none
    remember = None
    login = StringField(lazy_gettext("User name"), validators=[DataRequired(), Length(max=100)])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A page of another site: the sign-in goes on, its wish does not.
        if not validate_redirect_url(self.next.data or ""):
            self.next.data = ""

    def validate(self, **kwargs: Any) -> bool:
        """Look the operator up and check lock and password."""
        found: SignedIn | None = None
        if self.login.data:
            found = flask.current_app.extensions["security"].datastore.find_user(login=self.login.data)
        self.ifield, self.user = self.login, found
        if found is not None and found.record.is_locked(now()):
            hash_password(self.password.data or "")  # takes as long as a check would
            return self._refuse()
        if super().validate(**kwargs):
            return True
        # Without a token or a password nothing was tried that could count against the operator.
        if found is not None and self.password.data and not self.errors.get("csrf_token"):
            with console().store.work() as unit:
                operators.note_failure(unit, found.id, now())
                unit.commit()
        return self._refuse()

    def _refuse(self) -> bool:
        for field in (self.login, self.password):
            field.errors = []
        self.form_errors = [
            gettext(
                "Wrong user name or password. After %(failures)d wrong tries in a row"
                " signing in is locked for %(minutes)d minutes.",
                failures=operators.FAILURES_ALLOWED,
                minutes=operators.LOCKED_FOR // timedelta(minutes=1),
            )
        ]
        return False


def init_sign_in(app: Flask, store: Store) -> None:
    """Put Flask-Security and the limits on the app; its blueprint is ours by name: ``session``."""
    app.config.update(
        SECURITY_BLUEPRINT_NAME="session",
        SECURITY_LOGIN_URL="/sign-in",
        SECURITY_LOGOUT_URL="/sign-out",
        SECURITY_LOGOUT_METHODS=["POST"],
        SECURITY_LOGOUT_CSRF=True,
        SECURITY_POST_LOGIN_VIEW="calls.listing",
        SECURITY_POST_LOGOUT_VIEW=SIGN_IN,
        SECURITY_LOGIN_USER_TEMPLATE="sign_in.html",
        SECURITY_FLASH_MESSAGES=False,
        SECURITY_STATIC_FOLDER=None,
        SECURITY_CLI_USERS_NAME=None,
        SECURITY_CLI_ROLES_NAME=None,
        # No page asks for the password a second time yet; below zero its route does not exist.
        SECURITY_FRESHNESS=timedelta(seconds=-1),
        SECURITY_USER_IDENTITY_ATTRIBUTES=[{"login": {"mapper": operators.written_login}}],
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106 - the name of the algorithm
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=HASHING,
        # Plain PHC strings, as `appliance` writes them: no HMAC with a key of this process around the password.
        SECURITY_PASSWORD_SINGLE_HASH={"argon2"},
        PERMANENT_SESSION_LIFETIME=SESSION_LASTS,
        # The lifetime counts from the sign-in: an open health page must not prolong it.
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    security = Security(app, Operators(store), login_form=SignInForm)
    # Sessions only: Flask-Security would take a token from any query string as well.
    security.login_manager.request_loader(lambda _request: None)
    user_authenticated.connect(_begin_session, app)

    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri="memory://",  # one worker serves the console (`serve.py`)
        strategy="moving-window",
        headers_enabled=False,
    )
    limited: Any = limiter.limit(
        ATTEMPTS,
        methods=["POST"],
        deduct_when=lambda response: response.status_code not in (301, 302, 303),
    )
    app.view_functions[SIGN_IN] = limited(app.view_functions[SIGN_IN])


def _begin_session(_app: Flask, user: SignedIn, **_: Any) -> None:
    """After a right password: note it, and let the session end with the working day."""
    session.permanent = True
    if user.language and "language" not in session:
        session["language"] = user.language
    with console().store.work() as unit:
        operators.note_success(unit, user.id, now())
        unit.commit()


def wanted_page() -> str:
    """Where to go after signing in: the page that was asked for, when asking for it again is harmless."""
    return request.full_path.rstrip("?") if request.method == "GET" else ""
