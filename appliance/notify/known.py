"""The hooks as they were known last: sending goes on while the database is away."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import structlog

from appliance.domain.hook import Encoding, Hook, HookKind
from appliance.errors import StoreError
from appliance.store.hooks import load_hooks
from appliance.store.outbox_sending import SendingOutbox
from appliance.store.routing import revision
from appliance.store.unit import Store

_log = structlog.get_logger(__name__)


class KnownHooks:
    """Read by the sender, refreshed by a thread of its own: a database that hangs holds no message.

    ``looked`` is set once the database was asked, with whatever success.
    """

    def __init__(self, store: Store, journal: SendingOutbox) -> None:
        """``journal``: where they are remembered, for a start while the database is away."""
        self._store = store
        self._journal = journal
        self._revision = -1
        self._away = False
        self._hooks: Mapping[str, Hook] | None = None
        self.looked = threading.Event()

    def __call__(self) -> Mapping[str, Hook] | None:
        """The hooks by id; None: nothing is known yet, and nothing can be sent."""
        return self._hooks

    def refresh(self) -> None:
        """One cheap look; all hooks only when the site has changed."""
        try:
            with self._store.reading() as session:
                found = revision(session)
                hooks = load_hooks(session) if found != self._revision else None
        except StoreError as error:
            if not self._away:
                _log.error("database away, messages go to the hooks known last", error=str(error))
            self._away = True
            if self._hooks is None:
                self._hooks = _remembered(self._journal) or None
        else:
            if self._away:
                _log.warning("database back")
            self._away = False
            if hooks is not None:
                self._hooks, self._revision = hooks, found
                self._journal.remember_hooks({name: asdict(hook) for name, hook in hooks.items()})
        finally:
            self.looked.set()


def _remembered(journal: SendingOutbox) -> dict[str, Hook]:
    return {name: _read(one) for name, one in journal.remembered_hooks().items()}


def _read(one: Mapping[str, Any]) -> Hook:
    return Hook(**{**one, "kind": HookKind(one["kind"]), "encoding": Encoding(one["encoding"])})
