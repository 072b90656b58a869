"""Where tones and silence lie in recorded sound, and assertions that say what was heard instead.

Samples are int16 arrays; times are seconds from their start. A sound is cut into windows of 50 ms (hop 10 ms),
so an edge is found to about 30 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped, unused-ignore]
from numpy.typing import NDArray

from appliance.testphone.tones import rms

Samples = NDArray[np.int16]
Segment = tuple[float, float]

WINDOW_S = 0.05
HOP_S = 0.01
LOUD = 0.01
"""Root mean square of full scale above which a window is no silence: -40 dBFS. A-law idle noise is -75 dBFS."""
PURE = 0.4
"""The share of a window's power that has to lie at a tone: two equal tones at once are both found. In a window of
50 ms a tone 10 Hz away still has this share, so a test's tones should differ by 20 Hz or more."""


def cut(samples: Samples, start_s: float, end_s: float, rate: int = 8000) -> Samples:
    """The samples between two times; ValueError when the sound does not reach that far."""
    start, end = round(start_s * rate), round(end_s * rate)
    if not 0 <= start < end or end > len(samples):
        raise ValueError(f"{start_s:.2f} to {end_s:.2f} s is outside the {len(samples) / rate:.2f} s heard")
    return samples[start:end]


def dominant_hz(samples: Samples, start_s: float = 0.0, end_s: float | None = None, rate: int = 8000) -> float:
    """The strongest frequency to about 1 Hz; 0.0 for silence."""
    part = cut(samples, start_s, len(samples) / rate if end_s is None else end_s, rate)
    if rms(part) < LOUD:
        return 0.0
    size = max(len(part), rate)  # padded with zeros to a resolution of 1 Hz
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), size))
    return float(np.argmax(spectrum[1:]) + 1) * rate / size


def tone_present(
    samples: Samples, hz: float, start_s: float, end_s: float, rate: int = 8000, *, share: float = 0.9
) -> bool:
    """Whether ``hz`` is heard in at least ``share`` of the windows between two times."""
    marks = _tone_windows(cut(samples, start_s, end_s, rate), hz, rate)
    return bool(len(marks)) and float(np.mean(marks)) >= share


def tone_absent(samples: Samples, hz: float, start_s: float, end_s: float, rate: int = 8000) -> bool:
    """Whether ``hz`` is heard in no window between two times."""
    return not _tone_windows(cut(samples, start_s, end_s, rate), hz, rate).any()


def segments(
    samples: Samples, hz: float, rate: int = 8000, *, shortest_s: float = 0.05, gap_s: float = 0.0
) -> list[Segment]:
    """Where ``hz`` is heard: (start, end) pairs in order, at least ``shortest_s`` long. Gaps of up to ``gap_s``, as
    a packet or two that came late leaves them, do not end a segment."""
    found: list[Segment] = []
    for start, end in _runs(_tone_windows(samples, hz, rate), shortest_s):
        if found and start - found[-1][1] <= gap_s:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def loud_segments(samples: Samples, rate: int = 8000, *, shortest_s: float = 0.05) -> list[Segment]:
    """Where anything is heard at all."""
    return _runs(_levels(samples, rate) >= LOUD, shortest_s)


def longest_silence(samples: Samples, start_s: float = 0.0, end_s: float | None = None, rate: int = 8000) -> float:
    """The longest run below ``LOUD`` between two times, in seconds."""
    part = cut(samples, start_s, len(samples) / rate if end_s is None else end_s, rate)
    levels = _levels(part, rate)
    if not len(levels):
        raise ValueError(f"{start_s:.2f} s on is shorter than a window of {WINDOW_S} s")
    return max((end - start for start, end in _runs(levels < LOUD, 0.0)), default=0.0)


@dataclass(frozen=True)
class Recording:
    """A WAV file; ``right`` is None for mono, whose voice is in ``left``."""

    rate: int
    left: Samples
    right: Samples | None

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.left) / self.rate


def read_wav(path: Path | str) -> Recording:
    """A mono or stereo WAV file as int16; ValueError for more channels."""
    data, rate = soundfile.read(str(path), dtype="int16", always_2d=True)
    if data.shape[1] > 2:
        raise ValueError(f"{path} has {data.shape[1]} channels")
    return Recording(int(rate), data[:, 0], data[:, 1] if data.shape[1] == 2 else None)


def write_wav(path: Path | str, samples: Samples, rate: int = 8000) -> None:
    """A WAV file of 16 bits; a two-column array is stereo."""
    soundfile.write(str(path), samples, rate, subtype="PCM_16")


def assert_tone(samples: Samples, hz: float, start_s: float, end_s: float, rate: int = 8000) -> None:
    """``tone_present``, and what was heard instead."""
    assert tone_present(samples, hz, start_s, end_s, rate), (
        f"no {hz:g} Hz from {start_s:.2f} to {end_s:.2f} s: strongest there "
        f"{dominant_hz(samples, start_s, end_s, rate):.0f} Hz, level "
        f"{rms(cut(samples, start_s, end_s, rate)):.4f}; {hz:g} Hz is at {_shown(segments(samples, hz, rate))}"
    )


def assert_no_tone(samples: Samples, hz: float, start_s: float, end_s: float, rate: int = 8000) -> None:
    """``tone_absent``, and where it was heard."""
    assert tone_absent(samples, hz, start_s, end_s, rate), (
        f"{hz:g} Hz between {start_s:.2f} and {end_s:.2f} s: heard at {_shown(segments(samples, hz, rate))}"
    )


def assert_silent(samples: Samples, start_s: float, end_s: float, rate: int = 8000) -> None:
    """Nothing is heard between two times."""
    part = cut(samples, start_s, end_s, rate)
    assert not (_levels(part, rate) >= LOUD).any(), (
        f"sound between {start_s:.2f} and {end_s:.2f} s: strongest {dominant_hz(part, rate=rate):.0f} Hz; "
        f"sound is at {_shown(loud_segments(samples, rate))}"
    )


def _frames(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Windows as rows."""
    window, hop = round(WINDOW_S * rate), round(HOP_S * rate)
    if len(samples) < window:
        return np.zeros((0, window))
    view = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    return view.astype(np.float64) / 32768


def _levels(samples: Samples, rate: int) -> NDArray[np.float64]:
    frames = _frames(samples, rate)
    levels: NDArray[np.float64] = np.sqrt(np.mean(frames**2, axis=1))
    return levels


def _tone_windows(samples: Samples, hz: float, rate: int) -> NDArray[np.bool_]:
    frames = _frames(samples, rate)
    turn = np.exp(-2j * np.pi * hz / rate * np.arange(frames.shape[1]))
    power = np.sum(frames**2, axis=1)
    at_tone = 2 * np.abs(frames @ turn) ** 2 / max(frames.shape[1], 1)
    loud = np.sqrt(power / max(frames.shape[1], 1)) >= LOUD
    marks: NDArray[np.bool_] = loud & (at_tone >= PURE * power)
    return marks


def _runs(marks: NDArray[np.bool_], shortest_s: float) -> list[Segment]:
    """Runs of marked windows; a run reaches from the middle of its first to the middle of its last window, and
    to the edge of the sound where it touches it."""
    padded = np.concatenate([[False], marks, [False]]).astype(np.int8)
    starts, ends = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1) - 1
    found = []
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        start = 0.0 if first == 0 else first * HOP_S + WINDOW_S / 2
        end = last * HOP_S + (WINDOW_S if last == len(marks) - 1 else WINDOW_S / 2)
        if end - start >= shortest_s:
            found.append((round(start, 3), round(end, 3)))
    return found


def _shown(runs: list[Segment]) -> str:
    return ", ".join(f"{start:.2f}-{end:.2f} s" for start, end in runs) or "no place at all"
