"""Nothing loads from elsewhere, nothing runs inside a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

import webui
from appliance.config import Settings
from appliance.store.unit import Store
from tests.webui.conftest import SignIn
from webui.app import create_app

PACKAGE = Path(webui.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates").rglob("*.html"))


@pytest.mark.parametrize("path", ["/sign-in", "/healthz", "/static/console.css", "/nowhere"])
def test_every_answer_carries_the_headers(app: Flask, path: str) -> None:
    with app.test_client().get(path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in answer.headers


def test_behind_https_browsers_are_told_to_stay_there(settings: Settings, store: Store) -> None:
    app = create_app(settings.model_copy(update={"console_https": True}), store)
    answer = app.test_client().get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    assert "max-age=" in answer.headers["Strict-Transport-Security"]


def test_a_header_that_anybody_can_send_is_not_believed(settings: Settings, store: Store) -> None:
    reachable = {"console_https": True, "console_host": "0.0.0.0"}
    for update in ({"console_https": False}, reachable):
        app = create_app(settings.model_copy(update=update), store)
        with app.test_client() as client:
            from flask import request

            client.get("/sign-in", headers={"X-Forwarded-For": "192.0.2.1"})
            assert request.remote_addr == "127.0.0.1"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_script_no_style_and_no_other_host(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "a script has a file"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|javascript:", text)
    assert not re.search(r"(?:href|src|action)=[\"'](?:https?:)?//", text)
    assert "| safe" not in text
    assert "autoescape false" not in text


@pytest.mark.parametrize("file", sorted((PACKAGE / "static").glob("*.*")), ids=lambda path: path.name)
def test_our_files_name_no_other_host(file: Path) -> None:
    assert set(re.findall(r"https?://[^\"')\s]+", file.read_text())) <= {"http://www.w3.org/2000/svg"}


def test_static_files_are_kept_and_change_their_address_with_their_content(sign_in: SignIn) -> None:
    client = sign_in()
    address = re.search(r'href="(/static/console\.css\?v=[0-9a-f]{12})"', client.get("/").text)
    assert address
    with client.get(address[1]) as answer:
        assert "max-age=2592000" in answer.headers["Cache-Control"]
