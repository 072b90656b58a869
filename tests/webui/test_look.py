"""Colours that everybody can read: WCAG 2.2 AA, in both themes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import webui

CSS = (Path(webui.__file__).parent / "static" / "console.css").read_text()
TEXT = 4.5
SHAPE = 3.0
PAIRS = [
    *(
        (ink, paper, TEXT)
        for ink in ("ink", "quiet", "accent")
        for paper in ("surface", "paper", "sunk", "accent-soft")
    ),
    *((state, paper, TEXT) for state in ("good", "watch", "bad") for paper in ("surface", "accent-soft")),
    *((state, f"{state}-soft", TEXT) for state in ("good", "watch", "bad")),
    ("accent-ink", "accent", TEXT),
    ("bar-ink", "bar", TEXT),
    ("bar-quiet", "bar", TEXT),
    ("good-lamp", "surface", SHAPE),
    ("bad-lamp", "surface", SHAPE),
    ("wave-caller-played", "sunk", SHAPE),
    ("wave-line-played", "sunk", SHAPE),
]


def palette(theme: str) -> dict[str, str]:
    """The colours of a theme: its first block."""
    block = re.search(rf'\[data-bs-theme="{theme}"\] \{{(.*?)\n\}}', CSS, re.DOTALL)
    assert block
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", block[1]))


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "paper", "least"), PAIRS)
def test_contrast(theme: str, ink: str, paper: str, least: float) -> None:
    colours = palette(theme)
    bright, dark = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= least
