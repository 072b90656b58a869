"""What is past its retention goes unless it is held; the disk is watched."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from appliance.config import Settings
from appliance.domain.recording import Room
from appliance.errors import MediaError
from appliance.media.keep import keep_once
from appliance.media.retain import RoomWatch, prune
from appliance.store import recordings
from appliance.store.models import RecordingAccess
from appliance.store.recordings import Who
from appliance.store.unit import Store
from tests.media.kept import CALL_AT, NOW, add_call, files, keeping, rows, talk, write

ANNA = Who("anna", "192.0.2.7")


@pytest.fixture
def root(tmp_path: Path, store: Store) -> Path:
    """Two kept recordings, kept for 30 days."""
    root = tmp_path / "recordings"
    for serial in (1, 2):
        add_call(store, serial, days=30)
        write(root, talk(serial))
    keep_once(keeping(root, store))
    return root


def actions(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as session:
        found = session.scalars(select(RecordingAccess).order_by(RecordingAccess.id))
        return [(row.action, row.operator, row.why) for row in found]


def test_retention_and_hold(store: Store, root: Path) -> None:
    first, second = rows(store)
    late = CALL_AT + timedelta(days=30)
    assert prune(root, store, late - timedelta(seconds=1)) == []
    with store.work() as session:
        recordings.hold(session, first.id, ANNA, " 诉讼 2026-17 ", NOW)
        session.commit()
    assert prune(root, store, late) == [second.id]
    first, second = rows(store)
    assert files(root) == {first.file}
    assert (second.deleted_at, second.deleted_why) == (late, "past its retention")
    assert prune(root, store, late) == []
    with store.work() as session:
        recordings.release(session, first.id, ANNA, "settled", NOW)
        session.commit()
    assert prune(root, store, late) == [first.id] and files(root) == set()
    assert actions(store) == [
        ("hold", "anna", "诉讼 2026-17"),
        ("delete", "appliance", "past its retention"),
        ("release", "anna", "settled"),
        ("delete", "appliance", "past its retention"),
    ]


def test_killed_between_the_file_and_the_commit(store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = CALL_AT + timedelta(days=31)
    first, _ = rows(store)
    (root / first.file).unlink()
    assert len(prune(root, store, late)) == 2 and files(root) == set()


def test_a_file_that_cannot_be_removed_holds_up_no_other(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = rows(store)
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path == root / first.file:
            raise OSError(1, "Operation not permitted")
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        assert prune(root, store, CALL_AT + timedelta(days=31)) == [second.id]
    first, _ = rows(store)
    assert first.deleted_at is None and files(root) == {first.file}


def test_an_operator_touches_only_what_is_his(store: Store, root: Path) -> None:
    first, _ = rows(store)
    stranger = Who("west-boss", "192.0.2.8", "west")
    with store.work() as session:
        for act in (
            lambda: recordings.hold(session, first.id, stranger, "mine", NOW),
            lambda: recordings.release(session, first.id, stranger, "", NOW),
            lambda: recordings.note_access(session, first.id, stranger, "play", NOW),
            lambda: recordings.note_unkept(session, first.call_uuid, stranger, "play", NOW),
        ):
            with pytest.raises(MediaError):
                act()
    assert actions(store) == []


def test_a_play_is_noted_once_and_again_when_it_is_over(store: Store, root: Path) -> None:
    first, _ = rows(store)
    for after_s in (0, 1, 60, 62):
        with store.work() as session:
            recordings.note_access(session, first.id, ANNA, "play", NOW + timedelta(seconds=after_s))
            session.commit()
    for _ in range(2):
        with store.work() as session:
            recordings.note_access(session, first.id, ANNA, "download", NOW)
            session.commit()
    assert [action for action, *_ in actions(store)] == ["play", "play", "download", "download"]


def test_a_hold_needs_a_reason(store: Store, root: Path) -> None:
    with store.work() as session, pytest.raises(MediaError, match="reason"):
        recordings.hold(session, rows(store)[0].id, ANNA, "  ", NOW)


def test_room_is_watched(tmp_path: Path) -> None:
    free = [10_000 << 20]
    settings = Settings(state_dir=tmp_path, disk_warning_mb=5000, disk_floor_mb=1000)
    watch = RoomWatch(settings, lambda folder: free[0])
    assert watch.look() is Room.PLENTY and watch.has_room()
    for megabytes, seen, has_room in [
        (4000, Room.SHORT, True),
        (900, Room.NONE, False),
        (1050, Room.NONE, False),
        (1200, Room.SHORT, True),
        (6000, Room.PLENTY, True),
    ]:
        free[0] = megabytes << 20
        assert watch.look() is seen and watch.has_room() is has_room

    def fails(folder: Path) -> int:
        raise OSError(5, "Input/output error")

    assert RoomWatch(settings, fails).look() is Room.PLENTY
    assert RoomWatch(settings).look() in set(Room)  # the real counters, of a folder that is not made yet
