"""Chinese first, English second: every text is in both, and the switch works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from flask import Flask

from appliance.store.unit import Store
from tests.webui.conftest import SignIn, csrf
from webui import catalogue, i18n
from webui.assets import ICONS

TEMPLATES = sorted((Path(i18n.__file__).parent / "templates").rglob("*.html"))
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def test_every_text_is_in_the_file() -> None:
    written = {message.id for message in catalogue.extracted() if message.id}
    listed = {message.id for message in catalogue.current() if message.id}
    assert len(written) > 200
    assert listed == written, "run `python -m webui.catalogue`, then translate what is new"


@pytest.mark.parametrize("message", [m for m in catalogue.current() if m.id], ids=lambda m: str(m.id)[:40])
def test_every_text_is_translated(message: Message) -> None:
    assert isinstance(message.string, str)
    assert message.string
    assert not message.fuzzy
    assert sorted(_PLACEHOLDER.findall(message.string)) == sorted(_PLACEHOLDER.findall(str(message.id)))
    if _CHINESE.search(message.string):
        assert not re.search(r"[\u4e00-\u9fff][,;:?!]", message.string), "Chinese text has Chinese punctuation"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_text_stands_in_a_template_untranslated(template: Path) -> None:
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", template.read_text(), flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", "\n", text)
    words = set(re.findall(r"[A-Za-z\u4e00-\u9fff]{2,}", text))
    assert words <= {"SIP", "gate"}, words  # a name, and a class of the body


def test_chinese_is_the_first_language(app: Flask) -> None:
    text = app.test_client().get("/sign-in", headers={"Accept-Language": "en"}).text
    assert '<html lang="zh-CN"' in text
    assert "登录" in text


def test_the_switch_leads_back_to_the_page_and_is_remembered(sign_in: SignIn, app: Flask, store: Store) -> None:
    client = sign_in("desk", language="zh_Hans_CN")
    assert "运行状况" in client.get("/health").text
    answer = client.post(
        "/language", data={"csrf_token": csrf(client, "/health"), "language": "en", "back": "/health"}
    )
    assert answer.location == "/health"
    assert '<html lang="en"' in client.get("/health").text

    later = app.test_client()  # another browser, which has chosen nothing
    later.post("/sign-in", data={"csrf_token": csrf(later), "login": "desk", "password": "correct horse"})
    assert '<html lang="en"' in later.get("/").text


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", ""])
def test_the_switch_leads_nowhere_else(app: Flask, back: str) -> None:
    client = app.test_client()
    answer = client.post("/language", data={"csrf_token": csrf(client), "language": "en", "back": back})
    assert answer.location == "/"


def test_a_language_that_nobody_offers(app: Flask) -> None:
    client = app.test_client()
    assert client.post("/language", data={"csrf_token": csrf(client), "language": "../en"}).status_code == 400


@pytest.mark.parametrize(("language", "words"), [("zh_Hans_CN", "找不到"), ("en", "Not found")])
def test_error_pages_speak_both_languages(sign_in: SignIn, language: str, words: str) -> None:
    answer = sign_in(language=language).get("/no/such/page")
    assert answer.status_code == 404
    assert words in answer.text


@pytest.mark.parametrize(("language", "words"), [("zh_Hans_CN", "出错了"), ("en", "Something went wrong")])
def test_a_fault_of_ours_is_told_without_its_insides(
    app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    client = sign_in(language=language)

    def broken() -> str:
        raise RuntimeError("secret inside")

    monkeypatch.setitem(app.view_functions, "numbers.listing", broken)
    answer = client.get("/numbers")
    assert answer.status_code == 500
    assert words in answer.text
    assert "secret inside" not in answer.text


def test_forbidden_has_a_page(app: Flask, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    from werkzeug.exceptions import Forbidden

    def forbidden() -> str:
        raise Forbidden

    monkeypatch.setitem(app.view_functions, "numbers.listing", forbidden)
    answer = sign_in().get("/numbers")
    assert (answer.status_code, "Not allowed" in answer.text) == (403, True)


def test_icons_are_those_that_pages_use() -> None:
    code = [*TEMPLATES, Path(i18n.__file__).parent / "trail.py"]
    text = "\n".join(path.read_text() for path in code)
    unused = [name for name in ICONS if f'"{name}"' not in text]
    used = set(re.findall(r'icon\("([a-z0-9-]+)"\)|^\s+"([a-z]+(?:-[a-z0-9]+)+)",$', text, re.MULTILINE))
    missing = {name for pair in used for name in pair if name} - set(ICONS)
    assert (unused, missing) == ([], set())
