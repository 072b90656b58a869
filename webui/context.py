"""What a request works with: the settings, the store, and whose rows it may read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import current_app
from flask_security import current_user

from appliance.config import Settings
from appliance.live.read import LiveSource
from appliance.store.queries import Reader, Scope, reading
from appliance.store.unit import Store

if TYPE_CHECKING:
    from webui.operators import SignedIn

EXTENSION = "gateway400"


@dataclass(frozen=True, slots=True)
class Console:
    """Kept with the app; one a process."""

    settings: Settings
    store: Store
    live: LiveSource
    #: Live boards as they were rendered last (``views.live``).
    boards: OrderedDict[tuple[str | None, str], str] = field(default_factory=OrderedDict)


def console() -> Console:
    """The console that serves this request."""
    kept: Console = current_app.extensions[EXTENSION]
    return kept


def signed_in() -> SignedIn:
    """Who is signed in. Behind the login wall there is always somebody."""
    user: SignedIn = current_user._get_current_object()
    return user


def holds(roles: Collection[str]) -> bool:
    """Whether who is signed in has one of these roles."""
    return any(role.name in roles for role in signed_in().roles)


def is_box_administrator() -> bool:
    """Whether the box itself is theirs: what it pays is nobody else's business."""
    user = signed_in()
    return user.account_id is None and any(role.name == "administrator" for role in user.roles)


@contextmanager
def reader() -> Iterator[Reader]:
    """One reading of what the signed-in operator may see: the only way of a page to stored calls."""
    with reading(console().store, Scope(signed_in().account_id)) as opened:
        yield opened


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)
