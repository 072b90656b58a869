"""Kept recordings, opened: the plain file, and the WAV that a browser plays, decoded as it is asked for.

A browser may ask for any range of bytes, and not every one plays Opus. So a player gets 16-bit PCM behind a header
whose length is known from the start: a range of its bytes is a range of frames, and only these are decoded.
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import soundfile

from appliance.errors import MediaError
from appliance.media import recordings
from appliance.media.keys import Keyring
from appliance.media.sealed import Unsealed

_HEADER = 44
#: Frames that are decoded at once: half a second at 8 kHz.
_BLOCK = 4000


def opened(root: Path, name: str, key_id: str, keyring: Keyring) -> BinaryIO:
    """The plain bytes of a kept file, as they are read.

    :raises MediaError: it is not there, or its key is not.
    """
    file = recordings.find(root, name).open("rb")
    if not key_id:
        return file
    try:
        return cast(BinaryIO, io.BufferedReader(Unsealed(file, keyring), 64 * 1024))
    except MediaError:
        file.close()
        raise


class _Source:
    """What libsndfile reads from: it calls back out of C, where nothing may be raised."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.fault: MediaError | None = None

    def readinto(self, buffer: bytearray) -> int:
        try:
            return self._file.readinto(buffer)  # type: ignore[attr-defined,no-any-return]
        except (MediaError, OSError) as error:
            self.fault = error if isinstance(error, MediaError) else MediaError(str(error))
            return 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class Decoded:
    """A recording as a WAV of 16-bit samples. Takes the file over; ``close`` closes it.

    :raises MediaError: it cannot be read as audio.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._source = _Source(file)
        try:
            self._sound = soundfile.SoundFile(self._source)
        except (soundfile.LibsndfileError, OSError) as error:
            file.close()
            raise self._source.fault or MediaError(f"cannot be read as audio: {error}") from error
        self._width = 2 * self._sound.channels
        self.size = _HEADER + self._sound.frames * self._width

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float(self._sound.frames / self._sound.samplerate)

    def part(self, start: int, stop: int) -> Iterator[bytes]:
        """The WAV's bytes from ``start`` up to ``stop``.

        :raises MediaError: what is read is damaged.
        """
        header = self._header()
        if start < _HEADER:
            yield header[start:stop]
        first = max(start - _HEADER, 0)
        left = stop - _HEADER - first
        if left <= 0:
            return
        frame, skip = divmod(first, self._width)
        self._sound.seek(frame)
        while left > 0:
            block = bytes(self._sound.buffer_read(_BLOCK, dtype="int16"))
            if self._source.fault is not None:
                raise self._source.fault
            if not block:
                raise MediaError("it is shorter than it says")
            piece, skip = block[skip : skip + left], 0
            left -= len(piece)
            yield piece

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(soundfile.LibsndfileError):
            self._sound.close()
        self._file.close()

    def _header(self) -> bytes:
        """RIFF/WAVE, PCM (format tag 1)."""
        rate, channels = self._sound.samplerate, self._sound.channels
        form = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * self._width, self._width, 16)
        data = self.size - _HEADER
        return (
            struct.pack("<4sI4s4s", b"RIFF", self.size - 8, b"WAVE", b"fmt ")
            + form
            + struct.pack("<4sI", b"data", data)
        )


def outline(file: BinaryIO) -> recordings.Outline:
    """The outline of an opened recording; closes it.

    :raises MediaError: it cannot be read.
    """
    with contextlib.closing(file):
        source = _Source(file)
        found = recordings.outline(cast(BinaryIO, source))
        if source.fault is not None:
            raise source.fault
        return found
