"""A recording that the switch appended to as it was killed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped, unused-ignore]

from appliance.media import crashed
from appliance.media.encode import encode
from appliance.testphone.tones import Samples, tone
from tests.support.audio import tone_present


def both(hz: float, seconds: float) -> Samples:
    return np.column_stack([tone(hz, seconds), tone(hz + 300, seconds)])


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, Path]:
    """A recording of two talks, one second and two, as it is when the second is over, and as a switch that is
    killed in its course leaves it."""
    whole, left = tmp_path / "whole.wav", tmp_path / "left.wav"
    soundfile.write(whole, both(600, 1.0), 8000, subtype="PCM_16")
    with soundfile.SoundFile(whole, "r+") as file:  # as mod_sndfile does
        file.seek(0, soundfile.SEEK_END)
        file.write(both(1500, 2.0))
        shutil.copyfile(whole, left)
    return whole, left


def test_what_was_appended_before_the_switch_was_killed_is_kept(tmp_path: Path, parts: tuple[Path, Path]) -> None:
    _, left = parts
    assert soundfile.info(str(left)).duration == 1.0
    os.truncate(left, left.stat().st_size - 1)  # half of the last sample is not on the disk
    made = tmp_path / "made.opus"
    sound = encode(left, made, "opus")
    assert (sound.channels, sound.seconds, sound.voiced_s) == (2, pytest.approx(3.0, abs=0.001), sound.seconds)
    samples, rate = soundfile.read(made, dtype="int16")
    for channel, (first, second) in ((0, (600, 1500)), (1, (900, 1800))):
        heard = samples[:, channel]
        assert tone_present(heard, first, 0.1, 0.9, rate) and tone_present(heard, second, 1.1, 2.9, rate)


def test_a_recording_that_was_closed_is_read_by_its_header(tmp_path: Path, parts: tuple[Path, Path]) -> None:
    whole, _ = parts
    assert crashed.outgrown(whole) is None
    titled = tmp_path / "titled.wav"
    with soundfile.SoundFile(titled, "w", 8000, 2, subtype="PCM_16") as file:
        file.write(both(600, 1.0))
        file.title = "behind the samples"
    assert titled.stat().st_size > 32_044 + 18 and crashed.outgrown(titled) is None
    assert encode(titled, tmp_path / "made.opus", "opus").seconds == 1.0


def test_what_is_no_wav_has_outgrown_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"OggS" + bytes(60))
    assert crashed.outgrown(tmp_path / "a.wav") is None
