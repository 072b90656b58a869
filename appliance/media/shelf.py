"""The files of the enterprises' own prompts: the one that is played, and the versions before it.

``ACCOUNT/NAME.wav`` is what calls play; ``ACCOUNT/.versions/NAME@N.wav`` is each version that is kept, the one in
use among them. No prompt is called with a dot or an ``@``, so none of these is ever taken for a prompt.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from appliance.media.prompts import PromptLibrary
from appliance.media.replacing import replacing

_VERSIONS = ".versions"
_KEPT = re.compile(r"(?P<name>[a-z0-9-]+)@(?P<version>[1-9][0-9]*)\.wav")


class Shelf:
    """Every path of it is made of names that ``PromptLibrary.own`` has let through."""

    def __init__(self, library: PromptLibrary) -> None:
        self.library = library

    def make_room(self, account: str, name: str) -> Path:
        """The folder of a prompt's versions, made where there is none.

        :raises MediaError: no prompt can be called so.
        :raises OSError: it cannot be made.
        """
        folder = self.library.own(account, name).parent / _VERSIONS
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def kept(self, account: str, name: str, version: int) -> Path:
        """The file of a version."""
        return self.library.own(account, name).parent / _VERSIONS / f"{name}@{version:d}.wav"

    def play(self, account: str, name: str, version: int | None) -> None:
        """Have calls play a version, or (None) the default: from one moment to the next, never half of it.

        :raises OSError: the version is missing, or there is no room for it.
        """
        played = self.library.own(account, name)
        if version is None:
            played.unlink(missing_ok=True)
            return
        with replacing(played) as part:
            shutil.copyfile(self.kept(account, name, version), part)

    def forget(self, account: str, name: str, version: int) -> None:
        """A version is not kept any longer."""
        self.kept(account, name, version).unlink(missing_ok=True)

    def played(self, account: str) -> Iterator[tuple[str, Path]]:
        """(name, file) of every own prompt that calls would find, whoever put it there."""
        folder = self.library.own_dir / account
        for file in sorted(folder.glob("*.wav")) if folder.is_dir() else ():
            yield file.stem, file

    def all_kept(self, account: str) -> Iterator[tuple[str, int]]:
        """(name, version) of every version's file."""
        folder = self.library.own_dir / account / _VERSIONS
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            found = _KEPT.fullmatch(file.name)
            if found:
                yield found["name"], int(found["version"])


def digest(file: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
