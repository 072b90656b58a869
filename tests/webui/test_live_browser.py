"""The live board in Chromium: a call appears, rings, talks and vanishes while somebody looks; a task is closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance.config import Settings
from appliance.domain.live.calls import Stage
from tests.support.live_state import busy_board, call, published
from tests.webui.browser import NEEDED, Watched

pytestmark = NEEDED

NOW = datetime.now(UTC)


@pytest.mark.parametrize("width", [1440, 390])
def test_a_call_appears_moves_on_and_vanishes(chromium: Any, address: str, walked: Settings, width: int) -> None:
    nobody = replace(busy_board(NOW), calls=())
    socket: Path = walked.live_socket
    with published(socket, nobody) as what, Watched(chromium, address, width=width) as browser:
        page = browser.page
        browser.sign_in()
        page.goto(f"{address}/live")
        assert page.title() == "实时 · 400 总机"
        assert page.get_by_text("当前没有通话。").is_visible()
        began = datetime.now(UTC)
        ours = replace(call(1, Stage.RINGING, NOW), started_at=began, since=began, lines=("sales-1",))
        row = f"tr[data-call='{ours.uuid}']"

        what.board = replace(nobody, calls=(ours,))
        page.wait_for_selector(row)
        assert page.locator(f"{row} .v-stage").inner_text() == "振铃"
        assert page.locator(f"{row} .v-with").inner_text() == "销售一部"

        what.board = replace(nobody, calls=(replace(ours, stage=Stage.TALKING, recorded=True),))
        page.wait_for_selector(f"{row} .v-recorded")
        assert page.locator(f"{row} .v-stage").inner_text().startswith("通话中")
        browser.until(f'document.querySelector("{row} .v-since b").textContent >= "0:02"')  # it counts by itself

        what.away_since = datetime.now(UTC)
        what.board = nobody
        page.wait_for_selector(row, state="detached")
        assert page.get_by_text("交换机无响应").is_visible()
        what.away_since = None
        browser.until('!document.body.textContent.includes("交换机无响应")')
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert browser.complaints == []


@pytest.mark.accept
def test_a_publisher_that_hangs_is_told_of(chromium: Any, address: str, walked: Settings) -> None:
    """While the answer is waited for, and by the answer."""
    with published(walked.live_socket, busy_board(NOW)) as what, Watched(chromium, address) as browser:
        browser.sign_in()
        browser.page.goto(f"{address}/live")
        stale = browser.page.locator("#stale")
        assert stale.is_hidden()
        what.hangs = True
        browser.until('!document.getElementById("stale").hidden || document.body.textContent.includes("无人更新")')
        browser.until("!document.querySelector('tr[data-call]')")
        what.hangs = False
        browser.page.wait_for_selector("tr[data-call]")
        assert stale.is_hidden()


def test_without_scripts_it_is_a_page(chromium: Any, address: str, walked: Settings) -> None:
    with published(walked.live_socket, busy_board(NOW)), Watched(chromium, address, scripts=False) as browser:
        browser.sign_in()
        browser.page.goto(f"{address}/live")
        assert browser.page.locator("tr[data-call]").count() == 4


def test_a_clerk_calls_back_and_closes(chromium: Any, address: str) -> None:
    with Watched(chromium, address) as browser:
        page = browser.page
        browser.sign_in()
        page.goto(f"{address}/tasks")
        before = page.locator("table.tasks tbody tr").count()
        page.locator("details.t-close summary").first.click()
        page.get_by_label("处理结果").first.fill("已用手机回过")
        page.locator("details.t-close[open] button").click()
        page.wait_for_url("**/tasks?**")
        assert page.locator("table.tasks tbody tr").count() == before - 1
        page.get_by_role("link", name="已办结").click()
        page.get_by_text("已用手机回过", exact=True).first.wait_for()
        assert browser.complaints == []
