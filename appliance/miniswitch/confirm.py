"""`group_confirm_key`: a line that has answered hears something, and may have to press a key, before it is joined.

As FreeSWITCH does (`switch_ivr_originate`, `collect_thread_run`) in a thread of its own: other lines ring on
meanwhile, and the caller goes on hearing that they do.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable

from appliance.miniswitch.channel import Channel, Interrupted
from appliance.miniswitch.playing import play
from appliance.miniswitch.sound import SoundNotFound

log = logging.getLogger(__name__)

_READ_S = 5.0
"""`confirm_read_timeout`: how long a key is waited for before the file is played again."""


class Confirmation:
    """What a line's leg is asked once it has answered; `done` when it may be joined."""

    def __init__(self, leg: Channel, wake: Callable[[], None]) -> None:
        self._leg, self._wake = leg, wake
        self._key = leg.variables.get("group_confirm_key") or ""
        self._file = leg.variables.get("group_confirm_file") or ""
        self.done = not self._key
        self.begun = False

    @property
    def time_limit_s(self) -> int:
        """`group_confirm_timeout`: seconds from the answer on; 0: none."""
        text = self._leg.variables.get("group_confirm_timeout") or ""
        return int(text) if text.isdigit() else 0

    def begin(self) -> None:
        """Ask, in a thread of its own."""
        self.begun = True
        threading.Thread(target=self._run, name=f"confirm {self._leg.name}", daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(Interrupted):
            try:
                if self._key == "exec":
                    self._whisper()
                else:
                    self._ask()
                self.done = True
            except SoundNotFound as error:
                log.warning("%s: %s", self._leg.name, error)
                self._leg.hangup("DESTINATION_OUT_OF_ORDER")
        self._wake()

    def _whisper(self) -> None:
        application, _, argument = self._file.partition(" ")
        if application != "playback":
            log.warning("%s: group_confirm_file %r is not offered", self._leg.name, self._file)
            return
        # FreeSWITCH's playback goes on without a file that is not there.
        with contextlib.suppress(SoundNotFound):
            play(self._leg, argument)

    def _ask(self) -> None:
        leg = self._leg
        while True:
            pressed: list[str] = []

            def on_key(key: str, pressed: list[str] = pressed) -> bool:
                pressed.append(key)
                return True

            play(leg, self._file, on_key)
            if not pressed and leg.wait(lambda: bool(leg.keys), _READ_S):
                pressed.append(leg.keys.popleft())
            if pressed == [self._key]:
                return
