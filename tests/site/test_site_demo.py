"""The demonstration site and the prompts it plays."""

from __future__ import annotations

import tomllib
import wave
from array import array
from itertools import pairwise
from math import log10, sqrt
from pathlib import Path

import pytest

from appliance.config import PROJECT_ROOT
from appliance.domain.speech import MOST, position_prompts
from appliance.site import check, read
from appliance.site.demo import demo_site
from appliance.site.schema import SiteFile

PROMPTS = PROJECT_ROOT / "freeswitch-scripts" / "prompts" / "zh"
TEXTS = tomllib.loads((PROMPTS / "texts.toml").read_text(encoding="utf-8"))
MUSIC = sorted(TEXTS["music"])
TONES = sorted(TEXTS["tones"])
NAMES = sorted(set(TEXTS) - {"pinyin", "music", "tones", "meaning", "set"})
#: Strung together, so short and without a pause at their ends.
NUMBERS = [name for name in NAMES if name.startswith("n-")]


def in_default_set(account: str, name: str) -> Path | None:
    file = PROMPTS / f"{name}.wav"
    return file if file.is_file() else None


def site(*ports: int) -> SiteFile:
    document = read.parse(demo_site(*ports).encode(), "site.yaml")
    assert check.check(document, in_default_set) == []
    return document.site


def test_the_ports_are_put_in() -> None:
    made = site(5070, 5090, 5092)
    assert made.trunks[0].accept == ["127.0.0.1:5070"]
    assert [trunk.proxy for trunk in made.trunks] == ["", "127.0.0.1:5090", "127.0.0.1:5092"]
    assert site(0, 1, 2).trunks[0].accept == ["127.0.0.1"]
    assert "@" not in demo_site(1, 2, 3).replace("between @ signs", "")


def test_announcements_of_the_rules_are_in_the_set() -> None:
    names = {"number-unknown", "number-out-of-service", "record-notice", "all-lines-busy", "bye", "apology"}
    assert names <= {path.stem for path in PROMPTS.glob("*.wav")}


def test_every_file_has_its_words() -> None:
    said = set(NAMES) | {"apology"}
    assert {path.stem for path in PROMPTS.glob("*.wav")} == said | set(MUSIC) | set(TONES)
    assert set(NAMES) <= set(TEXTS["pinyin"])
    assert "for trying only" in (PROMPTS / "README").read_text(encoding="utf-8")


def samples_of(name: str) -> array[int]:
    with wave.open(str(PROMPTS / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
        return array("h", file.readframes(file.getnframes()))


def level(samples: array[int]) -> float:
    return 20 * log10(sqrt(sum(value * value for value in samples) / len(samples)) / 32768 + 1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_is_telephone_sound_of_even_loudness(name: str) -> None:
    samples = samples_of(name)
    shortest = 0.2 if name in NUMBERS or name.startswith(("queue-", "t-", "m-", "whisper-")) else 1
    assert shortest < len(samples) / 8000 < 15
    assert -26 < level(samples) < -18
    assert max(map(abs, samples)) < 32000


def test_the_beep_is_short_and_does_not_click() -> None:
    samples = samples_of("beep")
    assert 0.3 < len(samples) / 8000 < 0.6 and -24 < level(samples) < -18
    assert max(abs(samples[0]), abs(samples[-1])) < 200


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_follow_one_another_without_a_pause(name: str) -> None:
    samples = samples_of(name)
    loud = [at for at, value in enumerate(samples) if abs(value) > 104]
    assert loud[0] <= 240
    assert len(samples) - loud[-1] <= 240
    assert len(samples) < 8000


def test_every_place_and_wait_can_be_said() -> None:
    said = {name for n in range(MOST + 1) for name in (*position_prompts(n, n), *position_prompts(n, None))}
    assert said <= set(NAMES)


@pytest.mark.parametrize("name", MUSIC)
def test_music_neither_pauses_nor_clicks_where_it_starts_again(name: str) -> None:
    samples = samples_of(name)
    assert -26 < level(samples) < -22
    assert max(map(abs, samples)) < 0.355 * 32768  # -9 dBFS
    looped = samples + samples[:480]
    assert min(level(looped[at : at + 480]) for at in range(0, len(samples), 240)) > -50
    steps = [abs(after - before) for before, after in pairwise(samples)]
    assert abs(samples[0] - samples[-1]) < max(steps)
