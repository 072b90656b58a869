"""Recordings: a stored name to a file, safely, and the outline that a player draws."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import soundfile

from appliance.errors import MediaError

#: Frames read for one column of the outline: a column of a long recording is sampled, not read whole.
_FRAMES_A_COLUMN = 2048


@dataclass(frozen=True, slots=True)
class Outline:
    """Loudest sample (0.0 to 1.0) of each column, a row a channel (caller left, line right), and the length."""

    seconds: float
    channels: tuple[tuple[float, ...], ...]


def find(root: Path, name: str) -> Path:
    """The file of a recording; ``name`` is relative to ``root``, as a call's record says it.

    The name came by a channel variable: it is held to be hostile. What leads out of ``root``, by dots or by
    links, is treated like a file that is not there.

    :raises MediaError: there is no such recording.
    """
    missing = MediaError(f"there is no recording {name!r}")
    if not name or "\0" in name or Path(name).is_absolute():
        raise missing
    try:
        base = root.resolve(strict=True)
        path = (base / name).resolve(strict=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a ring
        raise missing from error
    if not path.is_relative_to(base) or not path.is_file():
        raise missing
    return path


def outline(path: Path | BinaryIO, columns: int = 600) -> Outline:
    """Read the outline of a recording, at most ``columns`` wide.

    :raises MediaError: the file cannot be read as audio.
    """
    try:
        with soundfile.SoundFile(path) as audio:
            width = max(1, -(-audio.frames // columns))
            rows: list[list[float]] = [[] for _ in range(audio.channels)]
            for start in range(0, audio.frames, width):
                audio.seek(start)
                samples = array("h", bytes(audio.buffer_read(min(width, _FRAMES_A_COLUMN), dtype="int16")))
                for channel, row in enumerate(rows):
                    loudness = samples[channel :: audio.channels]
                    row.append(round(max(map(abs, loudness), default=0) / 32768, 3))
            return Outline(audio.frames / audio.samplerate, tuple(map(tuple, rows)))
    except (soundfile.LibsndfileError, OSError) as error:
        raise MediaError(f"cannot read the recording: {error}") from error
