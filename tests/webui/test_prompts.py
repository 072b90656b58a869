"""The page of prompts: what it shows, who may change what, and what hostile files and names come to."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

import webui.views.prompts as views
from appliance.bootstrap import build_studio
from appliance.config import Settings
from appliance.media.announcements import load_catalogue
from appliance.media.default_set import DEFAULT_SET
from appliance.media.studio import Studio
from appliance.store.models import Operator, Prompt, Role
from appliance.store.unit import Store
from tests.media.test_studio import here
from tests.support.audio import dominant_hz, read_wav
from tests.webui.conftest import SignIn, csrf
from webui import prompt_pages

#: Announcements that an enterprise has to have.
NEEDED = sum(one.is_needed for one in load_catalogue(DEFAULT_SET).announcements.values())

PAGE = "/prompts"


@pytest.fixture(autouse=True)
def converted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process apart takes half a second to start; the test in the browser has one."""

    def build(settings: Settings, store: Store) -> Studio:
        return replace(build_studio(settings, store), convert=here)

    monkeypatch.setattr(prompt_pages, "build_studio", build)


def tone(hz: int, form: str = "FLAC") -> bytes:
    made = io.BytesIO()
    soundfile.write(made, 0.3 * np.sin(2 * np.pi * hz * np.arange(8000) / 8000), 8000, format=form)
    return made.getvalue()


def send(client: FlaskClient, path: str, *, part: str = "", **form: object) -> TestResponse:
    """A form of the page, as htmx sends it where ``part`` names what is to be replaced."""
    headers = {"HX-Request": "true", "HX-Target": part} if part else {}
    return client.post(path, data={"csrf_token": csrf(client, "/queues"), **form}, headers=headers)


def upload(
    client: FlaskClient, name: str, content: bytes, *, file_name: str = "a.flac", part: str = ""
) -> TestResponse:
    file = (io.BytesIO(content), file_name)
    return send(client, "/prompts/east/save", part=part, name=name, file=file)


def heard(client: FlaskClient, name: str = "bye", query: str = "") -> int:
    """The frequency of what the page plays; 0: the default set's."""
    with client.get(f"/prompts/east/{name}/sound{query}") as answer:
        assert answer.status_code == 200
        sound = answer.data
    if sound == (DEFAULT_SET / f"{name}.wav").read_bytes():
        return 0
    samples, _ = soundfile.read(io.BytesIO(sound), dtype="int16")
    return round(dominant_hz(samples), -1)


def row(text: str, name: str) -> str:
    end = r'(?=<li class="prompt[ "]|<section class="panel|\Z)'
    found = re.search(rf'<li class="prompt[^>]*id="p-{name}".*?{end}', text, re.DOTALL)
    assert found, name
    return found[0]


def test_every_announcement_is_on_the_page_and_the_default_says_what_it_is(sign_in: SignIn) -> None:
    text = sign_in("desk", language="zh_Hans_CN").get(PAGE).text
    for file in DEFAULT_SET.glob("*.wav"):
        assert (f'id="p-{file.stem}"' in text) == (file.stem != "welcome-demo"), file.stem
    assert f"{NEEDED} 条中已有 0 条为自己的录音" in text
    assert "仅供试用" in text
    assert "默认（合成）" in row(text, "bye")
    assert "总机欢迎词" in row(text, "welcome") and "流程“main”" in row(text, "welcome")
    english = sign_in("desk").get(PAGE).text
    assert "Thank you for calling, goodbye." in row(english, "bye")
    assert f"0 of {NEEDED} are your own recordings" in english


def test_one_is_uploaded_heard_and_brought_back(sign_in: SignIn, settings: Settings) -> None:
    client = sign_in("desk")
    assert heard(client) == 0
    answer = upload(client, "bye", tone(600), part="p-bye")
    assert "your own" in row(answer.text, "bye") and f"1 of {NEEDED}" in answer.text
    assert heard(client) == 600
    assert heard(client, query="?default=1") == 0
    assert upload(client, "bye", tone(900)).status_code == 303
    assert (heard(client), heard(client, query="?version=1")) == (900, 600)
    opened = client.get("/prompts/east/bye?open=1", headers={"HX-Request": "true"}).text
    assert "a.flac" in opened and 'name="version" value="1"' in opened and 'name="default"' in opened
    send(client, "/prompts/east/restore", part="p-bye", name="bye", version="1")
    assert heard(client) == 600
    send(client, "/prompts/east/restore", name="bye", default="1")
    assert heard(client) == 0
    send(client, "/prompts/east/restore", name="bye")
    assert heard(client) == 900
    send(client, "/prompts/east/remove", name="bye")
    assert heard(client) == 0
    assert client.get("/prompts/east/bye/sound?version=1").status_code == 404
    assert not (settings.prompts_dir / "east" / "bye.wav").exists()


def test_a_part_of_a_sound_can_be_asked_for(sign_in: SignIn) -> None:
    with sign_in("desk").get("/prompts/east/bye/sound", headers={"Range": "bytes=0-99"}) as answer:
        assert (answer.status_code, len(answer.data), answer.mimetype) == (206, 100, "audio/wav")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "不是可识别的音频文件"), (b"<script>alert(1)</script>" * 99, "不是可识别"), (tone(600)[:60], "")],
)
def test_a_bad_file_is_told_in_the_row_and_changes_nothing(sign_in: SignIn, content: bytes, words: str) -> None:
    client = sign_in("desk", language="zh_Hans_CN")
    answer = upload(client, "bye", content, part="p-bye")
    assert answer.status_code == 200
    if words:
        assert words in row(answer.text, "bye")
    assert "notice-bad" in row(answer.text, "bye")
    assert heard(client) == 0
    page = upload(client, "bye", content)
    assert page.status_code == 422 and "notice-bad" in page.text


def test_a_form_without_a_file(sign_in: SignIn) -> None:
    client = sign_in("desk")
    assert "no file was chosen" in send(client, "/prompts/east/save", part="p-bye", name="bye").text
    assert "no file was chosen" in send(client, "/prompts/east/save-all", part="prompts").text


def test_a_file_that_is_larger_than_the_box_takes(
    sign_in: SignIn, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in("desk")
    # Not much more than a form's own limit: what werkzeug keeps in a file it does not close when it refuses it.
    monkeypatch.setattr(views, "_UPLOADS", {"prompts.save": 0.005})
    assert upload(client, "bye", b"x" * 100_000).status_code == 422, "read, and no sound"
    answer = upload(client, "bye", b"x" * 200_000)
    assert (answer.status_code, "Too large" in answer.text) == (413, True)
    # Other forms stay as small as they were, and a stranger's upload is not even read.
    token = csrf(client, PAGE)
    assert (
        client.post("/prompts/east/restore", data={"csrf_token": token, "name": "x" * 100_000}).status_code == 413
    )
    stranger = app.test_client()
    answer = stranger.post("/prompts/east/save", data={"file": (io.BytesIO(b"x" * 200_000), "a.wav")})
    assert answer.status_code in (302, 400, 413)


def test_many_at_once_each_is_reported(sign_in: SignIn) -> None:
    client = sign_in("desk")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("../../password.wav", tone(700, "WAV"))
        made.writestr("x/<img src=x onerror=alert(1)>.wav", tone(700, "WAV"))
    archive.seek(0)
    files = [
        (io.BytesIO(tone(600)), "Bye.flac"),
        (io.BytesIO(b"no sound"), "apology.mp3"),
        (io.BytesIO(tone(800)), "welcom.wav"),
        (archive, "all.zip"),
        (io.BytesIO(b"no archive"), "other.zip"),
    ]
    text = send(client, "/prompts/east/save-all", part="prompts", files=files).text
    assert "2 of 6 taken" in text
    for told in (
        "now “bye”",
        "now “password”",
        "not a sound file",
        "nothing plays a prompt of this name",
        "ZIP archive cannot be read",
        "&lt;img src=x",
    ):
        assert told in text, told
    assert "<img" not in text
    assert (heard(client), heard(client, "password"), heard(client, "apology")) == (600, 700, 0)


def test_a_text_is_heard_before_it_is_saved(sign_in: SignIn, store: Store) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("apt-get install espeak-ng")
    client = sign_in("desk")
    with client.get("/prompts/east/speech", query_string={"text": "感谢来电"}) as preview:
        assert (preview.status_code, preview.mimetype) == (200, "audio/wav")
    assert heard(client) == 0, "nothing is changed by listening"
    formula = "=1+1 <b>感谢来电</b>"
    answer = send(client, "/prompts/east/save", part="p-bye", name="bye", text=formula)
    assert "text-to-speech" in row(answer.text, "bye") and f"0 of {NEEDED}" in answer.text
    assert "&lt;b&gt;" in answer.text and "<b>感谢" not in answer.text
    with store.reading() as session:
        made = session.scalars(select(Prompt).where(Prompt.name == "bye")).one()
        assert (made.source, made.text, made.made_by) == ("tts", formula, "desk")
    refused = client.get("/prompts/east/speech", query_string={"text": "好" * 301})
    assert (refused.status_code, refused.get_json()) == (422, {"fault": "the text is longer than 300 characters"})


def test_titles_and_file_names_are_text(sign_in: SignIn) -> None:
    client = sign_in("desk")
    send(
        client,
        "/prompts/east/save",
        name="promo",
        title="<script>alert(1)</script> 促销",
        file=(io.BytesIO(tone(600)), '../"><script>alert(2)</script>.flac'),
    )
    text = client.get(PAGE + "?open=promo").text
    assert "&lt;script&gt;alert(1)" in text and "促销" in text
    assert "<script>alert" not in text
    send(client, "/prompts/east/remove", name="promo")
    assert "promo" not in client.get(PAGE).text


def test_a_prompt_that_a_flow_plays_is_not_taken_away(sign_in: SignIn, settings: Settings) -> None:
    client = sign_in("desk")
    for path, form in (("remove", {}), ("restore", {"default": "1"})):
        answer = send(client, f"/prompts/east/{path}", part="p-welcome", name="welcome", **form)
        assert "a caller would hear nothing: flow main" in row(answer.text, "welcome")
    assert (settings.prompts_dir / "east" / "welcome.wav").is_file()


@pytest.mark.parametrize("name", ["../west/x", "..", ".versions", "A", "a/b", "x" * 61])
def test_no_name_leads_elsewhere(sign_in: SignIn, settings: Settings, name: str) -> None:
    client = sign_in("desk")
    before = sorted(settings.prompts_dir.rglob("*"))
    assert "not a prompt&#39;s name" in upload(client, name, tone(600)).text
    assert client.get(f"/prompts/east/{name}/sound").status_code in (302, 308, 404)
    assert sorted(settings.prompts_dir.rglob("*")) == before


def test_nobody_hears_or_changes_anothers_prompts(sign_in: SignIn, settings: Settings) -> None:
    client = sign_in("other")  # of the account west
    assert "welcome" not in client.get(PAGE).text
    for path in (
        "/prompts?account=east",
        "/prompts/east/welcome",
        "/prompts/east/welcome/sound",
        "/prompts/east/welcome/sound?version=1",
        "/prompts/east/bye/sound",
        "/prompts/east/export",
        "/prompts/east/speech?text=好",
    ):
        assert client.get(path).status_code == 404, path
    for path in ("save", "save-all", "restore", "remove"):
        answer = send(client, f"/prompts/east/{path}", name="welcome", text="您好", default="1")
        assert answer.status_code == 404, path
    assert [file.name for file in (settings.prompts_dir / "east").glob("*.wav")] == ["welcome.wav"]
    assert not (settings.prompts_dir / "west").exists()


def test_who_sees_every_account_chooses_one(sign_in: SignIn) -> None:
    client = sign_in("admin")
    assert "总机欢迎词" in client.get("/prompts?account=east").text
    west = client.get("/prompts?account=west").text
    assert "总机欢迎词" not in west and '<option value="west" selected>' in west
    assert client.get("/prompts?account=nobody").status_code == 404


def test_who_may_not_change_hears_all_the_same(sign_in: SignIn, store: Store) -> None:
    with store.work() as session:
        auditor = session.scalars(select(Role).where(Role.name == "auditor")).one()
        session.scalars(select(Operator).where(Operator.login == "desk")).one().roles = [auditor]
        session.commit()
    client = sign_in("desk")
    text = client.get(PAGE).text
    assert "data-play" in text and 'type="file"' not in text
    assert heard(client) == 0
    for path in ("save", "save-all", "restore", "remove"):
        token = csrf(client, "/health")
        answer = client.post(f"/prompts/east/{path}", data={"csrf_token": token, "name": "welcome", "text": "好"})
        assert answer.status_code == 403, path
    assert client.get("/prompts/east/speech?text=好").status_code == 403


def test_a_form_of_another_site_is_refused(sign_in: SignIn) -> None:
    client = sign_in("desk")
    for path in ("save", "save-all", "restore", "remove"):
        assert client.post(f"/prompts/east/{path}", data={"name": "welcome"}).status_code == 400, path


def test_an_export_is_what_an_import_reads(sign_in: SignIn, tmp_path: Path) -> None:
    client = sign_in("desk")
    upload(client, "bye", tone(600))
    answer = client.get("/prompts/east/export")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=prompts-east-")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as opened:
        assert opened.namelist() == ["prompts.xlsx", "bye.wav", "welcome.wav"]
        opened.extract("bye.wav", tmp_path)
    assert round(dominant_hz(read_wav(tmp_path / "bye.wav").left), -1) == 600
    text = send(client, "/prompts/east/save-all", part="prompts", files=[(io.BytesIO(answer.data), "all.ZIP")]).text
    assert "2 of 2 taken" in text


def test_a_row_whose_file_is_gone_says_that_callers_hear_nothing(sign_in: SignIn, settings: Settings) -> None:
    (settings.prompts_dir / "east" / "welcome.wav").unlink()
    assert "callers hear nothing" in row(sign_in("desk").get(PAGE).text, "welcome")


def test_a_box_without_an_account(sign_in: SignIn, store: Store) -> None:
    with store.work() as session:
        session.execute(update(Operator).where(Operator.login == "desk").values(account_id="west"))
        session.commit()
    assert sign_in("desk").get(PAGE).status_code == 200
