"""Tones and sounds as int16 samples at 8 kHz, and how strong a tone is in samples."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile  # type: ignore[import-untyped, unused-ignore]
from numpy.typing import NDArray

RATE = 8000
FRAME = 160
"""Samples in one RTP packet of 20 ms."""

Samples = NDArray[np.int16]
Sound = int | float | str | Path | Samples
"""A tone's frequency in Hz, a WAV file's path, or samples at 8 kHz."""


def tone(hz: float, seconds: float, *, rate: int = RATE, level: float = 0.3) -> Samples:
    """A sine of ``seconds`` at ``level`` (1.0 is full scale), starting at phase 0."""
    return _sine(hz, 0, round(seconds * rate), rate, level)


def silence(seconds: float, *, rate: int = RATE) -> Samples:
    """Zeros."""
    return np.zeros(round(seconds * rate), dtype=np.int16)


def goertzel(samples: Samples, hz: float, *, rate: int = RATE) -> float:
    """The amplitude of ``hz`` in ``samples``, 0.0 to 1.0 of full scale; 0.0 when there are no samples.

    Written as a correlation with one complex exponential: the same number as Goertzel's recursion, in one
    numpy product.
    """
    if not len(samples):
        return 0.0
    turn = np.exp(-2j * np.pi * hz / rate * np.arange(len(samples)))
    return float(2 * abs(np.dot(samples.astype(np.float64), turn)) / len(samples) / 32768)


def rms(samples: Samples) -> float:
    """Root mean square, 0.0 to 1.0 of full scale; a sine of amplitude A has A / sqrt(2)."""
    if not len(samples):
        return 0.0
    return float(np.sqrt(np.mean((samples.astype(np.float64) / 32768) ** 2)))


def purity(samples: Samples, hz: float, *, rate: int = RATE) -> float:
    """The share of the power that lies at ``hz``: about 1.0 for the pure tone, 0.0 for silence."""
    loud = rms(samples)
    return 0.0 if loud == 0.0 else goertzel(samples, hz, rate=rate) ** 2 / 2 / loud**2


def load_wav(path: str | Path) -> Samples:
    """A WAV file as mono 8 kHz; channels are averaged, another rate is resampled linearly.

    Linear resampling lets aliases through; it is enough to recognise a prompt or a tone.
    """
    data, rate = soundfile.read(str(path), dtype="float64", always_2d=True)
    mono = data.mean(axis=1)
    if rate != RATE:
        wanted = np.arange(round(len(mono) * RATE / rate)) * (rate / RATE)
        mono = np.interp(wanted, np.arange(len(mono)), mono)
    samples: Samples = np.clip(np.round(mono * 32768), -32768, 32767).astype(np.int16)
    return samples


class Source(Protocol):
    """Where the phone's own voice comes from, one frame after another."""

    def frame(self) -> Samples | None:
        """The next 160 samples, or None at the end."""


class ToneSource:
    """An endless sine without a jump of phase between frames."""

    def __init__(self, hz: float, *, level: float = 0.3) -> None:
        self._hz = hz
        self._level = level
        self._done = 0

    def frame(self) -> Samples:
        """The next 160 samples."""
        made = _sine(self._hz, self._done, FRAME, RATE, self._level)
        self._done += FRAME
        return made


class SampleSource:
    """Samples once or, with ``loop``, again and again; the last frame is filled up with zeros."""

    def __init__(self, samples: Samples, *, loop: bool = False) -> None:
        short = -len(samples) % FRAME
        self._samples = np.concatenate([samples.astype(np.int16), np.zeros(short, dtype=np.int16)])
        self._loop = loop
        self._done = 0

    def frame(self) -> Samples | None:
        """The next 160 samples, or None at the end."""
        if self._done >= len(self._samples):
            if not self._loop or not len(self._samples):
                return None
            self._done = 0
        made = self._samples[self._done : self._done + FRAME]
        self._done += FRAME
        return made


def source(sound: Sound, *, loop: bool = False) -> Source:
    """What sends ``sound``: a number is an endless tone, a path a WAV file, an array samples."""
    if isinstance(sound, int | float):
        return ToneSource(float(sound))
    if isinstance(sound, str | Path):
        return SampleSource(load_wav(sound), loop=loop)
    return SampleSource(sound, loop=loop)


def _sine(hz: float, start: int, count: int, rate: int, level: float) -> Samples:
    angle = 2 * np.pi * hz / rate * np.arange(start, start + count)
    samples: Samples = np.round(np.sin(angle) * level * 32767).astype(np.int16)
    return samples
