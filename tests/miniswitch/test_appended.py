"""Recordings that go on behind what a file holds."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from appliance.miniswitch.g711 import PCMA
from appliance.miniswitch.recording import Recording, RecordingWriter


def _recorded(path: Path, frames: int, *, stereo: bool = True, appends: bool = True) -> Recording:
    writer = RecordingWriter()
    recording = Recording(path, stereo, False, writer, appends=appends)
    for _ in range(frames):
        recording.add(None, PCMA, None, PCMA)
    recording.close()
    writer.stop()
    return recording


def _frames(path: Path) -> tuple[int, int]:
    with wave.open(str(path), "rb") as file:
        assert len(file.readframes(file.getnframes())) == file.getnframes() * file.getnchannels() * 2
        return file.getnframes(), file.getnchannels()


def test_it_goes_behind_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "day" / "a.wav"
    _recorded(path, 60)  # there is none yet
    assert _frames(path) == (60 * 160, 2)
    _recorded(path, 70)
    _recorded(path, 0)
    assert _frames(path) == (130 * 160, 2)
    _recorded(path, 10, appends=False)
    assert _frames(path) == (10 * 160, 2)


def test_nothing_is_appended_to_what_is_of_another_form(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    _recorded(path, 5)
    with pytest.raises(ValueError, match="another form"):
        _recorded(path, 5, stereo=False)
    for content in (b"", b"no sound"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="no WAV"):
            _recorded(path, 5)
