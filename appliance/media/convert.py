"""Any recording → a prompt: WAV, 8 kHz, mono, 16 bits, levelled, which both switches play as it is.

It runs in a process apart (``apart.py``): the files come from strangers, and libsndfile, which reads them, is C.

What bounds it: the file is read block by block and dropped as soon as it is too long, so a short file that unpacks
to hours costs no more than the longest prompt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from appliance.media.levels import active_dbfs, levelled, trimmed
from appliance.media.replacing import replacing

RATE = 8000
#: Channels and sampling rates of recordings that there are; others are a damaged or a hostile header.
MOST_CHANNELS = 8
RATES = range(4000, 192_001)
_BLOCK = 1 << 15
#: Channels that cancel one another out when they are added are this much quieter together than the loudest alone.
_CANCELLED = 0.1
_ENDS_SMOOTHLY_S = 0.002


class Fault(StrEnum):
    """Why no prompt can be made of a file."""

    TOO_LARGE = "too-large"
    TOO_LONG = "too-long"
    TOO_SHORT = "too-short"
    NOT_SOUND = "not-sound"
    TOO_MANY_CHANNELS = "too-many-channels"
    STRANGE_RATE = "strange-rate"
    DAMAGED = "damaged"
    SILENT = "silent"
    NOT_WRITTEN = "not-written"


class ConversionFault(Exception):
    """The file is refused; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may be: its size in bytes, its length in seconds."""

    most_bytes: int = 20 << 20
    most_s: float = 600.0
    least_s: float = 0.1


def convert(source: Path, target: Path, limits: Limits, *, trim: bool = False) -> float:
    """Make the prompt ``target`` of ``source``; its length in seconds.

    :param trim: without the silence at both ends.
    :raises ConversionFault: no prompt can be made of it; ``target`` is as it was.
    """
    if source.stat().st_size > limits.most_bytes:
        raise ConversionFault(Fault.TOO_LARGE)
    try:
        samples = _read(source, limits)
    except (soundfile.LibsndfileError, soundfile.SoundFileRuntimeError) as error:
        raise ConversionFault(Fault.NOT_SOUND) from error
    if active_dbfs(samples, RATE) == float("-inf"):
        raise ConversionFault(Fault.TOO_SHORT if len(samples) < limits.least_s * RATE else Fault.SILENT)
    samples = levelled(samples, RATE)
    if trim:
        samples = trimmed(samples, RATE)
    if len(samples) < limits.least_s * RATE:
        raise ConversionFault(Fault.TOO_SHORT)
    write(_smooth_ends(samples), target)
    return len(samples) / RATE


def write(samples: NDArray[np.float32], target: Path) -> None:
    """Write a prompt's file; whoever opens ``target`` meanwhile hears the old one whole or the new one whole.

    :raises ConversionFault: there is no room for it, or no right.
    """
    whole = np.clip(np.round(samples * 32767), -32768, 32767).astype(np.int16)
    try:
        with replacing(target) as part:
            soundfile.write(part, whole, RATE, format="WAV", subtype="PCM_16")
    except (OSError, soundfile.LibsndfileError) as error:
        raise ConversionFault(Fault.NOT_WRITTEN) from error


def _read(source: Path, limits: Limits) -> NDArray[np.float32]:
    """One channel at ``RATE``."""
    with soundfile.SoundFile(source) as sound:
        if sound.channels > MOST_CHANNELS:
            raise ConversionFault(Fault.TOO_MANY_CHANNELS)
        if sound.samplerate not in RATES:
            raise ConversionFault(Fault.STRANGE_RATE)
        mix = _mix(sound, limits)
        sound.seek(0)
        rate = sound.samplerate
        resampler = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="HQ")
        parts: list[NDArray[np.float32]] = []
        for block in _blocks(sound, limits):
            one = (block @ mix).astype(np.float32)
            parts.append(one if resampler is None else resampler.resample_chunk(one))
        if resampler is not None:
            parts.append(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _mix(sound: soundfile.SoundFile, limits: Limits) -> NDArray[np.float32]:
    """The part of each channel in the prompt: their mean, or the loudest alone where they cancel one another out (a
    balanced line that was taken for stereo)."""
    channels: int = sound.channels
    mean = np.full(channels, 1 / channels, np.float32)
    if channels == 1:
        return mean
    alone, together = np.zeros(channels), 0.0
    for block in _blocks(sound, limits):
        alone += np.sum(np.square(block, dtype=np.float64), axis=0)
        together += float(np.sum(np.square(block.astype(np.float64) @ mean)))
    loudest = int(np.argmax(alone))
    if together < _CANCELLED**2 * alone[loudest] / channels**2:
        mean[:] = 0
        mean[loudest] = 1
    return mean


def _blocks(sound: soundfile.SoundFile, limits: Limits) -> Iterator[NDArray[np.float32]]:
    """Blocks of (frames, channels). What the header says of the length is not believed."""
    most = limits.most_s * sound.samplerate
    read = 0
    while len(block := sound.read(_BLOCK, dtype="float32", always_2d=True)):
        read += len(block)
        if read > most:
            raise ConversionFault(Fault.TOO_LONG)
        # A file of floats may hold what is no number, and numbers beyond any sound.
        if not np.isfinite(block).all() or np.abs(block).max() > 1e4:
            raise ConversionFault(Fault.DAMAGED)
        yield block


def _smooth_ends(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """No click where the recording was cut."""
    length = min(round(_ENDS_SMOOTHLY_S * RATE), len(samples) // 2)
    ramp = np.linspace(0, 1, length, endpoint=False, dtype=np.float32)
    made = samples.copy()
    made[:length] *= ramp
    made[len(made) - length :] *= ramp[::-1]
    return made
