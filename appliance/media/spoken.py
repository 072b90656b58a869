"""Announcements that are put together of several prompts, as one file each.

The switch plays one file without a pause before it, and is woken out of one file by one word; of a row of files it
does neither (``switch.waiting``). What was put together once is kept: positions and waits are few.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)


class Spoken:
    """Makes and keeps them in ``folder``, which the switch must be able to read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self._folder

    def together(self, prompts: Sequence[Path]) -> list[Path]:
        """One file that says the prompts one behind the other; the prompts themselves where that cannot be made:
        they differ in form, one is no WAV of plain samples, or there is no room."""
        if len(prompts) < 2:
            return list(prompts)
        try:
            made = self._folder / f"{_name_of(prompts)}.wav"
            if not made.is_file():
                self._make(prompts, made)
        except (OSError, EOFError, wave.Error) as error:
            _log.error("announcement not put together", error=str(error), prompts=[str(one) for one in prompts])
            return list(prompts)
        return [made]

    def _make(self, prompts: Sequence[Path], made: Path) -> None:
        """Whoever reads it sees it whole."""
        self._folder.mkdir(parents=True, exist_ok=True)
        form: tuple[int, int, int] | None = None
        frames = []
        for prompt in prompts:
            with wave.open(str(prompt), "rb") as file:
                found = file.getnchannels(), file.getsampwidth(), file.getframerate()
                if form not in (None, found):
                    raise wave.Error(f"{prompt} is of another form than those before it")
                form = found
                frames.append(file.readframes(file.getnframes()))
        assert form is not None  # noqa: S101 - there are two at least
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".making-", delete=False) as part:
            try:
                with wave.open(part, "wb") as file:
                    file.setnchannels(form[0])
                    file.setsampwidth(form[1])
                    file.setframerate(form[2])
                    file.writeframes(b"".join(frames))
                part.close()
                os.chmod(part.name, 0o644)  # noqa: PTH101 - a name, not a path of ours
                os.replace(part.name, made)  # noqa: PTH105
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(part.name)  # noqa: PTH108
                raise


def _name_of(prompts: Sequence[Path]) -> str:
    """A name for just these files as they are now: one that is recorded anew makes another announcement."""
    told = "\n".join(f"{prompt} {(at := prompt.stat()).st_mtime_ns} {at.st_size}" for prompt in prompts)
    return hashlib.sha256(told.encode()).hexdigest()[:32]
