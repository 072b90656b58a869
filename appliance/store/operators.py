"""Console users: found, signed in, locked out. What may be wrong with a sign-in is counted here."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from sqlalchemy import case, exists, literal, select, update
from sqlalchemy.orm import Session

from appliance.errors import SiteError
from appliance.store.models.accounts import Account, Operator, Role
from appliance.store.types import Instant

#: Wrong passwords in a row that lock an operator out, and for how long.
FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=15)

ROLES = ("administrator", "operator", "finance", "supervisor", "agent", "auditor")

_SHORTEST_PASSWORD = 8


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


def any_operator(session: Session) -> bool:
    """Whether there is anybody who could sign in."""
    return bool(session.scalar(select(exists().where(Operator.active))))


def add(
    session: Session,
    *,
    login: str,
    password: str,
    roles: Iterable[str],
    name: str = "",
    account_id: str | None = None,
) -> OperatorRecord:
    """Add an operator; the caller commits.

    :raises SiteError: the login is taken or empty, a role or the account is unknown, the password is shorter
        than eight characters.
    """
    login, wanted = written_login(login), tuple(dict.fromkeys(roles))
    findings = []
    if not login:
        findings.append("login: is empty")
    elif by_login(session, login) is not None:
        findings.append(f"login: there is an operator {login} already")
    if unknown := [role for role in wanted if role not in ROLES]:
        findings.append(f"roles: unknown: {', '.join(unknown)}")
    if account_id is not None and session.get(Account, account_id) is None:
        findings.append(f"account: there is no account {account_id}")
    if len(password) < _SHORTEST_PASSWORD:
        findings.append(f"password: shorter than {_SHORTEST_PASSWORD} characters")
    if findings:
        raise SiteError(findings)
    operator = Operator(
        login=login,
        name=name,
        account_id=account_id,
        password_hash=hash_password(password),
        session_key=secrets.token_hex(16),
        failed_sign_ins=0,
        active=True,
        preferences={},
        roles=[_role(session, role) for role in wanted],
    )
    session.add(operator)
    session.flush()
    return _record(operator)


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


def _role(session: Session, name: str) -> Role:
    role = session.scalar(select(Role).where(Role.name == name))
    if role is None:
        role = Role(name=name)
        session.add(role)
    return role


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
