"""Console users: found, signed in, locked out. What may be wrong with a sign-in is counted here."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from sqlalchemy import case, literal, select, update
from sqlalchemy.orm import Session

from appliance.store.models.accounts import Operator
from appliance.store.types import Instant

#: Wrong passwords in a row that lock an operator out, and for how long.
FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)

ROLES = ("administrator", "operator", "finance", "supervisor", "agent", "auditor")


@dataclass(frozen=True, slots=True)
class OperatorRecord:
    """An operator as stored. ``account_id`` None: sees every account of the box."""

    id: int
    login: str
    name: str
    account_id: str | None
    password_hash: str | None
    active: bool
    session_key: str
    locked_until: datetime | None
    roles: tuple[str, ...]
    language: str

    def is_locked(self, now: datetime) -> bool:
        """Whether sign-in is refused at ``now``, whatever the password."""
        return self.locked_until is not None and now < self.locked_until


def written_login(text: str) -> str:
    """A login as it is kept: without blanks around it, small letters, full-width forms made plain.

    >>> written_login("  Ｄesk-1 ")
    'desk-1'
    """
    return unicodedata.normalize("NFKC", text).strip().casefold()


def hash_password(password: str) -> str:
    """An argon2id PHC string. The text is normalised as the sign-in does it (NFKD)."""
    return PasswordHasher().hash(unicodedata.normalize("NFKD", password))


def by_login(session: Session, login: str) -> OperatorRecord | None:
    """The operator of that login."""
    found = session.scalar(select(Operator).where(Operator.login == written_login(login)))
    return _record(found) if found else None


def by_session_key(session: Session, session_key: str) -> OperatorRecord | None:
    """The operator whose sessions carry that key."""
    found = session.scalar(select(Operator).where(Operator.session_key == session_key))
    return _record(found) if found else None


def who_sees(session: Session, account: str | None = None) -> str | None:
    """The login of an active operator who sees an account's calls (None: anybody's at all), those first who see
    every account, administrators before others. None: the site names nobody."""
    seeing = [
        operator
        for operator in session.scalars(select(Operator).where(Operator.active).order_by(Operator.id))
        if account is None or operator.account_id in (None, account)
    ]
    seeing.sort(
        key=lambda one: (one.account_id is not None, "administrator" not in {role.name for role in one.roles})
    )
    return seeing[0].login if seeing else None


def note_failure(session: Session, operator_id: int, now: datetime) -> None:
    """Count a wrong password; the last one allowed locks. One statement: two at once count as two."""
    counted = Operator.failed_sign_ins + 1
    locks = counted >= FAILURES_ALLOWED
    session.execute(
        update(Operator)
        .where(Operator.id == operator_id)
        .values(
            failed_sign_ins=case((locks, 0), else_=counted),
            locked_until=case((locks, literal(now + LOCKED_FOR, Instant)), else_=Operator.locked_until),
        )
    )


def note_success(session: Session, operator_id: int, now: datetime) -> None:
    """Note a sign-in; the count of failures begins anew."""
    session.execute(
        update(Operator)
        .where(Operator.id == operator_id)
        .values(failed_sign_ins=0, locked_until=None, last_sign_in_at=now)
    )


def keep_password_hash(session: Session, operator_id: int, password_hash: str) -> None:
    """Keep a password's new hash: the parameters of hashing have changed since the old one."""
    session.execute(update(Operator).where(Operator.id == operator_id).values(password_hash=password_hash))


def keep_language(session: Session, operator_id: int, language: str) -> None:
    """Remember the language an operator has chosen."""
    operator = session.get(Operator, operator_id)
    if operator is not None:
        operator.preferences = {**operator.preferences, "language": language}


def _record(operator: Operator) -> OperatorRecord:
    return OperatorRecord(
        id=operator.id,
        login=operator.login,
        name=operator.name,
        account_id=operator.account_id,
        password_hash=operator.password_hash,
        active=operator.active,
        session_key=operator.session_key,
        locked_until=operator.locked_until,
        roles=tuple(role.name for role in operator.roles),
        language=operator.preferences.get("language", ""),
    )
