"""The text-to-speech port: what every engine has to hold to, and what no text may do."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
import soundfile

from appliance.media import speech
from appliance.media.announcements import load_catalogue
from appliance.media.convert import Limits, convert
from appliance.media.default_set import DEFAULT_SET, make
from appliance.media.espeak import Espeak, pinyin
from appliance.media.faults import PromptFault
from appliance.media.speech import MOST_TEXT, Previews, Speaker, clean
from tests.support.audio import loud_segments, read_wav

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="apt-get install espeak-ng")


class Tones:
    """The fake: a beep a character."""

    voice = "tones"

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str, target: Path) -> None:
        import numpy as np

        self.said.append(text)
        samples = 0.2 * np.sin(2 * np.pi * 600 * np.arange(800 * len(text)) / 8000)
        soundfile.write(target, samples, 8000, format="WAV")


@pytest.fixture(params=["tones", pytest.param("espeak", marks=needs_espeak)])
def engine(request: pytest.FixtureRequest) -> Speaker:
    return Tones() if request.param == "tones" else Espeak()


def seconds(engine: Speaker, text: str, folder: Path) -> float:
    engine.say(clean(text), folder / "said")
    return convert(folder / "said", folder / "prompt.wav", Limits())


def test_an_engine_says_a_text(engine: Speaker, tmp_path: Path) -> None:
    short, long = seconds(engine, "您好", tmp_path), seconds(engine, "您好，欢迎致电，请稍候", tmp_path)
    assert 0.1 < short < long < 10
    assert loud_segments(read_wav(tmp_path / "prompt.wav").left)
    assert engine.voice


def test_nothing_in_a_text_is_an_option_or_a_command(engine: Speaker, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    for text in (
        f"-w {seen} 您好",
        f"--path={seen} 您好",
        f"您好; touch {seen}",
        f"$(touch {seen}) 您好",
        f"`touch {seen}` 您好",
        f"您好 | tee {seen}",
        f'<audio src="{seen}">您好</audio>',
        "[[_:]] 您好",
    ):
        assert seconds(engine, text, tmp_path) > 0.2
        assert not seen.exists()


def test_the_longest_text_is_said(engine: Speaker, tmp_path: Path) -> None:
    assert 10 < seconds(engine, "好" * MOST_TEXT, tmp_path) < 300


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "text-empty"), (" \n\t，。！", "text-empty"), ("\u202e\u200b", "text-empty"), ("好" * 301, "text-long")],
)
def test_texts_that_no_engine_gets(text: str, code: str) -> None:
    with pytest.raises(PromptFault) as caught:
        clean(text)
    assert caught.value.code == code


def test_control_and_format_characters_go() -> None:
    assert clean("您\u202e好\x00\r\n欢\u200b迎\ud800") == "您好 欢迎"


def test_an_engine_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(PromptFault) as caught:
        Espeak(program="no-such-engine").say("您好", tmp_path / "said")
    assert caught.value.code == "speech-missing"
    assert "apt-get install espeak-ng" in caught.value.words("zh")
    with pytest.raises(PromptFault) as off:
        Previews(tmp_path, None).said("您好")
    assert off.value.code == "speech-off"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("sleep 5", "speech-slow"),
        ("echo broken >&2; exit 3", "speech-failed"),
        ("exit 0", "speech-failed"),  # it said nothing
    ],
)
def test_an_engine_that_fails_says_so(tmp_path: Path, script: str, code: str) -> None:
    program = tmp_path / "engine"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(PromptFault) as caught:
        Espeak(program=str(program), timeout_s=0.5).say("您好", tmp_path / "said")
    assert caught.value.code == code


def test_characters_with_two_readings() -> None:
    assert pinyin("银行，行走") == "yin2 hang2 , xing2 zou3"
    assert pinyin("您拨打的号码，对不起") == "nin2 bo1 da3 de5 hao4 ma3 , dui4 bu5 qi3"
    assert "[" not in pinyin("[[x]]")


def test_what_was_heard_is_what_is_saved(tmp_path: Path) -> None:
    engine = Tones()
    previews = Previews(tmp_path / "previews", engine)
    heard = previews.said(" 您好\n")
    assert previews.said("您好") == heard
    assert engine.said == ["您好"], "said once"
    assert previews.said("再见") != heard
    assert [file.name for file in heard.parent.iterdir() if file.name.startswith(".")] == []


def test_previews_fill_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "_MOST_KEPT", 3)
    previews = Previews(tmp_path, Tones())
    last = [previews.said(text) for text in ("一", "二", "三", "四", "五")][-1]
    assert len(list(tmp_path.iterdir())) == 3
    assert last.is_file()
    os.utime(last, (0, 0))
    previews.said("六")
    assert not last.exists(), "a day is over"


@needs_espeak
def test_the_default_set_can_be_made_anew(tmp_path: Path) -> None:
    """The same words, as long as the set's own, to a pause."""
    names = ("apology", "caller-barred", "n-5", "queue-place")
    assert {file.stem for file in make(tmp_path, names)} == set(names)
    catalogue = load_catalogue(DEFAULT_SET)
    assert catalogue.synthetic
    for name in names:
        ours, set_ = read_wav(tmp_path / f"{name}.wav"), read_wav(DEFAULT_SET / f"{name}.wav")
        assert abs(ours.seconds - set_.seconds) < 0.5, name
