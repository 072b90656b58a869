"""Operators as Flask-Security sees them: an adapter on ``appliance.store.operators``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_security import RoleMixin, UserMixin
from flask_security.datastore import UserDatastore

from appliance.store import operators
from appliance.store.operators import OperatorRecord
from appliance.store.unit import Store


@dataclass(frozen=True)
class HeldRole(RoleMixin):
    """A role of a signed-in operator."""

    name: str


class SignedIn(UserMixin):
    """An operator in a request. A copy of the stored one: nothing written here is kept by itself."""

    # Flask-Security asks the class for this one.
    fs_uniquifier = ""

    def __init__(self, record: OperatorRecord) -> None:
        self.record = record
        self.id = record.id
        self.login = record.login
        self.active = record.active
        self.password = record.password_hash
        self.fs_uniquifier = record.session_key
        self.account_id = record.account_id
        self.language = record.language
        self.roles = [HeldRole(name) for name in record.roles]

    @property
    def name(self) -> str:
        """How the pages call the operator."""
        return self.record.name or self.record.login


class Operators(UserDatastore):
    """Finds operators, and keeps a password's new hash; everything else is not for the console to change."""

    def __init__(self, store: Store) -> None:
        super().__init__(SignedIn, HeldRole)
        self._store = store

    def find_user(self, case_insensitive: bool = False, **kwargs: Any) -> SignedIn | None:
        """By ``login`` or ``fs_uniquifier``; logins never differ by case."""
        with self._store.reading() as session:
            match kwargs:
                case {"login": str(login)}:
                    found = operators.by_login(session, login)
                case {"fs_uniquifier": str(key)}:
                    found = operators.by_session_key(session, key)
                case _:
                    found = None
        return SignedIn(found) if found else None

    def find_role(self, role: str) -> HeldRole | None:
        """A role of the fixed list."""
        return HeldRole(role) if role in operators.ROLES else None

    def put(self, model: SignedIn) -> SignedIn:
        """Keep the hash that the sign-in renewed because the hashing parameters have changed."""
        if model.password and model.password != model.record.password_hash:
            with self._store.work() as session:
                operators.keep_password_hash(session, model.id, model.password)
                session.commit()
        return model

    def commit(self) -> None:
        """Nothing waits: ``put`` has committed."""
