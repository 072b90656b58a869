"""What became of messages, into the database: there console and API find it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from appliance.errors import StoreError
from appliance.store.hooks import forget_notifications, write_notifications
from appliance.store.outbox_sending import SendingOutbox
from appliance.store.unit import Store

_FORGET_EVERY = timedelta(hours=1)
_log = structlog.get_logger(__name__)


class Recorder:
    """Tells the database what ended, and forgets what is older than ``keep``, here and in the outbox."""

    def __init__(self, outbox: SendingOutbox, store: Store, keep: timedelta, now: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._store = store
        self._keep = keep
        self._now = now
        self._away = False
        self._forgot_at: datetime | None = None

    def step(self) -> None:
        """What can be told now. A database that is away is told later: the outbox keeps it until then."""
        try:
            while ended := self._outbox.unstored():
                with self._store.work() as session:
                    write_notifications(session, ended)
                    session.commit()
                self._outbox.stored(ended)
                if not self._outbox.is_written:
                    break  # they would be read again at once
            self._forget()
        except StoreError as error:
            if not self._away:
                _log.error("what became of messages is not stored", error=str(error))
            self._away = True
            return
        if self._away:
            _log.warning("what became of messages is stored again")
        self._away = False

    def _forget(self) -> None:
        now = self._now()
        if self._forgot_at is not None and now - self._forgot_at < _FORGET_EVERY:
            return
        self._forgot_at = now
        self._outbox.forget(now - self._keep)
        forgotten = 1
        while forgotten:
            with self._store.work() as session:
                forgotten = forget_notifications(session, now - self._keep)
                session.commit()
