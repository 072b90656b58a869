"""The demonstration site as a text to be broken on purpose."""

from __future__ import annotations

import functools
from pathlib import Path

from appliance.site import check, read
from appliance.site.demo import demo_site
from appliance.site.named import FindPrompt
from appliance.site.read import Document

DEMO = demo_site(5070, 5090, 5092)


def every_prompt(account: str, name: str) -> Path | None:
    """A library that has every prompt."""
    return Path(f"/prompts/{account}/{name}.wav")


def edited(*changes: tuple[str, str], text: str = DEMO) -> str:
    """The text with parts replaced; each must be there exactly once."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
        text = text.replace(old, new)
    return text


@functools.lru_cache(maxsize=64)
def parsed(text: str) -> Document:
    """Read a text. The same one is read once: composing YAML is most of what a site's test computes.

    :raises SiteFaults: as ``read.parse``.
    """
    return read.parse(text.encode(), "site.yaml")


def document(text: str = DEMO, find_prompt: FindPrompt = every_prompt) -> Document:
    """Read and check a text."""
    made = parsed(text)
    assert check.check(made, find_prompt) == []
    return made


def line_of(text: str, part: str) -> int:
    """The line (from 1) that holds ``part``."""
    found = [number for number, line in enumerate(text.splitlines(), 1) if part in line]
    assert len(found) == 1, f"{part!r} stands in lines {found}"
    return found[0]
