"""A WAV of the switch's becomes a compressed file: Opus in Ogg (RFC 7845), or MP3, by libsndfile."""

from __future__ import annotations

import errno
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import soundfile

from appliance.errors import MediaError
from appliance.media import crashed

#: Format → what libsndfile calls it, and the ending of its files.
_FORMATS = {"opus": ("OGG", "OPUS"), "mp3": ("MP3", "MPEG_LAYER_III")}
#: Frames read at once: a fifth of a second at 8 kHz.
_BLOCK = 1600
#: A block this loud (of 32768) holds a voice: G.711 makes less of silence, and comfort noise is some tens.
_VOICE = 300


@dataclass(frozen=True, slots=True)
class Sound:
    """What was encoded. ``voiced_s`` is how much of it somebody said something in."""

    channels: int
    seconds: float
    voiced_s: float


class Unreadable(MediaError):
    """It is no sound, or none that is whole enough to be read."""


class Empty(Unreadable):
    """It was begun, and there is no sound in it."""


def encode(wav: Path, target: Path, form: str) -> Sound:
    """Encode a WAV into a new file as ``opus`` or ``mp3``; channels stay as they are.

    :raises Unreadable: the WAV is none; ``Empty``: it holds nothing.
    :raises OSError: the target could not be written whole.
    """
    kind, subtype = _FORMATS[form]
    try:
        if not wav.stat().st_size:  # not even its head had come to the disk
            raise Empty("it is empty")
        source = soundfile.SoundFile(wav)
        outgrown = crashed.outgrown(wav) if source.subtype == "PCM_16" else None
    except (soundfile.LibsndfileError, OSError) as error:
        raise Unreadable(str(error)) from error
    with source:
        if not source.frames:
            raise Empty("there is no sound in it")
        frames = voiced = 0
        try:
            with soundfile.SoundFile(
                target, "w", samplerate=source.samplerate, channels=source.channels, format=kind, subtype=subtype
            ) as encoded:
                for block in _blocks(source) if outgrown is None else _samples(wav, outgrown):
                    encoded.buffer_write(block, dtype="int16")
                    samples = array("h", block)
                    length = len(samples) // source.channels
                    frames += length
                    voiced += length if max(map(abs, samples), default=0) >= _VOICE else 0
            # libsndfile says nothing of what its last pages met.
            whole = soundfile.info(str(target)).frames >= frames
        except (soundfile.LibsndfileError, AssertionError) as error:
            raise OSError(errno.EIO, f"encoding {wav.name}: {error}") from error
        if not whole:
            raise OSError(errno.EIO, f"{target.name} was not written whole")
        return Sound(source.channels, frames / source.samplerate, voiced / source.samplerate)


def _blocks(source: soundfile.SoundFile) -> Iterator[bytes]:
    while True:
        try:
            block = bytes(source.buffer_read(_BLOCK, dtype="int16"))
        except soundfile.LibsndfileError as error:
            raise Unreadable(str(error)) from error
        if not block:
            return
        yield block


def _samples(wav: Path, found: crashed.Waveform) -> Iterator[bytes]:
    """All that there is of a WAV of 16 bits, whatever its header says of it."""
    with wav.open("rb") as file:
        file.seek(found.begin)
        while block := file.read(_BLOCK * found.frame):
            # The last sample may be half on the disk.
            yield block[: len(block) - len(block) % found.frame]
