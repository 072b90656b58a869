"""Loudness of a prompt: measured while something is said, brought to one level, peaks held below full scale.

Samples are one channel of float32, full scale ±1. Levels are dBFS of the root mean square: a sine of full scale is
-3 dBFS.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

#: Every prompt is this loud while something is said: the default set's level, and some 4 dB above the nominal
#: active speech level of telephone networks (-26 dBov, ITU-T P.56), for announcements are heard on the street.
TARGET_DBFS = -22.0
#: No sample is above it: A-law and µ-law clip at full scale.
CEILING_DBFS = -1.0
#: What is quieter than this is no speech but a line's noise: it is not made loud.
SILENCE_DBFS = -55.0
#: Speech is what lies above its own mean by not less than that (ITU-T P.56, the margin).
_MARGIN_DB = 15.9
#: A window louder than the usual one by more than that is a click or a knock, and counts as no more than that.
_CLICK_DB = 15.0
_WINDOW_S = 0.02
_KNEE = 0.7


def active_dbfs(samples: Samples, rate: int) -> float:
    """The level while something is said: pauses do not count. ``-inf``: there is nothing.

    As ITU-T P.56 (method B) in spirit, with windows in place of its envelope: those below the threshold are left
    out, which is drawn anew until it stands.
    """
    window = max(1, round(_WINDOW_S * rate))
    count = len(samples) // window
    if not count:
        power = np.mean(np.square(samples, dtype=np.float64), keepdims=True) if len(samples) else np.zeros(1)
    else:
        framed = samples[: count * window].reshape(count, window)
        power = np.mean(np.square(framed, dtype=np.float64), axis=1)
    loud = power[power > 10 ** (SILENCE_DBFS / 10)]
    if len(loud):
        loud = np.minimum(loud, np.median(loud) * 10 ** (_CLICK_DB / 10))
    while len(loud):
        kept = loud[loud >= np.mean(loud) * 10 ** (-_MARGIN_DB / 10)]
        if len(kept) == len(loud):
            return float(10 * np.log10(np.mean(loud)))
        loud = kept
    return float("-inf")


def levelled(samples: Samples, rate: int) -> Samples:
    """The same at ``TARGET_DBFS``. Peaks that would pass the ceiling are bent below it, so that a voice with single
    loud consonants is not left quieter than its neighbours."""
    level = active_dbfs(samples, rate)
    if level == float("-inf"):
        return samples
    louder: Samples = samples * np.float32(10 ** ((TARGET_DBFS - level) / 20))
    ceiling = np.float32(10 ** (CEILING_DBFS / 20))
    knee = ceiling * np.float32(_KNEE)
    size = np.abs(louder)
    over = size > knee
    if not over.any():
        return louder
    room = ceiling - knee
    bent = knee + room * np.tanh((size - knee) / room)
    result: Samples = np.where(over, np.copysign(bent, louder), louder).astype(np.float32)
    return result


def trimmed(samples: Samples, rate: int, *, keep_s: float = 0.03) -> Samples:
    """Without the silence before the first and after the last sound; ``keep_s`` of it stays, so that no consonant
    is cut. Judge it after levelling: what is silence depends on how loud the rest is."""
    window = max(1, round(0.005 * rate))
    count = len(samples) // window
    if not count:
        return samples
    framed = samples[: count * window].reshape(count, window)
    loud = np.flatnonzero(np.mean(np.square(framed, dtype=np.float64), axis=1) > 10 ** ((TARGET_DBFS - 28) / 10))
    if not len(loud):
        return samples
    keep = round(keep_s * rate)
    return samples[max(0, int(loud[0]) * window - keep) : min(len(samples), (int(loud[-1]) + 1) * window + keep)]
