"""Many prompts at once: a folder or a ZIP archive of recordings in, an archive with a sheet for the speaker out.

Archives come from strangers: a member's path is never used, only the last part of its name is looked at, and what
it unpacks to is counted while it is read.
"""

from __future__ import annotations

import io
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from appliance.media.faults import PromptFault
from appliance.media.prompts import is_prompt_name
from appliance.media.studio import Outcome, Recording, shown_name

MOST_FILES = 500
#: Bytes of all files of one batch, unpacked.
MOST_BYTES = 400 << 20
_CHUNK = 1 << 16
#: RuntimeError, ValueError: what zipfile says of methods and headers that it does not know.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError, OSError)
_IGNORED = (".xlsx", ".csv", ".txt", ".md", ".toml")


def from_folder(folder: Path) -> list[Recording]:
    """The recordings that lie in a folder, by name.

    :raises PromptFault: it has too many files.
    """
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and _is_meant(file.name)]
    if len(files) > MOST_FILES:
        raise PromptFault("too-many-files", most=MOST_FILES)
    return [Recording(prompt_name(file.name), file, file.name) for file in files]


def from_zip(archive: Path, into: Path, most_bytes: int) -> list[Recording]:
    """The recordings of an archive, unpacked in ``into`` under names of ours.

    :param most_bytes: of one file; what is larger is cut one byte later, and the conversion refuses it.
    :raises PromptFault: it is no archive, encrypted, or holds too much.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [one for one in opened.infolist() if not one.is_dir() and _is_meant(one.filename)]
            if len(members) > MOST_FILES:
                raise PromptFault("too-many-files", most=MOST_FILES)
            if any(one.flag_bits & 1 for one in members):
                raise PromptFault("zip-encrypted")
            return list(_unpacked(opened, members, into, most_bytes))
    except _UNREADABLE as error:
        raise PromptFault("not-a-zip") from error


def _unpacked(
    opened: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], into: Path, most_bytes: int
) -> Iterator[Recording]:
    total = 0
    for place, member in enumerate(members):
        file = into / f"{place:04}"
        written = 0
        with opened.open(member) as source, file.open("wb") as target:
            while written <= most_bytes and (chunk := source.read(_CHUNK)):
                written += len(chunk)
                total += len(chunk)
                if total > MOST_BYTES:
                    raise PromptFault("too-much", most_mb=MOST_BYTES >> 20)
                target.write(chunk)
        shown = shown_name(member.filename)
        yield Recording(prompt_name(shown), file, shown)


def prompt_name(file_name: str) -> str:
    """The prompt that a file is meant for.

    >>> prompt_name("Bye.MP3"), prompt_name("all-lines-busy.wav")
    ('bye', 'all-lines-busy')
    """
    return shown_name(file_name).rpartition(".")[0].strip().lower()


def _is_meant(file_name: str) -> bool:
    """Not an archiver's, a file manager's or the speaker's sheet."""
    last = shown_name(file_name)
    return not last.startswith(".") and "__MACOSX" not in file_name and not last.lower().endswith(_IGNORED)


def sorted_out(
    recordings: Iterable[Recording], known: Collection[str], *, new: bool = False
) -> tuple[list[Recording], list[Outcome]]:
    """Those that can be made, and those that cannot, each with its fault: a name that nobody plays (unless ``new``
    ones are wanted) or that came already."""
    good: dict[str, Recording] = {}
    bad: list[Outcome] = []
    for one in recordings:
        if not is_prompt_name(one.name):
            fault = PromptFault("bad-name", name=one.name[:60])
        elif one.name in good:
            fault = PromptFault("twice", name=one.name)
        elif not new and one.name not in known:
            fault = PromptFault("unknown-name", name=one.name)
        else:
            good[one.name] = one
            continue
        bad.append(Outcome(one.file_name, one.name, fault=fault))
    return list(good.values()), bad


def archive(files: Iterable[tuple[str, Path]], sheet: bytes) -> io.BytesIO:
    """An archive of prompts (name, file) and the sheet for the speaker; ``from_zip`` reads it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("prompts.xlsx", sheet)
        for name, file in files:
            with file.open("rb") as source, opened.open(f"{name}.wav", "w") as target:
                shutil.copyfileobj(source, target)
    made.seek(0)
    return made
