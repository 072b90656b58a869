"""Giving an operator a password."""

from __future__ import annotations

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import SiteError
from appliance.store.models import Operator
from appliance.store.operators import hash_password, written_login

SHORTEST = 8


def generated() -> str:
    """A password of 120 random bits."""
    return secrets.token_urlsafe(15)


def require(session: Session, login: str) -> Operator:
    """The operator of that login.

    :raises SiteError: there is none.
    """
    found = session.scalar(select(Operator).where(Operator.login == written_login(login)))
    if found is None:
        raise SiteError([f"there is no operator {login}; a site file names the operators"])
    return found


def set_password(session: Session, login: str, password: str) -> None:
    """Set a password, end every session of the operator and lift a lock; the caller commits.

    :raises SiteError: there is no such operator, or the password is too short.
    """
    operator = require(session, login)
    if len(password) < SHORTEST:
        raise SiteError([f"the password is shorter than {SHORTEST} characters"])
    operator.password_hash = hash_password(password)
    operator.session_key = secrets.token_hex(16)
    operator.failed_sign_ins = 0
    operator.locked_until = None
