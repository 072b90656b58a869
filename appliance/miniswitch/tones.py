"""`tone_stream://` and `silence_stream://`: the part of FreeSWITCH's tone language that is used.

A script is elements divided by `;`: settings `v=DECIBEL`, `l=REPEATS`, `loops=REPEATS` (-1 for ever),
and tones `%(ON_MS,OFF_MS,HZ[,HZ…])`. Source: FreeSWITCH's TGML (`libteletone`), read from its grammar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from appliance.miniswitch.g711 import RATE, Samples

FOREVER = -1
_DEFAULT_VOLUME_DB = -7.0
_TONE = re.compile(r"%\(([^()]*)\)")
_SETTING = re.compile(r"(v|l|L|c|r|d|w|loops)=(-?[\d.]+)")


class ToneError(ValueError):
    """The text is not a tone script that this switch understands."""


@dataclass(frozen=True)
class Tone:
    """One period of sound, 8 kHz mono, and how often it is played (`FOREVER` for no end)."""

    samples: Samples
    loops: int = 1


def parse(script: str) -> Tone:
    """Compute a tone script, with or without `tone_stream://`; raises `ToneError`.

    >>> len(parse("%(200,100,440)").samples)
    2400
    """
    text = script.removeprefix("tone_stream://")
    volume, repeats, loops = _DEFAULT_VOLUME_DB, 1, 1
    parts: list[Samples] = []
    for element in filter(None, (piece.strip() for piece in text.split(";"))):
        if setting := _SETTING.fullmatch(element):
            name, value = setting.groups()
            if name == "v":
                volume = float(value)
            elif name == "loops":
                loops = int(float(value))
            elif name in ("l", "L"):
                repeats = int(float(value))
        elif tone := _TONE.fullmatch(element):
            one = _tone(tone.group(1), volume)
            if repeats == FOREVER:
                loops = FOREVER
            parts.extend([one] * max(1, repeats))
        else:
            raise ToneError(f"not understood: {element!r}")
    if not parts:
        raise ToneError(f"no tone in {script!r}")
    return Tone(np.concatenate(parts), loops if loops == FOREVER else max(1, loops))


def _tone(text: str, volume: float) -> Samples:
    try:
        on_ms, off_ms, *pitches = (float(number) for number in text.split(","))
    except ValueError as error:
        raise ToneError(f"not a tone: {text!r}") from error
    if not 0 <= on_ms <= 600_000 or not 0 <= off_ms <= 600_000 or on_ms + off_ms < 1:
        raise ToneError(f"length out of range: {text!r}")
    time = np.arange(int(on_ms * RATE / 1000)) / RATE
    amplitude = 32767 * 10 ** (min(volume, 0.0) / 20) / max(1, len(pitches))
    wave = sum(
        (amplitude * np.sin(2 * np.pi * hertz * time) for hertz in pitches if hertz > 0), np.zeros(len(time))
    )
    return np.concatenate([wave, np.zeros(int(off_ms * RATE / 1000))]).astype(np.int16)


def silence(stream: str) -> int:
    """Milliseconds of a `silence_stream://MS[,NOISE]`, `FOREVER` for -1; raises `ToneError`.

    >>> silence("silence_stream://1500"), silence("silence_stream://-1,1400")
    (1500, -1)
    """
    text = stream.removeprefix("silence_stream://").split(",")[0].split(";")[0]
    if not re.fullmatch(r"-?\d+", text):
        raise ToneError(f"not milliseconds: {text!r}")
    return FOREVER if text.startswith("-") else int(text)
