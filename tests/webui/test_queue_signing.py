"""Lines are signed in and out on the queues' page."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from appliance.store import waitlist
from appliance.store.journal import Journal
from appliance.store.models import Operator, Role
from appliance.store.unit import Store
from appliance.store.waitlist import Waitlist
from tests.webui.conftest import SignIn, csrf
from tests.webui.queues import LIVE


def press(client: FlaskClient, **form: str) -> int:
    """Send the form that the buttons belong to."""
    return client.post("/queues/sign", data={"csrf_token": csrf(client, "/queues"), **form}).status_code


@pytest.mark.parametrize("login", ["desk", "admin"])
def test_a_line_is_signed_in_and_out(asks: Store, journal: Journal, sign_in: SignIn, login: str) -> None:
    client = sign_in(login)
    assert 'name="in" value="desk-1"' in client.get("/queues").text
    assert press(client, **{"in": "desk-1"}) == 303
    assert list(Waitlist(journal.file).signed_in()) == ["desk-1"]
    assert 'name="out" value="desk-1"' in client.get("/queues").text
    assert press(client, out="desk-1") == 303
    assert Waitlist(journal.file).signed_in() == {}


def test_the_answer_to_a_press_is_the_new_live_part(asks: Store, sign_in: SignIn) -> None:
    client = sign_in("desk")
    form = {"csrf_token": csrf(client, "/queues"), "in": "desk-1"}
    answer = client.post("/queues/sign", data=form, headers=LIVE)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'name="out" value="desk-1"' in answer.text


@pytest.mark.parametrize("line", ["sales-1", "west-1", "gone", ""])
def test_a_line_that_is_not_asked_for_is_not_found(
    asks: Store, journal: Journal, sign_in: SignIn, line: str
) -> None:
    assert press(sign_in("desk"), **{"in": line}) == 404
    assert Waitlist(journal.file).signed_in() == {}


def test_a_line_of_another_account_is_not_found(asks: Store, journal: Journal, sign_in: SignIn) -> None:
    assert press(sign_in("other"), **{"in": "desk-1"}) == 404
    assert Waitlist(journal.file).signed_in() == {}


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("administrator", True),
        ("operator", True),
        ("supervisor", True),
        ("finance", False),
        ("agent", False),
        ("auditor", False),
    ],
)
def test_who_may_sign_in_lines(asks: Store, journal: Journal, sign_in: SignIn, role: str, may: bool) -> None:
    with asks.work() as session:
        desk = session.scalars(select(Operator).where(Operator.login == "desk")).one()
        desk.roles = [session.scalars(select(Role).where(Role.name == role)).one()]
        session.commit()
    client = sign_in("desk")
    assert ('value="desk-1"' in client.get("/queues").text) is may
    assert press(client, **{"in": "desk-1"}) == (303 if may else 403)
    assert ("desk-1" in Waitlist(journal.file).signed_in()) is may


def test_signing_in_needs_the_forms_token(asks: Store, journal: Journal, sign_in: SignIn) -> None:
    assert sign_in("desk").post("/queues/sign", data={"in": "desk-1"}).status_code == 400
    assert Waitlist(journal.file).signed_in() == {}


def test_a_sign_in_that_could_not_be_kept_is_told(
    asks: Store, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waitlist.Waitlist, "sign", lambda *_, **__: None)
    assert press(sign_in("desk"), **{"in": "desk-1"}) == 503
