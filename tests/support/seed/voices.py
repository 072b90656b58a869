"""Sound files: recordings with two voices, a prompt."""

from __future__ import annotations

import hashlib
import math
import random
import struct
import wave
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from appliance.store.models import Prompt


def add_prompt(session: Session, prompts: Path, now: datetime) -> None:
    """The prompt of the first account's menu, uploaded."""
    versions = prompts / "east" / ".versions"
    speak(versions / "welcome@1.wav", 2.0, random.Random(1), channels=1)
    played = prompts / "east" / "welcome.wav"
    played.write_bytes((versions / "welcome@1.wav").read_bytes())
    session.add(
        Prompt(
            account_id="east",
            name="welcome",
            version=1,
            title="总机欢迎词",
            source="upload",
            milliseconds=2000,
            sha256=hashlib.sha256(played.read_bytes()).hexdigest(),
            file_name="欢迎词 final(2).mp3",
            made_by="desk",
            made_at=now - timedelta(days=3),
            in_use=True,
        )
    )


def speak(file: Path, seconds: float, dice: random.Random, channels: int = 2) -> None:
    """Two voices by turns, as far as tones in bursts are voices: caller left, line right."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rate = 8000
    frames = bytearray()
    caller_speaks, level = True, 0.0
    for at in range(int(seconds * rate)):
        if at % (rate // 4) == 0:
            level = dice.random()
            caller_speaks ^= dice.random() < 0.25
        sample = int(12_000 * level * math.sin(at * (0.11 if caller_speaks else 0.17)) * math.sin(at / 900) ** 2)
        sides = (sample if caller_speaks else 0, 0 if caller_speaks else sample)
        frames += struct.pack("<hh", *sides) if channels == 2 else struct.pack("<h", sample)
    with wave.open(str(file), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(bytes(frames))
