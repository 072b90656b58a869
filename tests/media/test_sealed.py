"""Sealed files: whole, in parts, and what was done to them is noticed; keys and their file."""

from __future__ import annotations

import io
import stat
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import MediaError, SettingsError
from appliance.media.keys import NO_KEYS, Keyring, add_key, key_id, read_keyring
from appliance.media.sealed import CHUNK, HEADER, Unsealed, seal

KEY, OLD = bytes(range(32)), b"\1" * 32
RING = Keyring(key_id(KEY), {key_id(KEY): KEY, key_id(OLD): OLD})
TAG = 16


def sealed(plain: bytes, ring: Keyring = RING) -> bytes:
    out = io.BytesIO()
    seal(io.BytesIO(plain), out, ring)
    return out.getvalue()


def opened(data: bytes, ring: Keyring = RING) -> BinaryIO:
    return io.BufferedReader(Unsealed(io.BytesIO(data), ring), 1000)  # type: ignore[return-value]


def some(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])
def test_there_and_back(size: int) -> None:
    data = sealed(some(size))
    assert opened(data).read() == some(size)
    assert Unsealed(io.BytesIO(data), RING).size == size
    assert some(min(size, 64)) not in data or size == 0 or size == 1


@given(st.integers(0, 3 * CHUNK), st.integers(0, 2 * CHUNK))
def test_any_part(start: int, length: int) -> None:
    file = opened(_BIG)
    file.seek(start)
    assert file.read(length) == some(3 * CHUNK + 7)[start : start + length]


_BIG = sealed(some(3 * CHUNK + 7))


def _swapped(data: bytes) -> bytes:
    first, second = (data[HEADER + i * (CHUNK + TAG) : HEADER + (i + 1) * (CHUNK + TAG)] for i in (0, 1))
    return data[:HEADER] + second + first + data[HEADER + 2 * (CHUNK + TAG) :]


@pytest.mark.parametrize(
    "changed",
    [
        lambda data: data[: HEADER + CHUNK + TAG],  # cut off at a chunk's end
        lambda data: data[: HEADER + 2 * (CHUNK + TAG)],
        lambda data: data[:-1],
        lambda data: data[:-20],
        lambda data: data + b"x",
        lambda data: data + data[-23:],
        _swapped,
        lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:],  # the salt
        lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:],
        lambda data: data[: HEADER + CHUNK + TAG] + sealed(some(3 * CHUNK + 7))[HEADER + CHUNK + TAG :],
        lambda data: data[:HEADER],
        lambda data: data[:10],
        lambda data: b"RIFF" + data[4:],
    ],
)
def test_what_was_done_to_a_file_is_noticed(changed: object) -> None:
    with pytest.raises(MediaError):
        opened(changed(_BIG)).read()  # type: ignore[operator]


def test_no_two_files_are_alike_and_old_keys_open_old_files() -> None:
    assert sealed(b"same") != sealed(b"same")
    before = sealed(b"before", Keyring(key_id(OLD), {key_id(OLD): OLD}))
    assert opened(before).read() == b"before"
    with pytest.raises(MediaError, match="not in the key file"):
        opened(before, Keyring(key_id(KEY), {key_id(KEY): KEY}))


def test_keys_are_added_in_front(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    first = add_key(str(file))
    second = add_key(str(file))
    ring = read_keyring(str(file))
    assert ring.current == second != first and list(ring.keys) == [second, first]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_of_something_else_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "letter"
    file.write_text("dear all\n")
    file.chmod(0o600)
    with pytest.raises(SettingsError, match=r":1: not a key"):
        add_key(str(file))
    assert file.read_text() == "dear all\n"


def test_key_files_that_are_refused(tmp_path: Path) -> None:
    assert read_keyring("") is NO_KEYS
    file = tmp_path / "keys"
    with pytest.raises(SettingsError, match="No such file"):
        read_keyring(str(file))
    with pytest.raises(SettingsError, match="not set"):
        add_key("")
    with pytest.raises(SettingsError):
        add_key(str(tmp_path / "no" / "folder"))
    file.write_text(f"# made in spring\n{KEY.hex()}  # a comment\n")
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="others may read it"):
        read_keyring(str(file))
    file.chmod(0o600)
    assert read_keyring(str(file)).current == key_id(KEY)
    file.write_text("\n# none\n")
    with pytest.raises(SettingsError, match="no key in it"):
        read_keyring(str(file))
