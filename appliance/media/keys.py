"""Keys that recordings are encrypted with: one file, a key a line, the newest first.

The first key seals what is kept from now on; the others open what was sealed before. A key is known by an id that
is made of it, so nobody has to name it, and a wrong file is noticed. Who loses the file loses the recordings: it
belongs into another backup than they do.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import MediaError, SettingsError

#: AES-256.
KEY_BYTES = 32
_WRITTEN = re.compile(r"[0-9a-f]{64}", re.ASCII)
#: More is no file of keys.
_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Keyring:
    """Keys by their ids. ``current`` empty: nothing is encrypted."""

    current: str
    keys: Mapping[str, bytes]

    def key(self, key_id: str) -> bytes:
        """:raises MediaError: there is no such key."""
        found = self.keys.get(key_id)
        if found is None:
            raise MediaError(f"the key {key_id} that it is encrypted with is not in the key file")
        return found


NO_KEYS = Keyring("", {})


def key_id(key: bytes) -> str:
    """What a key is known by: 64 bits of a hash, which tell nothing of 256 random ones."""
    return hashlib.sha256(b"gateway400 recording key" + key).hexdigest()[:16]


def read_keyring(file: str) -> Keyring:
    """The keys in a file; ``NO_KEYS`` for no file's name.

    :raises SettingsError: it cannot be read, others may read it, or a line is no key. The text holds none.
    """
    if not file:
        return NO_KEYS
    path = Path(file)
    try:
        with path.open("rb") as opened:
            about = os.fstat(opened.fileno())
            text = opened.read(_LARGEST).decode("ascii", "replace")
    except OSError as error:
        raise SettingsError(f"recording_key_file {file}: {error.strerror}") from error
    if stat.S_IMODE(about.st_mode) & 0o077:
        raise SettingsError(f"recording_key_file {file}: others may read it; chmod 600")
    keys: dict[str, bytes] = {}
    for number, line in enumerate(text.split("\n"), 1):
        written = line.partition("#")[0].strip()
        if not written:
            continue
        if not _WRITTEN.fullmatch(written):
            raise SettingsError(f"recording_key_file {file}:{number}: not a key (64 hexadecimal digits)")
        key = bytes.fromhex(written)
        keys[key_id(key)] = key
    if not keys:
        raise SettingsError(f"recording_key_file {file}: no key in it")
    return Keyring(next(iter(keys)), keys)


def add_key(file: str) -> str:
    """Put a fresh key before those that are there (the file is made where there is none); its id.

    :raises SettingsError: no file is named, it is no key file, or cannot be written; it is as before then.
    """
    if not file:
        raise SettingsError("recording_key_file is not set")
    path = Path(file)
    # What is there has to be a file of keys: no other file is written over.
    before = list(read_keyring(file).keys.values()) if path.exists() else []
    fresh = secrets.token_bytes(KEY_BYTES)
    part: str | None = None
    try:
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write("".join(f"{key.hex()}\n" for key in [fresh, *before]))
            out.flush()
            os.fsync(out.fileno())
        if before:
            about = path.stat()
            with contextlib.suppress(PermissionError):  # only root gives files away
                os.chown(part, about.st_uid, about.st_gid)
        Path(part).replace(path)
    except OSError as error:
        if part is not None:
            Path(part).unlink(missing_ok=True)
        raise SettingsError(f"recording_key_file {file}: {error.strerror}") from error
    return key_id(fresh)
