"""Which files were heard: a phone's sound compared with the files themselves, not only that something sounded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from appliance.testphone.g711 import Samples
from tests.support.audio import read_wav

#: Likeness of a file with itself through G.711; two different words come to half of it.
ALIKE = 0.9
#: Between two files that are played one behind the other, seconds.
GAP_S = 0.6
_RATE = 8000
#: A sample beyond it is no silence.
_LOUD = 300
#: Less than this of the whole, and it is another word.
_HALF = 0.5
#: Samples of a piece, and by how much it may be early or late.
_PIECE, _SLIP = 1600, 320


def played(heard: Samples, files: Sequence[Path], since_s: float = 0.0, gap_s: float = GAP_S) -> float:
    """Assert that the files were heard in this order, each at most ``gap_s`` behind the one before; return when the
    last one ended. The first may begin at any time after ``since_s``."""
    at, first = since_s, True
    for file in files:
        voice, before, behind = _voice(file)
        begins = max(0, int((at - 0.05) * _RATE))
        within = (
            heard[begins:] if first else heard[begins : begins + int((gap_s + 0.05) * _RATE) + before + len(voice)]
        )
        likeness, place = _found(within, voice)
        if likeness < ALIKE:
            raise AssertionError(f"{file.name} not heard after {at:.2f} s: at the best {likeness:.2f}")
        at = (begins + place + len(voice) + behind) / _RATE
        first = False
    return at


def likeness(heard: Samples, file: Path) -> float:
    """How much of a file is heard anywhere: 1.0 for itself."""
    return _found(heard, _voice(file)[0])[0]


def _voice(file: Path) -> tuple[NDArray[np.float64], int, int]:
    """A file without the silence around it, and how much of that there is before and behind it."""
    samples = read_wav(file).left
    (loud,) = np.nonzero(np.abs(samples.astype(int)) > _LOUD)
    first, last = int(loud[0]), int(loud[-1]) + 1
    return samples[first:last].astype(float), first, len(samples) - last


def _found(heard: Samples, voice: NDArray[np.float64]) -> tuple[float, int]:
    """The first place where a file is heard, and how much of it; where it is nowhere, the most that there is.

    A word comes again and again, and a busy machine loses a packet or slips by one in its midst: so where the whole
    is half alike, its pieces are looked for on their own, each a little to and fro.
    """
    sound = heard.astype(float)
    if len(sound) < len(voice):
        return 0.0, 0
    whole = _correlation(sound, voice)
    best = (float(whole.max()), int(whole.argmax()))
    if best[0] < _HALF:
        return best
    at = 0
    while at < len(whole):
        (near,) = np.nonzero(whole[at:] >= _HALF)
        if not len(near):
            break
        begins = at + int(near[0])
        place = begins + int(np.argmax(whole[begins : begins + _SLIP]))
        alike = _in_pieces(sound, voice, place)
        best = max(best, (alike, place))
        if alike >= ALIKE:
            return alike, place
        at = begins + _SLIP
    return best


def _in_pieces(sound: NDArray[np.float64], voice: NDArray[np.float64], place: int) -> float:
    """How alike the pieces are, each as much as it is loud."""
    likenesses, weights = [], []
    for first in range(0, len(voice), _PIECE):
        piece = voice[first : first + _PIECE]
        around = sound[max(0, place + first - _SLIP) : place + first + len(piece) + _SLIP]
        if len(piece) >= _PIECE // 2 and len(around) >= len(piece):
            likenesses.append(float(_correlation(around, piece).max()))
            weights.append(float(np.sum(piece**2)))
    return float(np.average(likenesses, weights=weights)) if weights and sum(weights) else 0.0


def _correlation(sound: NDArray[np.float64], voice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normalised, at each place."""
    size = 1 << int(np.ceil(np.log2(len(sound) + len(voice))))
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(voice, size)), size)
    energy = np.cumsum(np.concatenate(([0.0], sound**2)))
    power = energy[len(voice) :] - energy[: -len(voice)]
    scale = np.sqrt(np.maximum(power, 1e6)) * max(float(np.linalg.norm(voice)), 1.0)
    return np.asarray(product[: len(sound) - len(voice) + 1] / scale)
