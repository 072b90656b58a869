"""What there is of a WAV that the switch was writing as it was killed. Its header was written as it was begun
(mod_sndfile brings it up to date only at the end): it says that nothing follows, or, in a file that was opened
again to be appended to, that only the part before does. The file's length tells. libsndfile goes by it in the first
case, and by the header in the second.
"""

from __future__ import annotations

import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

#: The format and data chunks stand in so many bytes; others may stand between them.
_HEAD = 4096


class Waveform(NamedTuple):
    """Where a WAV's samples begin; ``frame`` bytes hold one sample of each channel, ``rate`` of them a second."""

    begin: int
    frame: int
    rate: int


def waveform(head: bytes) -> Waveform | None:
    """Read a WAV's head; None: it is no PCM WAV."""
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at, frame, rate = 12, 0, 0
    while at + 8 <= len(head):
        name, size = head[at : at + 4], struct.unpack_from("<I", head, at + 4)[0]
        if name == b"data":
            return Waveform(at + 8, frame, rate) if frame and rate else None
        if name == b"fmt " and size >= 16 and at + 24 <= len(head):
            rate, _, frame = struct.unpack_from("<IIH", head, at + 12)
        at += 8 + size + size % 2
    return None


def outgrown(path: Path) -> Waveform | None:
    """The samples of a WAV that holds more than its header says; None: it does not, or is no PCM WAV.

    By the length of the whole: other chunks may stand behind the samples of a file that was closed.

    :raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head, length = file.read(_HEAD), os.fstat(file.fileno()).st_size
    found = waveform(head)
    if found is None or 8 + struct.unpack_from("<I", head, 4)[0] + found.frame > length:
        return None
    return found


def heard(path: Path) -> tuple[datetime, timedelta] | None:
    """When a recording was written to last, and how much of it there is; None: there is no such WAV."""
    try:
        with path.open("rb") as file:
            found = waveform(file.read(_HEAD))
            status = os.fstat(file.fileno())
    except OSError:
        return None
    if found is None:
        return None
    frames = max(0, status.st_size - found.begin) // found.frame
    return datetime.fromtimestamp(status.st_mtime, UTC), timedelta(seconds=frames / found.rate)
