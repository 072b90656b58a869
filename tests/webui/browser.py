"""A console as it is served, and a browser to walk through it."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from appliance.config import Settings
from tests.support.process import Process
from tests.support.seed import PASSWORD
from webui import assets

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--autoplay-policy=no-user-gesture-required",
]

#: Marks of a module that walks.
NEEDED = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}: apt-get install chromium"),
    pytest.mark.skipif(
        not assets.is_current(), reason="the console's files are not installed: python -m webui.assets"
    ),
]


# One console and one browser for all walks: each takes longer to start than a walk does. A walk leaves as it was
# what the others look at.


@pytest.fixture(scope="package")
def walked(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The box that they walk through."""
    state = tmp_path_factory.mktemp("walked") / "state"
    shutil.copytree(filled, state)
    # Nobody listens at port 1: a box that runs on this machine is not this console's.
    return Settings(state_dir=state, esl_port=1, handlers_port=1)


@pytest.fixture(scope="package")
def address(walked: Settings) -> Iterator[str]:
    """A console as it is served."""
    ports = {"APPLIANCE_CONSOLE_PORT": "0", "APPLIANCE_ESL_PORT": "1", "APPLIANCE_HANDLERS_PORT": "1"}
    environment = {"APPLIANCE_STATE_DIR": str(walked.state_dir), **ports}
    with Process([sys.executable, "-m", "webui"], env=environment) as console:
        yield console.wait_for_line(r"^READY console (http://\S+)$", 60)[1]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with (
        sync_api.sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS) as browser,
    ):
        yield browser


class Watched:
    """A window that notes what a page should never do."""

    def __init__(
        self, chromium: Any, address: str, *, width: int = 1440, height: int = 900, scripts: bool = True
    ) -> None:
        self.address = address
        self.complaints: list[str] = []
        self._context = chromium.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", java_script_enabled=scripts
        )
        self.page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page: {error}"))
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda dialog: (self.complaints.append("a dialog"), dialog.dismiss()))

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def _heard(self, message: object) -> None:
        if message.type in ("error", "warning"):  # type: ignore[attr-defined]
            self.complaints.append(f"console: {message.text}")  # type: ignore[attr-defined]

    def _asked(self, request: object) -> None:
        host = urlsplit(request.url)  # type: ignore[attr-defined]
        if host.scheme != "data" and f"{host.scheme}://{host.netloc}" != self.address:
            self.complaints.append(f"asked for {request.url}")  # type: ignore[attr-defined]

    def sign_in(self, login: str = "desk") -> None:
        self.page.goto(self.address + "/")
        self.page.get_by_label("用户名").fill(login)
        self.page.get_by_label("密码").fill(PASSWORD)
        self.page.get_by_role("button", name="登录").click()
        self.page.wait_for_selector("table.calls")

    def until(self, condition: str) -> None:
        """Wait until an expression is true. (Playwright's own way evaluates a text, which our policy forbids.)"""
        deadline = time.monotonic() + 20
        while not self.page.evaluate(condition):
            assert time.monotonic() < deadline, f"never: {condition}"
            self.page.wait_for_timeout(50)

    def plays(self, audio: str) -> None:
        """Wait until a player has moved on."""
        self.until(f"document.querySelector('{audio}').currentTime > 0.2")
