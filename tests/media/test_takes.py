"""What was recorded by telephone becomes a prompt, once, whatever fails on the way; nothing is left lying about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile

from appliance.errors import StoreError
from appliance.media.faults import PromptFault
from appliance.media.studio import Studio
from appliance.media.takes import LEFT_FOR, Taking, keep_takes
from appliance.store.journal_file import JournalFile
from appliance.store.takes import FOLDER, Take, Takes, newest_take
from appliance.store.unit import Store
from tests.media.test_studio import NOW, heard, here, kind, listed, studio  # noqa: F401

GUARD = kind


@pytest.fixture
def taking(studio: Studio, tmp_path: Path) -> Iterator[Taking]:  # noqa: F811
    (tmp_path / FOLDER).mkdir()
    with closing(JournalFile(tmp_path / "journal.db")) as journal:
        yield Taking(tmp_path, journal, studio, lambda: NOW)


def recorded(taking: Taking, name: str = "bye", *, account: str = "east", hz: int = 440, title: str = "") -> Path:
    """A take that a call has kept: two seconds, and the four of silence that ended it."""
    takes = Takes(taking.journal)
    code = takes.give(account, name, title, "desk", NOW)
    assert code is not None
    file = f"{FOLDER}/{code.id}.wav"
    sound = 0.2 * np.sin(2 * np.pi * hz * np.arange(16000) / 8000)
    soundfile.write(taking.root / file, np.concatenate([sound, np.zeros(32000)]), 8000, subtype="PCM_16")
    assert takes.keep(code, file, "13800138000", NOW)
    return taking.root / file


def newest(taking: Taking, name: str = "bye", account: str = "east") -> Take:
    found = newest_take(taking.root / "journal.db", account, name)
    assert found is not None
    return found


def test_a_take_becomes_the_next_version_without_its_silence(taking: Taking) -> None:
    file = recorded(taking, title="道别")
    done = keep_takes(taking)
    assert (done.made, done.refused, done.waiting) == (["east/bye"], {}, {})
    assert not file.exists() and heard(taking.studio) == 440
    (version,) = listed(taking.studio)
    assert (version.source, version.made_by, version.title) == ("phone", "desk", "道别")
    assert 1900 <= version.milliseconds <= 2200
    assert (newest(taking).version, newest(taking).fault) == (1, "")
    recorded(taking, hz=660)
    keep_takes(taking)
    assert [one.version for one in listed(taking.studio)] == [2, 1] and heard(taking.studio) == 660
    assert keep_takes(taking).made == []


def test_several_and_a_bad_one_costs_the_others_nothing(taking: Taking) -> None:
    first = recorded(taking, "bye")
    first.write_bytes(b"no sound")
    recorded(taking, "welcome")
    recorded(taking, "gone-account", account="nowhere")
    recorded(taking, "lost").unlink()
    done = keep_takes(taking)
    assert done.made == ["east/welcome"]
    assert done.refused == {
        "east/bye": "not-sound",
        "nowhere/gone-account": "unknown-account",
        "east/lost": "no-file",
    }
    assert newest(taking).fault == "not-sound" and not first.exists()
    assert keep_takes(taking).refused == {}, "told once"


def test_takes_wait_for_a_database_that_is_away(taking: Taking, tmp_path: Path) -> None:
    file = recorded(taking)
    away = replace(taking.studio, store=Store(f"sqlite:///{tmp_path}/nowhere/appliance.db"))
    with pytest.raises(StoreError):
        keep_takes(replace(taking, studio=away))
    assert file.exists() and newest(taking).ended_at is None
    assert keep_takes(taking).made == ["east/bye"]


def test_a_full_disk_is_tried_again(taking: Taking, monkeypatch: pytest.MonkeyPatch) -> None:
    file = recorded(taking)

    def full(*_: object, **__: object) -> None:
        raise PromptFault("not-written")

    with monkeypatch.context() as patched:
        patched.setattr(Studio, "record", full)
        assert list(keep_takes(taking).waiting) == ["east/bye"]
    assert file.exists()
    assert keep_takes(taking).made == ["east/bye"]


def test_a_kill_behind_the_commit_makes_no_second_version(taking: Taking, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    file = recorded(taking)
    with monkeypatch.context() as patched:
        patched.setattr(Takes, "ended", killed)
        with pytest.raises(Killed):
            keep_takes(taking)
    assert file.exists() and len(listed(taking.studio)) == 1
    assert keep_takes(taking).made == ["east/bye"]
    assert len(listed(taking.studio)) == 1 and newest(taking).version == 1 and not file.exists()


def test_what_no_call_kept_is_removed_after_a_while(taking: Taking) -> None:
    kept = recorded(taking)
    left = taking.root / FOLDER / "left.wav"
    recent = taking.root / FOLDER / "recent.wav"
    for file, ago in (
        (left, LEFT_FOR + timedelta(minutes=1)),
        (recent, timedelta(minutes=1)),
        (kept, 2 * LEFT_FOR),
    ):
        file.touch()
        at = (NOW - ago).timestamp()
        os.utime(file, (at, at))
    keep_takes(replace(taking, stop=lambda: True))
    assert (left.exists(), recent.exists(), kept.exists()) == (False, True, True)


def test_no_folder_yet(taking: Taking) -> None:
    (taking.root / FOLDER).rmdir()
    assert keep_takes(taking).made == []
