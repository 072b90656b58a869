"""A WAV that is written on where it ended: the standard library's ``wave`` writes only anew."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

from appliance.miniswitch.g711 import RATE

#: The header that ``wave`` writes, and where in it the two lengths stand (RIFF, data).
_HEADER, _RIFF_LENGTH, _DATA_LENGTH = 44, 4, 40


class AppendedWav:
    """A WAV of ours, 16 bit at 8 kHz, open behind its last sample. After each write it is whole.

    Raises `OSError` when it cannot be opened, `ValueError` when it is none, or another number of channels.
    """

    def __init__(self, path: Path, channels: int) -> None:
        try:
            with wave.open(str(path), "rb") as before:
                form = (before.getnchannels(), before.getsampwidth(), before.getframerate())
        except (wave.Error, EOFError) as error:
            raise ValueError(f"no WAV: {error}") from error
        if form != (channels, 2, RATE):
            raise ValueError(f"another form: {form}")
        self._file = path.open("r+b")

    def writeframes(self, samples: bytes) -> None:
        """Append samples as they stand in a file."""
        self._file.seek(0, 2)
        self._file.write(samples)
        length = self._file.tell()
        for place, told in ((_RIFF_LENGTH, length - 8), (_DATA_LENGTH, length - _HEADER)):
            self._file.seek(place)
            self._file.write(struct.pack("<I", told))
        self._file.flush()

    def close(self) -> None:
        """It stays as it is."""
        self._file.close()
