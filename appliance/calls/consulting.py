"""Callers who hang up while their line's side does something by a key: keys an extension, rings or consults another
line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import structlog

from appliance.errors import ApplianceError, SwitchRefused
from appliance.switch import escape

#: Seconds between two looks: for so long the call is up, and costs, though its caller has gone.
LOOK_EVERY_S = 0.5
_log = structlog.get_logger(__name__)


class Consultations:
    """Ends what this process carries out for lines whose callers have gone.

    The switch tells nobody: what a line's side does by keys runs within the talk, and the caller's leg waits for it
    before it runs anything of its own end, or even says BYE. Nobody is asked while there is no consultation.

    :param switch: opens a connection to the switch: a function from an API command to its answer.
    """

    def __init__(self, switch: Callable[[], AbstractContextManager[Callable[[str], str]]]) -> None:
        self._switch = switch
        self._callers: set[str] = set()
        self._away = False

    @contextmanager
    def of(self, caller: str) -> Iterator[None]:
        """For as long as the line's side is at it."""
        self._callers.add(caller)
        try:
            yield
        finally:
            self._callers.discard(caller)

    def look(self, pause: Callable[[float], object]) -> None:
        """Look again and again, until no line's side is at anything."""
        if not self._callers:
            return
        try:
            with self._switch() as api:
                while self._callers:
                    self._callers -= {caller for caller in sorted(self._callers) if end_without_caller(api, caller)}
                    pause(LOOK_EVERY_S)
        except ApplianceError as error:
            if not self._away:
                _log.error("consultations not looked at", error=str(error))
            self._away = True
            return
        self._away = False


def end_without_caller(api: Callable[[str], str], caller: str) -> bool:
    """End the legs of all lines of a call whose caller has hung up; whether he has.

    All that tells of it is what ``switch_channel_perform_hangup`` sets.

    :param caller: his leg.
    """
    try:
        if api(f"uuid_getvar {escape.identifier(caller)} last_bridge_role").strip() == "_undef_":
            return False
    except SwitchRefused:
        pass  # the leg is gone
    _log.info("a consultation ends with its caller", call=caller)
    api(f"hupall NORMAL_CLEARING gw_call {escape.identifier(caller)}")
    return True
