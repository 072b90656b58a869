"""G.711 by table: A-law and mu-law bytes to 16-bit samples and back, and one law to the other.

The tables are computed from ITU-T G.711 at import; a frame is then one `take` or one
`bytes.translate`. The A-law tables are ours because sippy's codec knows mu-law only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

PCMU = 0
PCMA = 8
NAMES: dict[int, str] = {PCMU: "PCMU", PCMA: "PCMA"}
RATE = 8000
FRAME = 160
"""Samples, and bytes, of 20 ms."""


def _decode_alaw() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent = (code >> 4) & 7
    mantissa = code & 15
    magnitude = np.where(
        exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _decode_ulaw() -> Samples:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 15) << 3) + 0x84 << ((code >> 4) & 7)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encode(decoded: Samples) -> npt.NDArray[np.uint8]:
    """Index by `sample + 32768`: the code whose value is nearest to the sample."""
    order = np.argsort(decoded, kind="stable")
    values = decoded[order].astype(np.int32)
    middles = (values[1:] + values[:-1] + 1) // 2
    samples = np.arange(-32768, 32768, dtype=np.int32)
    return order[np.searchsorted(middles, samples, side="right")].astype(np.uint8)


_DECODE: dict[int, Samples] = {PCMU: _decode_ulaw(), PCMA: _decode_alaw()}
_ENCODE: dict[int, npt.NDArray[np.uint8]] = {law: _encode(table) for law, table in _DECODE.items()}
# mu-law has two codes for zero; silence is 0xFF on the wire.
_ENCODE[PCMU][32768] = 0xFF

SILENCE: dict[int, bytes] = {PCMU: b"\xff" * FRAME, PCMA: b"\xd5" * FRAME}

_ACROSS: dict[tuple[int, int], bytes] = {
    (source, target): _ENCODE[target][_DECODE[source].astype(np.int32) + 32768].tobytes()
    for source in _DECODE
    for target in _DECODE
    if source != target
}


def decode(law: int, data: bytes) -> Samples:
    """Bytes of payload type `law` (0 or 8) to as many 16-bit samples."""
    return _DECODE[law][np.frombuffer(data, dtype=np.uint8)]


def encode(law: int, samples: Samples) -> bytes:
    """16-bit samples to as many bytes of payload type `law`."""
    return _ENCODE[law][samples.astype(np.int32) + 32768].tobytes()


def transcode(source: int, target: int, data: bytes) -> bytes:
    """Bytes of one law to the other; the same bytes when the laws are the same."""
    return data if source == target else data.translate(_ACROSS[source, target])


def mix(law: int, one: bytes, other: bytes) -> bytes:
    """Two frames of one law heard together."""
    both = decode(law, one).astype(np.int32) + decode(law, other)
    return encode(law, np.clip(both, -32768, 32767).astype(np.int16))
