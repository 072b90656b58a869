"""Every page for everybody: names, headings, contrast in both themes, keyboard, fingers, and no sideways scrolling.

The measures are those of WCAG 2.2 AA, and 44 pixels for what a finger hits (2.5.5).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.webui.browser import NEEDED, Watched

pytestmark = NEEDED

PAGES = {
    "list": "/",
    "nothing found": "/?caller=nobody",
    "a field at fault": "/?from=2026",
    "call": "/calls/00000000-0000-4000-8000-000000000000",
    "live": "/live",
    "missed": "/tasks",
    "queues": "/queues",
    "recordings": "/recordings",
    "recording": "/recordings/1",
    "who heard what": "/recordings/audit",
    "numbers": "/numbers",
    "plans compared": "/advice?account=east&months=1",
    "prompts": "/prompts?open=welcome",
    "health": "/health",
    "error": "/no-such-page",
}

#: Gives what is wrong on the page, one line each.
AUDIT = Path(__file__).with_name("reach.js").read_text(encoding="utf-8")
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def phone(chromium: Any, address: str) -> Any:
    with Watched(chromium, address, width=390, height=844) as made:
        made.page.emulate_media(reduced_motion="reduce")  # colours do not fade while they are looked at
        yield made


def audited(page: Any) -> list[str]:
    page.keyboard.press("Tab")  # from here on the focus is shown
    found: list[str] = page.evaluate(AUDIT)
    return found


def test_signing_in(phone: Watched) -> None:
    phone.page.goto(phone.address + "/sign-in")
    assert audited(phone.page) == []
    phone.sign_in("admin")


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page(phone: Watched, path: str) -> None:
    page = phone.page
    if "/sign-in" in page.url or page.url == "about:blank":
        phone.sign_in("admin")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(phone.address + path)
    assert audited(page) == []
    wider = {}
    for width in (320, 390, 768, 1100):
        page.set_viewport_size({"width": width, "height": 844})
        wider[width] = page.evaluate(WIDER)
    assert wider == dict.fromkeys(wider, 0)
