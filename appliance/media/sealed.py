"""Sealed files: encrypted and authenticated in chunks, so that a player may read any part.

::

    header   "G400REC1" · key id (8 bytes) · salt (16 bytes)
    chunk    64 KiB of the file, AES-256-GCM, 16 bytes of tag behind it; the last one is shorter, or empty

Each file has a key of its own, derived from the ring's (HKDF-SHA256, the header's salt): no two chunks under one
key have the same nonce, however many files there are. A chunk's nonce is its number and whether it is the last one
(STREAM, Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", 2015), its associated data the header: what is cut off, exchanged, repeated or put into another
file does not open.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from appliance.errors import MediaError
from appliance.media.keys import KEY_BYTES, Keyring

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAGIC = b"G400REC1"
CHUNK = 64 * 1024
_SALT, _TAG = 16, 16
HEADER = len(MAGIC) + 8 + _SALT


def seal(source: BinaryIO, target: BinaryIO, keyring: Keyring) -> None:
    """Encrypt what is left of ``source`` with the ring's current key."""
    header = MAGIC + bytes.fromhex(keyring.current) + os.urandom(_SALT)
    cipher = _cipher(keyring, header)
    target.write(header)
    number, chunk = 0, source.read(CHUNK)
    while True:
        following = source.read(CHUNK)
        target.write(cipher.encrypt(_nonce(number, last=not following), chunk, header))
        if not following:
            return
        number, chunk = number + 1, following


class Unsealed(io.RawIOBase):
    """The plain file behind a sealed one; reads and seeks as any file.

    :param sealed: takes it over, and closes it.
    :raises MediaError: it is no sealed file, or its key is not in the ring. Reading raises it when a chunk is not
        as it was written.
    """

    def __init__(self, sealed: BinaryIO, keyring: Keyring) -> None:
        super().__init__()
        self._sealed = sealed
        self._header = sealed.read(HEADER)
        if len(self._header) < HEADER or not self._header.startswith(MAGIC):
            raise MediaError("it is not encrypted as it is said to be")
        self._cipher = _cipher(keyring, self._header)
        chunks, rest = divmod(sealed.seek(0, io.SEEK_END) - HEADER, CHUNK + _TAG)
        # A last chunk of full length has no rest.
        self._last = chunks if rest else chunks - 1
        if self._last < 0 or 0 < rest < _TAG:
            raise MediaError("it has been cut off")
        self.size = chunks * CHUNK + max(rest - _TAG, 0)
        self._at = 0
        self._number, self._chunk = -1, b""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As any file's."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        """As any file's; at most to the end of a chunk.

        :raises MediaError: the chunk is not as it was written.
        """
        number, offset = divmod(self._at, CHUNK)
        if self._at >= self.size and self.size:
            return 0
        chunk = self._opened(number)
        view = memoryview(buffer).cast("B")
        part = chunk[offset : offset + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        """Close the sealed file as well."""
        self._sealed.close()
        super().close()

    def _opened(self, number: int) -> bytes:
        if number != self._number:
            self._sealed.seek(HEADER + number * (CHUNK + _TAG))
            nonce = _nonce(number, last=number == self._last)
            try:
                self._chunk = self._cipher.decrypt(nonce, self._sealed.read(CHUNK + _TAG), self._header)
            except InvalidTag:
                raise MediaError("it is damaged, or was changed") from None
            self._number = number
        return self._chunk


def _cipher(keyring: Keyring, header: bytes) -> AESGCM:
    found, salt = header[len(MAGIC) : len(MAGIC) + 8].hex(), header[-_SALT:]
    derived = HKDF(SHA256(), KEY_BYTES, salt, b"gateway400 recording").derive(keyring.key(found))
    return AESGCM(derived)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
