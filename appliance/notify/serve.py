"""The sender's process: one thread sends, another talks to the database, so that neither waits for the other."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from appliance.notify.known import KnownHooks
from appliance.notify.record import Recorder
from appliance.notify.sender import Sender

#: How long a message may lie before it is seen, and the pause between two looks at the database.
LOOK_EVERY_S, DATABASE_EVERY_S = 0.5, 1.0
#: How long a start waits for the database to say which hooks there are.
_FIRST_LOOK_S = 10.0
_log = structlog.get_logger(__name__)


def serve(sender: Sender, hooks: KnownHooks, recorder: Recorder, stop: threading.Event) -> None:
    """Send until ``stop``; then end what is under way."""

    def tend() -> None:
        while not stop.is_set():
            _safely(hooks.refresh)
            _safely(recorder.step)
            stop.wait(DATABASE_EVERY_S)

    database = threading.Thread(target=tend, name="database", daemon=True)
    database.start()
    hooks.looked.wait(_FIRST_LOOK_S)
    while not stop.is_set():
        if not _safely(lambda: sender.step(LOOK_EVERY_S)):
            stop.wait(LOOK_EVERY_S)
    sender.finish()
    database.join(_FIRST_LOOK_S)


def _safely(work: Callable[[], None]) -> bool:
    """Whatever goes wrong once must not end it."""
    try:
        work()
    except Exception:
        _log.exception("work of the sender failed")
        return False
    return True
