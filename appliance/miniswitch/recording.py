"""Recordings: stereo or mono WAV, exactly as long as the time recorded.

The media thread hands in one frame of each side a tick, or nothing where nothing came; a thread of
its own turns a second at a time into samples and writes it, so that a slow disk delays no sound.
"""

from __future__ import annotations

import logging
import queue
import threading
import wave
from pathlib import Path

import numpy as np

from appliance.miniswitch import g711
from appliance.miniswitch.appended import AppendedWav
from appliance.miniswitch.g711 import PCMA, RATE

log = logging.getLogger(__name__)

_FRAMES_A_CHUNK = 50
_CLOSE_TIMEOUT_S = 3.0


class Recording:
    """One file being written. Left is the recorded channel's own voice, right what it hears, or (``swapped``) the
    other way round. ``appends``: it goes behind what the file holds already, if there is one.

    Creates the folders; raises `OSError` when the file cannot be made, `ValueError` when none can be
    appended to it.
    """

    def __init__(
        self,
        path: Path,
        stereo: bool,
        only_while_joined: bool,
        writer: RecordingWriter,
        *,
        swapped: bool = False,
        appends: bool = False,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        channels = 2 if stereo else 1
        self.only_while_joined = only_while_joined
        self.appends = appends
        self.frames = 0
        self._stereo = stereo
        self._swapped = swapped
        # Closed by the writer's thread.
        self._file = AppendedWav(path, channels) if appends and path.exists() else _new_wav(path, channels)
        self._writer = writer
        self._lock = threading.Lock()
        self._closed = False
        self._finished = threading.Event()
        self._sides: tuple[list[bytes], list[bytes]] = ([], [])
        self._laws = [PCMA, PCMA]

    @property
    def milliseconds(self) -> int:
        """How much has been recorded."""
        return self.frames * 20

    def add(self, own: bytes | None, own_law: int, heard: bytes | None, heard_law: int) -> None:
        """One tick: a frame of 160 bytes of each side, None for silence."""
        with self._lock:
            if self._closed:
                return
            if self._laws != [own_law, heard_law]:
                self._hand_over()
                self._laws = [own_law, heard_law]
            self._sides[0].append(own or g711.SILENCE[own_law])
            self._sides[1].append(heard or g711.SILENCE[heard_law])
            self.frames += 1
            if len(self._sides[0]) >= _FRAMES_A_CHUNK:
                self._hand_over()

    def close(self) -> None:
        """End the recording; the file is whole when this returns."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._hand_over()
                self._writer.put(self, None)
        if not self._finished.wait(_CLOSE_TIMEOUT_S):
            log.error("a recording was not written in time")

    def _hand_over(self) -> None:
        if self._sides[0]:
            own, heard = (b"".join(side) for side in self._sides)
            self._writer.put(self, (own, self._laws[0], heard, self._laws[1]))
            self._sides = ([], [])

    def write(self, chunk: tuple[bytes, int, bytes, int] | None) -> None:
        """Called by the writer's thread: append a chunk, or finish the file on None."""
        if chunk is None:
            self._file.close()
            self._finished.set()
            return
        own, heard = g711.decode(chunk[1], chunk[0]), g711.decode(chunk[3], chunk[2])
        if self._stereo:
            sound = np.empty(2 * len(own), dtype="<i2")
            sound[0::2], sound[1::2] = (heard, own) if self._swapped else (own, heard)
        else:
            mixed = own.astype(np.int32) + heard
            sound = np.clip(mixed, -32768, 32767).astype("<i2")
        self._file.writeframes(sound.tobytes())


def _new_wav(path: Path, channels: int) -> wave.Wave_write:
    file = wave.open(str(path), "wb")  # noqa: SIM115
    file.setnchannels(channels)
    file.setsampwidth(2)
    file.setframerate(RATE)
    file.writeframes(b"")
    return file


class RecordingWriter:
    """The thread that writes all recordings."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[Recording, tuple[bytes, int, bytes, int] | None] | None]
        self._queue = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
        self._thread.start()

    def put(self, recording: Recording, chunk: tuple[bytes, int, bytes, int] | None) -> None:
        """Write a chunk of a recording, soon; None finishes it."""
        self._queue.put((recording, chunk))

    def stop(self) -> None:
        """Write what is waiting, then end."""
        self._queue.put(None)
        self._thread.join(_CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            try:
                job[0].write(job[1])
            except OSError:
                log.exception("a recording cannot be written")
