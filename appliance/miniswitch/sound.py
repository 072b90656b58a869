"""Sounds to play: WAV files, tones and silence, kept encoded so that playing is slicing bytes."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from appliance.miniswitch import g711, tones
from appliance.miniswitch.g711 import FRAME, RATE, Samples
from appliance.miniswitch.separate import separate

log = logging.getLogger(__name__)

_LIST = "file_string://"
_BEFORE_LIST = "silence_stream://250"


class SoundNotFound(Exception):
    """The file to be played is not there or is not a sound."""


@dataclass(frozen=True)
class Sound:
    """Encoded sound in one law, `frames` of 160 bytes; a silence has no bytes, only a length."""

    law: int
    data: bytes
    loops: int = 1

    @property
    def frames(self) -> int:
        """Number of 20 ms frames of one pass, the last one filled up with silence."""
        return len(self.data) // FRAME


def load(name: str, law: int) -> Sound:
    """The sound that a file name, a tone script or a silence names, in law 0 or 8.

    Raises `SoundNotFound` for what is not there or cannot be read.
    """
    if name.startswith("silence_stream://"):
        try:
            length = tones.silence(name)
        except tones.ToneError as error:
            raise SoundNotFound(str(error)) from error
        if length == tones.FOREVER:
            return Sound(law, g711.SILENCE[law], tones.FOREVER)
        return Sound(law, g711.SILENCE[law], max(1, -(-length // 20)))
    if name.startswith("tone_stream://"):
        return _tone(name, law)
    try:
        status = Path(name).stat()
    except (OSError, ValueError) as error:
        raise SoundNotFound(name) from error
    return _file(name, status.st_mtime_ns, status.st_size, law)


def load_all(name: str, law: int) -> list[Sound]:
    """As `load`; of `file_string://FILE!FILE…` every one that is there.

    A quarter of a second of silence goes before the first file of the list, which FreeSWITCH leaves out where that
    one is missing (`next_file` of mod_dptools).
    """
    if not name.startswith(_LIST):
        return [load(name, law)]
    found: list[Sound] = []
    for index, each in enumerate(separate(name.removeprefix(_LIST), "!")):
        try:
            one = load(each, law)
        except SoundNotFound as error:
            log.warning("cannot be played: %s", error)
            continue
        found += [load(_BEFORE_LIST, law), one] if index == 0 else [one]
    if not found:
        raise SoundNotFound(name)
    return found


@lru_cache(maxsize=128)
def _tone(name: str, law: int) -> Sound:
    try:
        tone = tones.parse(name)
    except tones.ToneError as error:
        raise SoundNotFound(str(error)) from error
    return Sound(law, _frames(g711.encode(law, tone.samples), law), tone.loops)


# Size and time are part of the key: a prompt that was replaced is read again.
@lru_cache(maxsize=256)
def _file(name: str, changed_ns: int, size: int, law: int) -> Sound:
    try:
        samples, rate = soundfile.read(name, dtype="float32", always_2d=True)
    except (RuntimeError, OSError, ValueError) as error:
        raise SoundNotFound(f"{name}: {error}") from error
    return Sound(law, _frames(g711.encode(law, to_telephone(samples, rate)), law))


def to_telephone(samples: npt.NDArray[np.float32], rate: int) -> Samples:
    """Samples of shape (n, channels), -1 to 1, at any rate: mono 16 bit at 8 kHz.

    Before going down in rate the sound is averaged over the ratio, which keeps most aliasing out; a
    prompt meant for telephones is 8 kHz already and passes unchanged.
    """
    mono: npt.NDArray[np.float64] = samples.mean(axis=1, dtype=np.float64)
    if rate != RATE and len(mono):
        if rate > RATE:
            width = max(1, round(rate / RATE))
            mono = np.convolve(mono, np.full(width, 1 / width), mode="same")
        wanted = int(len(mono) * RATE / rate)
        mono = np.interp(np.arange(wanted) * (rate / RATE), np.arange(len(mono)), mono)
    return np.clip(np.rint(mono * 32767), -32768, 32767).astype(np.int16)


def _frames(data: bytes, law: int) -> bytes:
    """Fill up to whole frames, at least one."""
    missing = -len(data) % FRAME if data else FRAME
    return data + g711.SILENCE[law][:missing]


class Player:
    """One playing of a sound, or of several of one law behind each other: hands out frames until it is done.

    Used by the media thread only. Others may set ``broken_off``: then it is done at the next frame.
    """

    def __init__(self, first: Sound, *others: Sound) -> None:
        self.law = first.law
        self.done = self.broken_off = False
        self.frames_played = 0
        self._others = deque(others)
        self._begin(first)

    def _begin(self, sound: Sound) -> None:
        self._data, self._position, self._loops = sound.data, 0, sound.loops

    def next(self) -> bytes | None:
        """The next 160 bytes; None, and `done`, when all of it has been heard."""
        while not self._loops and self._others:
            self._begin(self._others.popleft())
        if self.broken_off or not self._loops:
            self.done = True
        if self.done:
            return None
        frame = self._data[self._position : self._position + FRAME]
        self._position += FRAME
        self.frames_played += 1
        if self._position >= len(self._data):
            self._position = 0
            if self._loops != tones.FOREVER:
                self._loops -= 1
        return frame
