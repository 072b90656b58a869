"""`record`: what a caller says goes into a file, until a key, a silence or the limit.

Steps, units and variables are those of `record_function` and `switch_ivr_record_file_event`.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from appliance.miniswitch import g711
from appliance.miniswitch.recording import Recording, RecordingWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from appliance.miniswitch.session import Session

log = logging.getLogger(__name__)

_FRAMES_A_SECOND = 50


class Message(Recording):
    """A mono file of the caller's own voice that notices when he has fallen silent."""

    def __init__(
        self,
        path: Path,
        writer: RecordingWriter,
        threshold: int,
        silent_frames: int,
        on_silence: Callable[[], None],
    ) -> None:
        if not path.parent.is_dir():
            raise FileNotFoundError(f"no folder {path.parent}")
        super().__init__(path, stereo=False, only_while_joined=False, writer=writer)
        self.fell_silent = False
        self._threshold = threshold
        self._longest = self._left = silent_frames
        self._on_silence = on_silence

    def add(self, own: bytes | None, own_law: int, heard: bytes | None, heard_law: int) -> None:
        """One tick; the file ends with the silence. Where nothing came nothing is written, as in FreeSWITCH."""
        if self.fell_silent:
            return
        if self._threshold:
            level = 0.0 if own is None else float(np.mean(np.abs(g711.decode(own_law, own).astype(np.int32))))
            self._left = self._longest if level >= self._threshold else self._left - 1
            if self._left <= 0:
                self.fell_silent = True
                self._on_silence()
                return
        if own is not None:
            super().add(own, own_law, None, own_law)


def _record(session: Session, text: str) -> None:
    """`FILE [+]LIMIT THRESHOLD SILENCE_SECONDS`; a file that cannot be made ends the call."""
    channel = session.channel
    variables = channel.variables
    path, limit, threshold, silence = (text.split() + ["0"] * 4)[:4]
    limit_s, silence_s = _whole(limit.removeprefix("+")), _whole(silence) or 3
    variables.update({"playback_terminator_used": None, "silence_hits_exhausted": "false"})
    terminators = variables.get("playback_terminators") or "*"
    stops = {"any": "1234567890*#", "none": ""}.get(terminators.lower(), terminators)
    try:
        message = Message(
            Path(path), session.switch.recordings, _whole(threshold), silence_s * _FRAMES_A_SECOND, channel.wake
        )
    except (OSError, ValueError) as error:
        log.error("%s: cannot record to %s: %s", channel.name, path, error)
        channel.hangup("DESTINATION_OUT_OF_ORDER")
        channel.check()
        return
    session.switch.events.fire("RECORD_START", channel, ("Record-File-Path", path))
    channel.media.recordings = (*channel.media.recordings, message)
    deadline = time.monotonic() + limit_s if limit_s else None
    try:
        while not message.fell_silent:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not channel.wait(lambda: message.fell_silent or bool(channel.keys), left):
                break
            if channel.keys and (key := channel.keys.popleft()) in stops:
                variables.set("playback_terminator_used", key)
                break
    finally:
        channel.media.recordings = tuple(each for each in channel.media.recordings if each is not message)
        message.close()
        length = message.milliseconds
        variables.update(
            {
                "record_ms": str(length),
                "record_seconds": str(length // 1000),
                "record_samples": str(length * 8),
                "silence_hits_exhausted": str(message.fell_silent).lower(),
            }
        )
        session.switch.events.fire("RECORD_STOP", channel, ("Record-File-Path", path))


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 0


APPLICATIONS: dict[str, Callable[[Session, str], None]] = {"record": _record}
