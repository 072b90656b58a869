"""`python`: run a script inside the call, as FreeSWITCH's mod_python3 does.

The script's function `handler(session, args)` is called with a session object of mod_python3's names.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.miniswitch import causes
from appliance.miniswitch.channel import Interrupted

if TYPE_CHECKING:
    from appliance.miniswitch.session import Session

log = logging.getLogger(__name__)


class ScriptSession:
    """What a script may do with its call. A call that is gone makes every step do nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def execute(self, app: str, arg: str = "") -> None:
        """Run an application. Returns when the call goes elsewhere, too: the script asks `ready`."""
        with contextlib.suppress(Interrupted):
            self._session.execute(app, arg)

    def getVariable(self, name: str) -> str | None:
        """A channel variable, None when it is not set."""
        return self._session.channel.variables.get(name)

    def setVariable(self, name: str, value: str) -> None:
        """Set a channel variable."""
        self._session.channel.variables.set(name, value)

    def ready(self) -> bool:
        """Whether the call is still there and ours."""
        channel = self._session.channel
        return not channel.hangup_cause and channel.moved_to is None

    def answer(self) -> None:
        """Answer the call."""
        self.execute("answer")

    def hangup(self, cause: str = "NORMAL_CLEARING") -> None:
        """End the call."""
        self._session.channel.hangup(causes.parse(cause))


def _python(session: Session, text: str) -> None:
    """`fallback ARGS`: the configured script; without one, the apology."""
    _, _, arguments = text.partition(" ")
    path = session.switch.settings.fallback_script
    if path is None:
        _apologise(session)
        return
    try:
        _load(path)(ScriptSession(session), arguments)
    except Exception:
        # The script is somebody's file: whatever is wrong with it, the caller hears the apology.
        log.exception("the fallback script failed")
        _apologise(session)
        return
    session.channel.check()


def _load(path: Path) -> Callable[[Any, str], Any]:
    spec = importlib.util.spec_from_file_location("fallback", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[Any, str], Any] = module.handler
    return handler


def _apologise(session: Session) -> None:
    session.execute("playback", session.switch.settings.apology_file)


APPLICATIONS: dict[str, Callable[[Session, str], None]] = {"python": _python}
