"""Any recording becomes a prompt that both switches play, or is refused with its reason."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from appliance.media import apart
from appliance.media.apart import Job, convert_apart
from appliance.media.convert import ConversionFault, Fault, Limits, convert
from appliance.media.levels import CEILING_DBFS, TARGET_DBFS, active_dbfs, levelled, trimmed
from tests.support.audio import dominant_hz, read_wav

LIMITS = Limits(most_bytes=4 << 20, most_s=5.0)


def tone(hz: float, rate: int, seconds: float = 1.0, channels: int = 1, level: float = 0.1) -> np.ndarray:
    one = (level * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)).astype(np.float32)
    return np.stack([one] * channels, axis=1)


def made_of(samples: np.ndarray, rate: int, folder: Path, **form: str) -> Path:
    file = folder / f"source.{form.get('format', 'wav').lower()}"
    soundfile.write(file, samples, rate, **form)
    return file


def refused(source: Path, limits: Limits = LIMITS) -> Fault:
    target = source.parent / "prompt.wav"
    with pytest.raises(ConversionFault) as caught:
        convert(source, target, limits)
    assert not target.exists()
    assert [one for one in source.parent.iterdir() if one.name.startswith(".making")] == []
    return caught.value.fault


@pytest.mark.parametrize(
    ("rate", "channels", "form"),
    [
        (8000, 1, {"format": "WAV", "subtype": "PCM_16"}),
        (8000, 1, {"format": "WAV", "subtype": "ALAW"}),
        (44100, 2, {"format": "WAV", "subtype": "PCM_24"}),
        (96000, 8, {"format": "WAV", "subtype": "FLOAT"}),
        (44100, 2, {"format": "MP3"}),
        (48000, 1, {"format": "OGG", "subtype": "OPUS"}),
        (22050, 1, {"format": "OGG", "subtype": "VORBIS"}),
        (48000, 2, {"format": "FLAC"}),
    ],
    ids=lambda value: value.get("subtype", value["format"]) if isinstance(value, dict) else str(value),
)
def test_a_recording_of_any_form_becomes_a_prompt(
    tmp_path: Path, rate: int, channels: int, form: dict[str, str]
) -> None:
    source = made_of(tone(700, rate, channels=channels), rate, tmp_path, **form)
    seconds = convert(source.rename(tmp_path / "holiday.jpg"), tmp_path / "p.wav", LIMITS)  # names say nothing
    with wave.open(str(tmp_path / "p.wav")) as file:  # wave reads plain samples only
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
    heard = read_wav(tmp_path / "p.wav")
    assert abs(heard.seconds - 1) < 0.1 and abs(seconds - heard.seconds) < 0.001
    assert abs(dominant_hz(heard.left, 0.2, 0.8) - 700) < 3
    assert abs(active_dbfs(heard.left / np.float32(32768), 8000) - TARGET_DBFS) < 0.5
    assert (tmp_path / "p.wav").stat().st_mode & 0o777 == 0o644


def test_what_the_telephone_cannot_carry_does_not_come_back_as_another_tone(tmp_path: Path) -> None:
    """5 kHz sampled at 8 kHz would be heard at 3 kHz."""
    source = made_of(tone(500, 48000, level=0.05) + tone(5000, 48000, level=0.4), 48000, tmp_path)
    convert(source, tmp_path / "p.wav", LIMITS)
    heard = read_wav(tmp_path / "p.wav").left.astype(float)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert abs(np.argmax(spectrum) - 500) < 3
    assert spectrum[2900:3100].max() < spectrum.max() / 1000  # -60 dB


def test_channels_that_cancel_one_another_are_still_heard(tmp_path: Path) -> None:
    samples = tone(700, 8000, channels=2)
    samples[:, 1] *= -1
    convert(made_of(samples, 8000, tmp_path), tmp_path / "p.wav", LIMITS)
    assert abs(dominant_hz(read_wav(tmp_path / "p.wav").left) - 700) < 3


@pytest.mark.parametrize("level", [0.003, 0.02, 0.3, 1.0])
def test_quiet_and_loud_recordings_are_equally_loud(level: float) -> None:
    rate = 8000
    # Speech has pauses: they must not count as quietness.
    samples = np.concatenate([tone(300, rate, 0.5, level=level)[:, 0], np.zeros(3 * rate, np.float32)])
    assert abs(active_dbfs(levelled(samples, rate), rate) - TARGET_DBFS) < 0.3


def test_single_peaks_neither_clip_nor_make_the_rest_quiet() -> None:
    samples = tone(300, 8000, 2, level=0.02)[:, 0].copy()
    samples[4000:4010] = 0.9
    made = levelled(samples, 8000)
    assert np.abs(made).max() <= 10 ** (CEILING_DBFS / 20)
    assert abs(active_dbfs(made[:3900], 8000) - TARGET_DBFS) < 3


def test_silence_at_both_ends_is_trimmed_where_that_is_wanted(tmp_path: Path) -> None:
    samples = np.concatenate([np.zeros((8000, 1)), tone(700, 8000, 1), np.zeros((8000, 1))])
    source = made_of(samples, 8000, tmp_path)
    assert convert(source, tmp_path / "whole.wav", LIMITS) == 3
    assert abs(convert(source, tmp_path / "cut.wav", LIMITS, trim=True) - 1.06) < 0.02
    assert len(trimmed(np.zeros(10, np.float32), 8000)) == 10
    assert len(trimmed(np.zeros(1000, np.float32), 8000)) == 1000


def test_hostile_files_are_refused_with_their_reason(tmp_path: Path) -> None:
    good = made_of(tone(700, 44100, 2, 2), 44100, tmp_path, subtype="PCM_16").read_bytes()

    def file(content: bytes) -> Path:
        made = tmp_path / "x.wav"
        made.write_bytes(content)
        return made

    assert refused(file(b"")) is Fault.NOT_SOUND
    assert refused(file(b"GIF89a" + b"x" * 3000)) is Fault.NOT_SOUND
    assert refused(file(good[:40])) is Fault.NOT_SOUND
    assert refused(file(good[:300])) is Fault.TOO_SHORT
    assert refused(file(good), Limits(most_bytes=1000)) is Fault.TOO_LARGE
    assert refused(file(good), Limits(most_s=1.5)) is Fault.TOO_LONG
    nan = tone(700, 8000)
    nan[50] = np.nan
    assert refused(made_of(nan, 8000, tmp_path, subtype="FLOAT")) is Fault.DAMAGED
    huge = tone(700, 8000)
    huge[50] = 3e38
    assert refused(made_of(huge, 8000, tmp_path, subtype="FLOAT")) is Fault.DAMAGED
    assert refused(made_of(np.zeros((8000, 1)), 8000, tmp_path)) is Fault.SILENT
    assert refused(made_of(tone(700, 8000, level=0.0005), 8000, tmp_path)) is Fault.SILENT  # a line's hiss
    assert refused(made_of(tone(700, 8000, channels=9), 8000, tmp_path)) is Fault.TOO_MANY_CHANNELS
    assert refused(made_of(tone(30, 3000), 3000, tmp_path)) is Fault.STRANGE_RATE
    # Fifty minutes of silence in some kilobytes.
    bomb = made_of(np.zeros((8000 * 3000, 1), np.int16), 8000, tmp_path, format="FLAC")
    assert bomb.stat().st_size < 100_000
    assert refused(bomb) is Fault.TOO_LONG


def test_a_file_cut_short_keeps_what_is_there(tmp_path: Path) -> None:
    """A WAV file whose header promises more than there is, as an upload that was interrupted leaves."""
    whole = made_of(tone(700, 8000, 2), 8000, tmp_path).read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    assert abs(convert(tmp_path / "cut.wav", tmp_path / "p.wav", LIMITS) - 1) < 0.01


def test_a_prompt_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "p.wav"
    target.write_bytes(b"the old one")
    with pytest.raises(ConversionFault):
        convert(made_of(np.zeros((8000, 1)), 8000, tmp_path), target, LIMITS)
    assert target.read_bytes() == b"the old one"
    with target.open("rb") as heard:
        convert(made_of(tone(700, 8000), 8000, tmp_path), target, LIMITS)
        assert heard.read() == b"the old one"  # who plays it hears it to its end


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    source = made_of(tone(700, 8000), 8000, tmp_path)
    with pytest.raises(ConversionFault) as caught:
        convert(source, tmp_path / "no folder" / "p.wav", LIMITS)
    assert caught.value.fault is Fault.NOT_WRITTEN


def test_a_row_of_files_is_converted_apart_each_for_itself(tmp_path: Path) -> None:
    good = made_of(tone(700, 8000), 8000, tmp_path)
    (tmp_path / "bad").write_bytes(b"no sound")
    jobs = [Job(good, tmp_path / "1.wav"), Job(tmp_path / "bad", tmp_path / "2.wav"), Job(good, tmp_path / "3.wav")]
    done = convert_apart(jobs, LIMITS)
    assert [one.fault for one in done] == [None, Fault.NOT_SOUND, None]
    assert [one.seconds for one in done] == [1.0, 0.0, 1.0]
    assert [(tmp_path / f"{n}.wav").is_file() for n in (1, 2, 3)] == [True, False, True]
    assert convert_apart([], LIMITS) == []


def test_a_file_that_kills_the_library_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies of the second file, as of a fault in C."""
    ran: list[int] = []
    real = apart._run

    def dies_of_the_second(jobs: list[Job], limits: Limits) -> list[apart.Converted]:
        ran.append(len(jobs))
        return real(jobs[:1], limits)

    monkeypatch.setattr(apart, "_run", dies_of_the_second)
    good = made_of(tone(700, 8000), 8000, tmp_path)
    done = convert_apart([Job(good, tmp_path / f"{n}.wav") for n in (1, 2, 3)], LIMITS)
    assert [one.fault for one in done] == [None, Fault.DAMAGED, None]
    assert ran == [3, 1], "the third was taken up by another process"
