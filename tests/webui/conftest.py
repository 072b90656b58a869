"""A filled box, and clients that are signed in to its console."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

import webui.sign_in
from appliance.config import Settings
from appliance.store.unit import Store
from tests.support import seed
from tests.webui.browser import address, chromium, walked
from tests.webui.queues import asks, journal
from webui.app import create_app

#: A package's fixtures end with the package only where its conftest has them; a browser that stays keeps an event
#: loop running, in which no other test can run its own.
__all__ = ["address", "asks", "chromium", "journal", "walked"]


class Compiled(BytecodeCache):
    """The templates' code, for all the apps of a run: to compile one takes longer than to show it."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._codes:
            bucket.bytecode_from_string(self._codes[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


_COMPILED = Compiled()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a filled database and recordings; copied for each test."""
    folder = tmp_path_factory.mktemp("filled")
    seed.make(folder, datetime.now(UTC)).close()
    return folder


@pytest.fixture
def settings(filled: Path, tmp_path: Path) -> Settings:
    """Settings of a box of this test's own."""
    state = tmp_path / "state"
    shutil.copytree(filled, state)
    # Ports that nobody listens on: a test must not find a switch by chance.
    return Settings(state_dir=state, esl_port=1, handlers_port=1)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """The filled store."""
    opened = Store(settings.database_url)
    yield opened
    opened.close()


@pytest.fixture
def app(settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The console on it; its hashing is made cheap, many tests try passwords."""
    monkeypatch.setattr(
        webui.sign_in,
        "HASHING",
        {"argon2__time_cost": 1, "argon2__memory_cost": 8, "argon2__parallelism": 1},
    )
    made = create_app(settings, store)
    made.jinja_env.bytecode_cache = _COMPILED
    return made


def csrf(client: FlaskClient, path: str = "/sign-in") -> str:
    """The token of a page's form."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert found, "no form on the page"
    return found[1]


def plain(text: str) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


SignIn = Callable[..., FlaskClient]


@pytest.fixture
def sign_in(app: Flask) -> SignIn:
    """A client that is signed in as ``login``, in English unless told otherwise."""

    def signed_in(login: str = "admin", language: str = "en") -> FlaskClient:
        client = app.test_client()
        token = csrf(client)  # the session's: both forms have it
        client.post("/language", data={"csrf_token": token, "language": language})
        answer = client.post("/sign-in", data={"csrf_token": token, "login": login, "password": seed.PASSWORD})
        assert answer.status_code == 302, answer.text
        return client

    return signed_in
