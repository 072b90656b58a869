"""G.711 A-law and mu-law by table (ITU-T G.711; segment search as in ITU-T G.191).

Samples are int16 arrays at full 16-bit scale; coded speech is one byte a sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
_Wide = NDArray[np.int32]


def _alaw_decode_table() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment = (code & 0x70) >> 4
    step = ((code & 0x0F) << 4) + np.where(segment == 0, 8, 0x108)
    magnitude = step << np.maximum(segment - 1, 0)
    table: Samples = np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)
    return table


def _alaw_encode_table() -> NDArray[np.uint8]:
    linear: _Wide = np.arange(-32768, 32768, dtype=np.int32) >> 3
    mask = np.where(linear >= 0, 0xD5, 0x55)
    magnitude = np.where(linear >= 0, linear, -linear - 1)
    ends = np.array([0x1F, 0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF])
    segment = np.searchsorted(ends, magnitude)
    code = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 0x0F)
    return (code ^ mask).astype(np.uint8)


def _ulaw_decode_table() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ 0xFF
    step = (((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)
    return np.where(code & 0x80, 0x84 - step, step - 0x84).astype(np.int16)


def _ulaw_encode_table() -> NDArray[np.uint8]:
    linear: _Wide = np.arange(-32768, 32768, dtype=np.int32) >> 2
    mask = np.where(linear >= 0, 0xFF, 0x7F)
    magnitude = np.minimum(np.abs(linear), 8158) + 33
    ends = np.array([0x3F, 0x7F, 0xFF, 0x1FF, 0x3FF, 0x7FF, 0xFFF, 0x1FFF])
    segment = np.searchsorted(ends, magnitude)
    code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0F)
    return (code ^ mask).astype(np.uint8)


@dataclass(frozen=True)
class Codec:
    """One G.711 law: its SDP ``name``, static RTP ``payload`` type (RFC 3551) and tables."""

    name: str
    payload: int
    _encode: NDArray[np.uint8]
    _decode: Samples

    def encode(self, samples: Samples) -> bytes:
        """One byte a sample."""
        return self._encode[samples.astype(np.int32) + 32768].tobytes()

    def decode(self, coded: bytes) -> Samples:
        """One int16 sample a byte."""
        return self._decode[np.frombuffer(coded, dtype=np.uint8)]


PCMA = Codec("PCMA", 8, _alaw_encode_table(), _alaw_decode_table())
PCMU = Codec("PCMU", 0, _ulaw_encode_table(), _ulaw_decode_table())
BY_NAME = {codec.name: codec for codec in (PCMA, PCMU)}
BY_PAYLOAD = {codec.payload: codec for codec in (PCMA, PCMU)}
