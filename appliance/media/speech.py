"""Text-to-speech: the port, and what is asked of a text before any engine gets it."""

from __future__ import annotations

import hashlib
import time
import unicodedata
from pathlib import Path
from typing import Protocol

from appliance.media.faults import PromptFault

#: Characters of a text, at the most: some seventy seconds of Mandarin.
MOST_TEXT = 300
#: Seconds that a preview is kept: whoever heard it gets what he heard.
_KEPT_S = 24 * 3600
#: So many at the most: at 3 MB the longest, they fill no disk.
_MOST_KEPT = 100


class Speaker(Protocol):
    """An engine that says a text. A contract test holds every one of them (``tests/media/test_speech.py``)."""

    @property
    def voice(self) -> str:
        """Engine and voice, by which what was said before is known again."""

    def say(self, text: str, target: Path) -> None:
        """Write ``text``, which ``clean`` has let through, as a sound file of any form that the conversion reads.

        The text is data: nothing in it is an option, a path or a command, whatever it looks like.

        :raises PromptFault: ``speech-missing``, ``speech-slow`` or ``speech-failed``; ``target`` may be half there.
        """


def clean(text: str) -> str:
    """A text as engines get it: one line, without control and format characters.

    >>> clean("  您好，\\n欢迎 致电\\u202e ")
    '您好， 欢迎 致电'

    :raises PromptFault: there is nothing to say, or too much.
    """
    kept = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text)
    kept = " ".join(
        "".join(one for one in kept if unicodedata.category(one) not in ("Cf", "Cs", "Co", "Cn")).split()
    )
    if len(kept) > MOST_TEXT:
        raise PromptFault("text-long", most=MOST_TEXT)
    if not any(one.isalnum() for one in kept):
        raise PromptFault("text-empty")
    return kept


class Previews:
    """Said texts as files in ``folder``: what was heard is what is saved, and nothing is said twice."""

    def __init__(self, folder: Path, speaker: Speaker | None) -> None:
        self._folder = folder
        self._speaker = speaker

    @property
    def is_on(self) -> bool:
        """Whether there is an engine at all."""
        return self._speaker is not None

    def said(self, text: str) -> Path:
        """The file that says a text, as the engine made it.

        :raises PromptFault: the text cannot be said.
        """
        if self._speaker is None:
            raise PromptFault("speech-off")
        cleaned = clean(text)
        name = hashlib.sha256(f"{self._speaker.voice}\0{cleaned}".encode()).hexdigest()[:32]
        made = self._folder / f"{name}.wav"
        if made.is_file():
            return made
        part = self._folder / f".{name}.{time.monotonic_ns()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._forget()
            try:
                self._speaker.say(cleaned, part)
                part.replace(made)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            raise PromptFault("not-written") from error
        return made

    def _forget(self) -> None:
        made = sorted(self._folder.glob("*.wav"), key=lambda file: file.stat().st_mtime, reverse=True)
        old = time.time() - _KEPT_S
        for place, file in enumerate(made, start=1):
            if place >= _MOST_KEPT or file.stat().st_mtime < old:
                file.unlink(missing_ok=True)
