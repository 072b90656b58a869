"""Callers who ask to be called back, by real calls: prompts told apart by ear, and the keys pressed at them."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import numpy as np

from appliance.testphone import Phone
from tests.e2e.live import NUMBER, LiveBox

#: Prompts of the test's own, so that nobody listens to words: name → hertz.
PROMPTS = {"callback-number": 500, "callback-thanks": 700, "callback-greeting": 1000, "callback-line": 1200}
HIS, LINES = 600.0, 900.0
#: What is said in between, all in one short tone.
_BESIDE = ("callback-confirm", "callback-unreached", "n-1-yao", *(f"n-{digit}" for digit in range(10)))


def tone(file: Path, hertz: int, seconds: float) -> None:
    """Write a WAV."""
    at = np.arange(int(8000 * seconds)) / 8000
    with wave.open(str(file), "wb") as made:
        made.setparams((1, 2, 8000, 0, "NONE", ""))
        made.writeframes((12000 * np.sin(2 * np.pi * hertz * at)).astype("<i2").tobytes())


def tones(box: LiveBox, *also: str) -> None:
    """Give the account ``acme`` these prompts, and what is said beside them; ``also``: others to keep short."""
    own = box.settings.prompts_dir / "acme"
    for name, hertz in PROMPTS.items():
        tone(own / f"{name}.wav", hertz, 0.6)
    for name in (*_BESIDE, *also):
        tone(own / f"{name}.wav", 1500, 0.05)


async def asks(box: LiveBox, phone: Phone, caller: str) -> None:
    """Call, wait to music, press 9 and 1, and be told."""
    call = await phone.dial(NUMBER, box.sip, caller=caller)
    await call.answered(10)
    await asyncio.sleep(1.0)
    await call.press("9")
    await call.hears(PROMPTS["callback-number"], 15)
    await asyncio.sleep(0.3)
    await call.press("1")
    await call.hears(PROMPTS["callback-thanks"], 10)
    await call.ended(10)
