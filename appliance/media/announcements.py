"""The catalogue: every announcement that the appliance can play by itself, with its words.

The data is ``texts.toml`` beside the default set. A test walks the code for names that are missing in it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from appliance.errors import MediaError

#: Groups in the order in which they are shown and recorded.
GROUPS = ("refusals", "access", "menus", "lines", "talk", "queue", "service", "numbers", "demonstration")
_TABLES = ("pinyin", "music", "tones", "meaning", "set")


@dataclass(frozen=True, slots=True)
class Announcement:
    """One announcement. ``text``: its words in Mandarin, empty for music; ``english``: what they mean; ``when`` and
    ``when_english``: when it is played; ``pinyin``: what the default set's engine was given."""

    name: str
    group: str
    text: str
    english: str
    when: str
    when_english: str
    pinyin: str = ""

    @property
    def is_needed(self) -> bool:
        """Whether an enterprise has to have it: all but the demonstration's."""
        return self.group != "demonstration"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``synthetic``: the default set was made by ``engine`` and is for trying only."""

    announcements: Mapping[str, Announcement]
    synthetic: bool
    engine: str
    voice: str
    rate: int


@cache
def load_catalogue(folder: Path) -> Catalogue:
    """The catalogue of a default set, its announcements in the order of their groups.

    :raises MediaError: it is missing or cannot be read; which entry.
    """
    file = folder / "texts.toml"
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise MediaError(f"{file}: {error}") from error
    wordless = dict.fromkeys((*read["music"], *read.get("tones", ())), "")
    words = {name: text for name, text in read.items() if name not in _TABLES} | wordless
    if set(words) != set(read["meaning"]):
        differing = ", ".join(sorted(set(words) ^ set(read["meaning"])))
        raise MediaError(f"{file}: words without a meaning, or a meaning without words: {differing}")
    made = [_announcement(name, text, read["meaning"][name], read["pinyin"]) for name, text in words.items()]
    made.sort(key=lambda one: GROUPS.index(one.group))
    about = read["set"]
    return Catalogue(
        {one.name: one for one in made}, about["synthetic"], about["engine"], about["voice"], about["rate"]
    )


def _announcement(name: str, text: str, meaning: Mapping[str, Any], pinyin: Mapping[str, str]) -> Announcement:
    return Announcement(
        name=name,
        group=meaning["group"],
        text=text,
        english=meaning["en"],
        when=meaning["when"],
        when_english=meaning["when_en"],
        pinyin=pinyin.get(name, ""),
    )
