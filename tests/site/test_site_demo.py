"""The demonstration site and the prompts it plays."""

from __future__ import annotations

import tomllib
import wave
from array import array
from math import log10, sqrt
from pathlib import Path

import pytest

from appliance.config import PROJECT_ROOT
from appliance.site import check, read
from appliance.site.demo import demo_site
from appliance.site.schema import SiteFile

PROMPTS = PROJECT_ROOT / "freeswitch-scripts" / "prompts" / "zh"
TEXTS = tomllib.loads((PROMPTS / "texts.toml").read_text(encoding="utf-8"))
NAMES = sorted(set(TEXTS) - {"pinyin"})


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
    assert {path.stem for path in PROMPTS.glob("*.wav")} == set(NAMES) | ({"apology"} - set(NAMES))
    assert set(NAMES) <= set(TEXTS["pinyin"])
    assert "for trying only" in (PROMPTS / "README").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_is_telephone_sound_of_even_loudness(name: str) -> None:
    with wave.open(str(PROMPTS / f"{name}.wav")) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1)
        seconds = file.getnframes() / 8000
        samples = array("h", file.readframes(file.getnframes()))
    assert 1 < seconds < 15
    level = 20 * log10(sqrt(sum(value * value for value in samples) / len(samples)) / 32768)
    assert -26 < level < -18
    assert max(map(abs, samples)) < 32000
