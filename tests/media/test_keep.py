"""Finished recordings are kept: once each, whole, whatever dies in between."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import wave
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from appliance.domain.recording import RETENTION_DAYS
from appliance.errors import MediaError
from appliance.media import crashed, listen
from appliance.media.keep import keep_once, verify
from appliance.media.keys import NO_KEYS, Keyring
from appliance.media.listen import opened
from appliance.media.orphans import ORPHANED_AFTER
from appliance.store.unit import Store
from appliance.testphone.tones import purity, silence, tone
from tests.media import kept
from tests.media.kept import NOW, RING, add_call, files, keeping, message, rows, talk, uuid, write
from tests.support.audio import Recording, dominant_hz, read_wav


def heard(root: Path, row: object, ring: object = RING) -> Recording:
    """What a player gets of a kept recording."""
    file = listen.opened(root, row.file, row.key_id, ring)  # type: ignore[attr-defined, arg-type]
    with closing(listen.Decoded(file)) as decoded:
        data = b"".join(decoded.part(0, decoded.size))
    out = root.parent / "heard.wav"
    out.write_bytes(data)
    return read_wav(out)


@pytest.mark.parametrize("form", ["opus", "mp3"])
@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_a_talk_is_kept(tmp_path: Path, store: Store, kind: str, form: str, sealed: bool) -> None:
    if kind == "postgres" and (form, sealed) != ("opus", True):
        pytest.skip("the database knows nothing of the form")
    root = tmp_path / "recordings"
    add_call(store, 1)
    write(root, talk(1))
    done = keep_once(keeping(root, store, form=form, **({"keyring": RING} if sealed else {})))
    assert done.kept == [talk(1)] and not done.failed
    (row,) = rows(store)
    name = f"kept/2026/11/27/{uuid(1)}.{form}"
    assert files(root) == {name}
    data = (root / name).read_bytes()
    assert (row.file, row.bytes, row.sha256) == (name, len(data), hashlib.sha256(data).hexdigest())
    assert (row.kind, row.format, row.channels, row.duration_ms) == ("talk", form, 2, 1500)
    assert (row.account_id, row.number, row.caller) == ("east", "4008001234", "13800138000")
    assert row.key_id == (RING.current if sealed else "")
    assert (row.keep_until - row.started_at).days == 180
    assert data.startswith(b"G400REC1") is sealed
    sound = heard(root, row)
    assert sound.right is not None and sound.rate == 8000 and sound.seconds == 1.5
    # Caller left, line right: lossy, but neither is heard in the other's channel.
    assert abs(dominant_hz(sound.left) - 600) <= 3 and abs(dominant_hz(sound.right) - 900) <= 3
    assert purity(sound.left, 900) < 0.05 and purity(sound.right, 600) < 0.05
    verify(root / name, row.sha256)
    with pytest.raises(MediaError, match="differs"):
        verify(root / name, "0" * 64)


def test_a_second_run_does_nothing(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "recordings"
    add_call(store, 1)
    write(root, talk(1))
    keep_once(keeping(root, store))
    before = {name: (root / name).stat().st_mtime_ns for name in files(root)}
    done = keep_once(keeping(root, store))
    assert not (done.kept or done.aside or done.dropped or done.failed or done.waiting)
    assert {name: (root / name).stat().st_mtime_ns for name in files(root)} == before and len(rows(store)) == 1


def test_what_is_not_collected_or_still_written_waits(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "recordings"
    add_call(store, 1)
    write(root, talk(2))  # its call is not there
    fresh = write(root, talk(1))
    os.utime(fresh, (NOW.timestamp() - 1,) * 2)
    done = keep_once(keeping(root, store))
    assert done.waiting == 2 and not done.kept and files(root) == {talk(1), talk(2)}


def test_a_broken_wav_is_set_aside_and_others_go_on(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "recordings"
    for serial in (1, 2, 3):
        add_call(store, serial)
        write(root, talk(serial))
    (root / talk(1)).write_bytes(b"RIFF" + b"\0" * 3000)
    (root / talk(2)).write_bytes(b"")
    for serial in (1, 2):
        os.utime(root / talk(serial), (NOW.timestamp() - 90,) * 2)
    done = keep_once(keeping(root, store))
    assert done.kept == [talk(3)] and set(done.aside) == {talk(1), talk(2)}
    assert files(root) == {f"aside/{uuid(1)}.wav", f"aside/{uuid(2)}.wav", f"kept/2026/11/27/{uuid(3)}.opus"}
    assert [bool(row.fault) for row in rows(store)] == [True, True, False]
    assert not keep_once(keeping(root, store)).aside


def test_messages(tmp_path: Path, store: Store) -> None:
    """One that the call speaks of is kept; one that it took back goes, and one in which nobody says anything."""
    root = tmp_path / "recordings"
    add_call(store, 1, messages=";".join([message(1), message(1, 3)]))
    write(root, message(1))
    write(root, message(1, 2))
    write(root, message(1, 3), silence(2.0))
    done = keep_once(keeping(root, store))
    assert done.kept == [message(1)] and sorted(done.dropped) == [message(1, 2), message(1, 3)]
    (row,) = rows(store)
    assert (row.kind, row.channels) == ("voicemail", 1)
    assert files(root) == {f"kept/2026/11/27/{uuid(1)}-m1.opus"}


class Killed(BaseException):
    """As SIGKILL: nothing of ours runs after it."""


def wav_of_a_killed_switch(samples: int) -> bytes:
    """As mod_sndfile leaves it: a head that says that nothing follows, and what follows."""
    head = struct.pack("<4sI8sIHHIIHH4sI", b"RIFF", 8, b"WAVEfmt ", 16, 1, 2, 8000, 32000, 4, 16, b"data", 0)
    frames = np.column_stack([tone(600, samples / 8000), tone(900, samples / 8000)])
    return head + (frames * 32000).astype("<i2").tobytes()


def test_what_a_killed_switch_leaves(tmp_path: Path, store: Store) -> None:
    """What was said is kept; a file that was begun before anybody talked goes; one that a talk should have filled
    is told of."""
    root = tmp_path / "recordings"
    for serial in (1, 2, 3, 4):
        add_call(store, serial, recorded=serial in (1, 4))
    for serial, data in ((1, wav_of_a_killed_switch(16_000)), (2, wav_of_a_killed_switch(0)), (3, b"")):
        write(root, talk(serial)).write_bytes(data)
        os.utime(root / talk(serial), (NOW.timestamp() - 60,) * 2)
    write(root, talk(4)).write_bytes(wav_of_a_killed_switch(0))
    os.utime(root / talk(4), (NOW.timestamp() - 60,) * 2)
    ended_at, lasts = crashed.heard(root / talk(1)) or (None, None)
    assert ended_at == NOW - timedelta(minutes=1) and lasts == timedelta(seconds=2)
    done = keep_once(keeping(root, store))
    assert (done.kept, set(done.dropped), set(done.aside)) == ([talk(1)], {talk(2), talk(3)}, {talk(4)})
    assert rows(store)[0].duration_ms == 2000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
        b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff" + bytes(40),
        b"OggS" + bytes(60),
    ],
)
def test_what_is_no_wav_tells_of_no_talk(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    assert crashed.heard(tmp_path / "a.wav") is None
    assert crashed.heard(tmp_path / "none.wav") is None
    with_notes = wav_of_a_killed_switch(800).replace(b"data", b"LIST\3\0\0\0abc\0data")
    (tmp_path / "a.wav").write_bytes(with_notes + b"\1\2\3")
    _, lasts = crashed.heard(tmp_path / "a.wav") or (None, None)
    assert lasts == timedelta(seconds=0.1)


@pytest.mark.parametrize("step", ["encoded", "sealed", "renamed", "committed", "aside"])
def test_killed_at_each_step_nothing_is_lost_and_nothing_half_written_is_left(
    tmp_path: Path, store: Store, step: str
) -> None:
    root = tmp_path / "recordings"
    add_call(store, 1)
    write(root, talk(1))
    if step == "aside":
        (root / talk(1)).write_bytes(b"RIFF" + b"\0" * 3000)
        os.utime(root / talk(1), (NOW.timestamp() - 90,) * 2)

    def die(at: str) -> None:
        if at == step:
            raise Killed

    with pytest.raises(Killed):
        keep_once(keeping(root, store, keyring=RING, at=die))
    assert talk(1) in files(root)  # never gone before its row is there and this run has seen it
    done = keep_once(keeping(root, store, keyring=RING))
    assert not done.failed
    (row,) = rows(store)
    assert files(root) == {row.file}
    verify(root / row.file, row.sha256)
    if step != "aside":
        assert abs(heard(root, row).seconds - 1.5) < 0.01
    assert not keep_once(keeping(root, store, keyring=RING)).kept


def test_a_disk_that_is_full_leaves_the_wav_and_nothing_half_written(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "recordings"
    add_call(store, 1)
    add_call(store, 2)
    write(root, talk(1))
    write(root, talk(2))

    def full(source: object, target: io.BufferedWriter, ring: object) -> None:
        target.write(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("appliance.media.keep.seal", full)
        done = keep_once(keeping(root, store, keyring=RING))
    assert set(done.failed) == {talk(1), talk(2)} and not rows(store)
    assert keep_once(keeping(root, store, keyring=RING)).kept == [talk(1), talk(2)]
    assert files(root) == {row.file for row in rows(store)}


def test_links_and_other_names_are_not_looked_at(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "recordings"
    add_call(store, 1)
    outside = write(tmp_path, "outside.wav")
    write(root, "west/secret.wav")
    (root / talk(1)).parent.mkdir(parents=True)
    (root / talk(1)).symlink_to(outside)
    done = keep_once(keeping(root, store))
    assert not done.kept and not done.waiting and outside.exists()


def test_any_range_is_that_part_of_the_whole(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "recordings"
    add_call(store, 1)
    write(root, talk(1), tone(600, 6.0), tone(900, 6.0))
    keep_once(keeping(root, store, keyring=RING))
    (row,) = rows(store)
    with closing(listen.Decoded(listen.opened(root, row.file, row.key_id, RING))) as decoded:
        whole = b"".join(decoded.part(0, decoded.size))
        assert len(whole) == decoded.size
        with wave.open(io.BytesIO(whole)) as read:
            assert (read.getnchannels(), read.getframerate(), read.getnframes()) == (2, 8000, 48000)
        end = decoded.size
        for start, stop in [(0, 10), (0, 44), (40, 50), (44, 48), (45, 47), (96001, 120003), (end - 5, end)]:
            part = b"".join(decoded.part(start, stop))
            assert len(part) == stop - start
            if stop <= 48:
                assert part == whole[start:stop]


def test_a_sealed_recording_that_was_changed_is_not_played(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "recordings"
    add_call(store, 1)
    write(root, talk(1))
    keep_once(keeping(root, store, keyring=RING))
    (row,) = rows(store)
    data = bytearray((root / row.file).read_bytes())
    data[-1] ^= 1
    (root / row.file).write_bytes(data)
    with pytest.raises(MediaError, match="damaged"):
        heard(root, row)
    with pytest.raises(MediaError):
        listen.opened(root, row.file, row.key_id, kept.NO_KEYS)


def test_what_is_set_aside_is_sealed_too(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "recordings"
    add_call(store, 1)
    data = b"RIFF" + b"what was said" * 3000
    write(root, talk(1)).write_bytes(data)
    os.utime(root / talk(1), (NOW.timestamp() - 90,) * 2)
    assert set(keep_once(keeping(root, store, keyring=RING)).aside) == {talk(1)}
    (row,) = rows(store)
    assert row.fault and row.key_id == RING.current and files(root) == {row.file}
    assert b"what was said" not in (root / row.file).read_bytes()
    verify(root / row.file, row.sha256)
    with opened(root, row.file, row.key_id, RING) as plain:
        assert plain.read() == data


@pytest.mark.parametrize("ring", [RING, NO_KEYS], ids=["sealed", "plain"])
def test_a_wav_whose_call_is_never_stored_lies_apart_and_goes(tmp_path: Path, store: Store, ring: Keyring) -> None:
    root = tmp_path / "recordings"
    data = write(root, talk(1)).read_bytes()
    waits = write(root, talk(2))
    for path, age in ((root / talk(1), ORPHANED_AFTER * 1.01), (waits, ORPHANED_AFTER * 0.99)):
        os.utime(path, ((NOW - age).timestamp(),) * 2)
    ahead = keeping(root, store, keyring=ring, clock=lambda: NOW + timedelta(days=30))
    assert keep_once(ahead).waiting == 2, "no call is stored"
    add_call(store, 3, began=NOW - ORPHANED_AFTER * 1.01)
    assert keep_once(ahead).waiting == 2, "none is stored that began since"
    add_call(store, 4, began=NOW)
    done = keep_once(keeping(root, store, keyring=ring))
    orphan = f"orphans/{uuid(1)}.wav"
    assert set(done.aside) == {talk(1)} and done.waiting == 1 and files(root) == {orphan, talk(2)}
    assert ((root / orphan).read_bytes() == data) is (ring is NO_KEYS)
    with opened(root, orphan, ring.current, ring) as plain:
        assert plain.read() == data
    again = keep_once(keeping(root, store, keyring=ring))
    assert not again.aside and files(root) == {orphan, talk(2)}
    waits.unlink()
    (root / "orphans" / "a-folder").mkdir()
    os.utime(root / "orphans" / "a-folder", (0, 0))
    keep_once(keeping(root, store, keyring=ring, clock=lambda: NOW + timedelta(days=RETENTION_DAYS)))
    assert files(root) == set()
