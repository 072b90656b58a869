"""Announcements that are put together of several prompts, as one file each.

The switch plays one file without a pause before it, and is woken out of one file by one word; of a row of files it
does neither (``switch.waiting``). What was put together is used again for a while: positions and waits are few.
Callers' numbers are not, so what nobody has used for ``UNUSED_FOR`` goes; of a secret nothing is used again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import structlog

#: Longer than any announcement is heard, or a line that is told a number rings.
UNUSED_FOR = timedelta(hours=1)
#: A prompt that is none, or is of another form; no room, no folder.
_FAULTS = (OSError, EOFError, wave.Error)
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
            try:
                os.utime(made)  # it is in use
            except FileNotFoundError:
                self._make(prompts, made)
        except _FAULTS as error:
            told = [str(one) for one in prompts]
            _log.error("announcement not put together", error=str(error), prompts=told)
            return list(prompts)
        return [made]

    @contextmanager
    def once(self, prompts: Sequence[Path]) -> Iterator[list[Path]]:
        """The same for what nobody else is to hear: the file is there for as long as it is played, and its name,
        which the switch writes into log and CDR, tells nothing. A prompt's own name would: a single one is copied,
        and nothing is said where that cannot be."""
        made = self._folder / f"once-{uuid4().hex}.wav"
        files = []
        try:
            if prompts:
                self._make(prompts, made)
                files.append(made)
        except _FAULTS as error:
            # What it says tells the prompt's name, which says a digit.
            _log.error("secret not said: it cannot be put together", error=type(error).__name__)
        try:
            yield files
        finally:
            for file in files:
                file.unlink(missing_ok=True)

    def prune(self, now: datetime) -> int:
        """Remove what nobody has used for a while, and what is left of dead processes; how many files. What cannot
        be removed is logged."""
        gone = 0
        try:
            for file in self._folder.iterdir() if self._folder.is_dir() else ():
                with contextlib.suppress(FileNotFoundError):
                    # By the distance: a clock that was set back must not keep a file for ever.
                    if abs(now.timestamp() - file.stat().st_mtime) > UNUSED_FOR.total_seconds():
                        file.unlink()
                        gone += 1
        except OSError as error:
            _log.error("announcements not removed", folder=str(self._folder), error=str(error))
        return gone

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
        assert form is not None  # noqa: S101 - there is one at least
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
