"""Recording a prompt by telephone, on the page: who gets a code, what is told of it, and of what came of it."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

import webui.take_words as words
from appliance.config import Settings
from appliance.store.journal_file import JournalFile
from appliance.store.models import FlowVersion, Operator, Queue, Role
from appliance.store.signing import Means, Signings
from appliance.store.takes import GOOD_FOR, Take, Takes, newest_take
from appliance.store.unit import Store
from tests.webui.conftest import SignIn, csrf
from webui.context import now

TAKE = "/prompts/east/bye/take"


@pytest.fixture
def leads(store: Store) -> None:
    """The account's number leads to a service menu."""
    with store.work() as session:
        session.execute(update(FlowVersion).values(graph={"start": "in", "nodes": {"in": {"type": "service"}}}))
        session.commit()


def asked(client: FlaskClient, name: str = "bye", **headers: str) -> str:
    data = {"csrf_token": csrf(client, "/queues"), "name": name}
    answer = client.post("/prompts/east/code", data=data, headers={"HX-Target": f"take-{name}", **headers})
    assert answer.status_code == 200
    return answer.text


def newest(settings: Settings, name: str = "bye") -> Take:
    found = newest_take(settings.journal_file, "east", name)
    assert found is not None
    return found


def test_without_a_service_menu_there_is_no_code(sign_in: SignIn) -> None:
    text = sign_in("desk").get("/prompts/east/bye?open=1", headers={"HX-Request": "true"}).text
    assert "By telephone" in text and "No number leads to a service menu yet" in text
    assert "Get a code" not in text
    assert "还没有号码通向服务菜单" in sign_in("desk", language="zh_Hans_CN").get(TAKE).text


def test_from_the_code_to_the_version(sign_in: SignIn, settings: Settings, leads: None) -> None:
    client = sign_in("desk")
    assert "dial 400-800-1234" in client.get(TAKE).text.replace("&#39;", "'")
    text = asked(client)
    take = newest(settings)
    assert take.code.who == "desk"
    assert f"{take.code.digits[:3]}&#8239;{take.code.digits[3:]}" in text
    assert "400-800-1234" in text and "every 3s" in text and "Get a code" not in text
    with closing(JournalFile(settings.journal_file)) as file:
        takes = Takes(file)
        assert takes.keep(take.code, "takes/a.wav", "13800138000", take.code.until)
        waits = client.get(TAKE).text
        assert "is being made a prompt" in waits and "every 3s" in waits and take.code.digits[:3] not in waits
        takes.ended(newest(settings), take.code.until, version=7)
    done = client.get(TAKE).text
    assert "version 7" in done and "Show it" in done and "every 3s" not in done and "Get a code" in done


def test_why_no_prompt_could_be_made(sign_in: SignIn, settings: Settings, leads: None) -> None:
    client = sign_in("desk", language="zh_Hans_CN")
    asked(client)
    with closing(JournalFile(settings.journal_file)) as file:
        takes, code = Takes(file), newest(settings).code
        assert takes.keep(code, "takes/a.wav", "", code.until)
        takes.ended(newest(settings), code.until, fault="silent")
    assert "录音无法生成提示音：录音中没有声音" in client.get(TAKE).text


def test_an_old_code_is_told_of_for_a_while(sign_in: SignIn, leads: None, monkeypatch: pytest.MonkeyPatch) -> None:
    client = sign_in("desk")
    asked(client)
    for after, told in ((GOOD_FOR, True), (GOOD_FOR + timedelta(minutes=11), False)):
        monkeypatch.setattr(words, "now", lambda after=after: now() + after)
        text = client.get(TAKE).text
        assert ("The code is too old." in text) is told
        assert "every 3s" not in text and "Get a code" in text


def test_without_scripts_the_page_is_shown_again(sign_in: SignIn, settings: Settings, leads: None) -> None:
    client = sign_in("desk")
    data = {"csrf_token": csrf(client, "/queues"), "name": "bye"}
    answer = client.post("/prompts/east/code", data=data)
    assert answer.status_code == 303 and "open=bye" in answer.location
    assert newest(settings).code.digits[:3] in client.get(answer.location).text


def test_who_may_and_for_what(sign_in: SignIn, settings: Settings, store: Store, leads: None) -> None:
    client = sign_in("desk")
    data = {"csrf_token": csrf(client, "/queues")}
    assert client.post("/prompts/west/code", data={**data, "name": "bye"}).status_code == 404
    assert client.post("/prompts/east/code", data={**data, "name": "../bye"}).status_code == 404
    assert client.post("/prompts/east/code", data={"name": "bye"}).status_code == 400, "no token"
    with store.work() as session:
        operator = session.query(Operator).filter_by(login="desk").one()
        operator.roles = [session.query(Role).filter_by(name="agent").one()]
        session.commit()
    assert client.post("/prompts/east/code", data={**data, "name": "bye"}).status_code == 403
    assert client.get(TAKE).status_code == 403
    assert newest_take(settings.journal_file, "east", "bye") is None


def test_a_journal_that_cannot_be_written_is_told(sign_in: SignIn, settings: Settings, leads: None) -> None:
    settings.journal_file.unlink(missing_ok=True)
    settings.journal_file.mkdir()
    assert "No code can be given at the moment" in asked(sign_in("desk"))


def test_signing_at_the_queues_page_is_noted_with_the_operator(
    sign_in: SignIn, settings: Settings, store: Store
) -> None:
    with store.work() as session:
        session.execute(update(Queue).values(sign_in=True))
        session.commit()
    client = sign_in("desk")
    client.post("/queues/sign", data={"csrf_token": csrf(client, "/queues"), "in": "desk-1"})
    with closing(JournalFile(settings.journal_file, reads_only=True)) as file:
        (one,) = Signings(file).history(now() - timedelta(minutes=5), now() + timedelta(minutes=5))
    assert (one.line, one.signed_in, one.who, one.means) == ("desk-1", True, "desk", Means.CONSOLE)
