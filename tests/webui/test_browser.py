"""One walk through the console as a clerk takes it, in Chromium."""

from __future__ import annotations

import shutil
import time
import wave
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import update

from appliance.config import Settings
from appliance.domain.queue import Waiting
from appliance.store.journal import Journal
from appliance.store.models import Queue
from appliance.store.unit import Store
from appliance.store.waitlist import Kept, Waitlist
from tests.webui.browser import NEEDED, Watched
from tests.webui.test_prompts import NEEDED as ANNOUNCEMENTS

FIRST = "00000000-0000-4000-8000-000000000000"
pytestmark = NEEDED


def test_a_clerk_finds_hears_and_reads_a_call(chromium: Any, address: str) -> None:
    with Watched(chromium, address) as browser:
        page = browser.page
        browser.sign_in()
        assert page.title() == "通话 · 400 总机"

        page.get_by_label("主叫", exact=True).fill("139 1234")
        page.get_by_role("button", name="查询").click()
        page.wait_for_url("**caller=139*")
        browser.until("!document.querySelector('#results').classList.contains('htmx-request')")
        callers = page.locator("td.c-caller").all_inner_texts()
        assert callers
        assert all(text.startswith("139 1234 5678") for text in callers)

        page.locator("a[data-play]").first.click()
        browser.plays("#dock-audio")
        assert page.locator("#dock-label").inner_text().startswith("139 1234 5678 · ")
        page.keyboard.press("Escape")
        assert page.locator("#dock").is_hidden()

        page.locator("td.c-outcome").first.click()  # the row opens as a whole
        page.wait_for_url(f"**/calls/{FIRST}")
        page.wait_for_selector("#wave canvas >> nth=0", state="attached")
        assert page.locator("#wave-legend").is_visible()
        page.evaluate("document.getElementById('player').play()")
        browser.plays("#player")
        page.get_by_text("技术信息").click()
        assert page.get_by_text(FIRST).is_visible()

        page.locator("#back").click()
        page.wait_for_url("**caller=139*")
        page.goto(f"{address}/recordings/1")
        assert page.locator("#back").get_attribute("href") == "/recordings", "another list was searched"

        page.get_by_role("link", name="号码与线路").click()
        page.get_by_role("heading", name="400-800-1234").wait_for()
        page.get_by_role("link", name="运行状况").click()
        page.get_by_text("来电无法接入。服务启动了吗？").wait_for()

        page.get_by_role("button", name="English").click()
        page.get_by_role("heading", name="Health").wait_for()
        page.locator("#theme").click()
        page.locator("#theme").click()
        assert page.locator("html").get_attribute("data-bs-theme") == "dark"
        page.get_by_role("button", name="中文").click()  # it is remembered
        page.get_by_role("button", name="退出").click()
        page.wait_for_url("**/sign-in")
        assert browser.complaints == []


def test_a_phone_needs_no_sideways_scrolling(chromium: Any, address: str) -> None:
    with Watched(chromium, address, width=390, height=844) as browser:
        browser.sign_in()
        assert browser.page.locator("#f-caller").is_hidden(), "calls come first, conditions when they are wanted"
        browser.page.get_by_text("查询条件").click()
        assert browser.page.locator("#f-caller").is_visible()
        for path in ("/", f"/calls/{FIRST}", "/queues", "/numbers", "/prompts?open=welcome", "/health", "/sign-in"):
            browser.page.goto(address + path)
            wider = browser.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wider == 0, path
        assert browser.complaints == []


def test_the_queues_show_who_waits_without_being_loaded_again(
    chromium: Any, address: str, walked: Settings
) -> None:
    with Store(walked.database_url) as store, store.work() as session:
        session.execute(update(Queue).values(sign_in=True))
        session.commit()
    journal = Journal(walked.journal_file)
    waitlist = Waitlist(journal.file)
    with Watched(chromium, address) as browser, closing(journal):
        page = browser.page
        browser.sign_in()
        page.get_by_role("link", name="队列").click()
        page.evaluate("window.sameDocument = true")
        asked: list[float] = []
        page.on("request", lambda request: asked.append(time.monotonic()))
        page.get_by_role("button", name="签入：前台").focus()

        caller = Kept(Waiting("u", "hotline", datetime.now(UTC), "4008001234", "13912345678"), "east", "1@2")
        waitlist.keep(caller)
        page.get_by_text("139 1234 5678").wait_for()
        assert page.get_by_text("1 人等待").is_visible()
        waited = page.locator(".w-waited b")
        first = waited.inner_text()
        browser.until(f"document.querySelector('.w-waited b').textContent !== '{first}'")
        assert page.evaluate("document.activeElement.value") == "desk-1", "the button is still the same"
        assert len(asked) <= 2 + (asked[-1] - asked[0]), "once a second at the most"

        page.keyboard.press("Enter")
        page.get_by_role("button", name="签出：前台").wait_for()
        assert page.evaluate("document.activeElement.value") == "desk-1", "and so is the one in its place"
        assert list(waitlist.signed_in()) == ["desk-1"]
        waitlist.keep(caller, left_at=datetime.now(UTC))
        page.get_by_text("无人等待。").wait_for()
        assert page.evaluate("window.sameDocument")
        assert browser.complaints == []


def test_everything_can_be_reached_by_keyboard(chromium: Any, address: str) -> None:
    with Watched(chromium, address) as browser:
        browser.sign_in()
        reached = []
        for _ in range(40):
            browser.page.keyboard.press("Tab")
            reached.append(browser.page.evaluate("document.activeElement.innerText || document.activeElement.id"))
        for wanted in ("跳到正文", "号码与线路", "English", "近7天", "f-caller", "查询", "导出 CSV"):
            assert any(wanted in text for text in reached), (wanted, reached)
        assert browser.complaints == []


def test_the_list_works_without_scripts(chromium: Any, address: str) -> None:
    with Watched(chromium, address, scripts=False) as browser:
        browser.sign_in()
        browser.page.get_by_label("结果", exact=True).select_option("answered")
        browser.page.get_by_role("button", name="查询").click()
        browser.page.wait_for_url("**outcome=answered*")
        assert set(browser.page.locator("td.c-outcome .lamp > span").all_inner_texts()) == {"已接听"}
        assert browser.complaints == []


def test_a_prompt_is_dropped_heard_and_brought_back(chromium: Any, address: str, tmp_path: Path) -> None:
    file = tmp_path / "我的.wav"
    with wave.open(str(file), "wb") as made:
        made.setparams((1, 2, 8000, 0, "NONE", ""))
        made.writeframes(b"\x00\x30\x00\xd0" * 8000)
    with Watched(chromium, address) as browser:
        page = browser.page
        browser.sign_in()
        page.get_by_role("link", name="提示音").click()
        page.get_by_text(f"{ANNOUNCEMENTS} 条中已有 0 条为自己的录音").wait_for()
        page.evaluate("window.sameDocument = true")
        row = page.locator("#p-bye")

        # As a file from the desktop is dropped on the row.
        page.evaluate(
            """([name, bytes]) => {
                const files = new DataTransfer();
                files.items.add(new File([new Uint8Array(bytes)], name));
                const at = document.querySelector("#p-bye .prompt-what");
                for (const what of ["dragover", "drop"])
                    at.dispatchEvent(new DragEvent(what, { dataTransfer: files, bubbles: true, cancelable: true }));
            }""",
            [file.name, list(file.read_bytes())],
        )
        row.get_by_text("自己的录音").wait_for()
        page.get_by_text(f"{ANNOUNCEMENTS} 条中已有 1 条为自己的录音").wait_for()
        row.locator("a[data-play]").click()
        browser.plays("#dock-audio")
        page.keyboard.press("Escape")

        row.get_by_role("link", name="更换").click()
        row.get_by_text("我的.wav").wait_for()
        row.locator("textarea").fill("，。")
        row.get_by_role("button", name="试听").click()
        row.get_by_text("没有要合成的文字").wait_for()
        if shutil.which("espeak-ng"):
            row.locator("textarea").fill("感谢来电，请挂机。")
            row.get_by_role("button", name="试听").click()
            browser.plays("#dock-audio")
            page.keyboard.press("Escape")
        row.get_by_role("listitem").filter(has_text="默认").get_by_role("button", name="启用").click()
        page.get_by_text(f"{ANNOUNCEMENTS} 条中已有 0 条为自己的录音").wait_for()
        assert row.locator(".prompt-state").inner_text() == "默认（合成）"

        page.locator(".prompt-many input[type=file]").set_input_files([file])
        page.get_by_text("没有用到名为 我的 的语音").or_(page.get_by_text("不是合法的语音名称")).wait_for()
        assert page.evaluate("window.sameDocument")
        # The engine's refusal is an answer of its own, which a browser notes.
        assert [one for one in browser.complaints if "422" not in one] == []
