"""Signing in and out, the lock-out, the limit on attempts, the cookie."""

from __future__ import annotations

import re
import stat
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from appliance.config import Settings
from appliance.store import operators
from appliance.store.models import Operator
from appliance.store.unit import Store
from tests.support.seed import PASSWORD
from tests.webui.conftest import SignIn, csrf
from webui.app import create_app
from webui.context import now


def attempt(client: FlaskClient, login: str, password: str) -> int:
    """One attempt; 302 is in, 200 is the form again."""
    return client.post(
        "/sign-in", data={"csrf_token": csrf(client), "login": login, "password": password}
    ).status_code


def stored(store: Store, login: str = "desk") -> Operator:
    with store.reading() as session:
        return session.scalars(select(Operator).where(Operator.login == login)).one()


def test_a_right_password_opens_the_calls(app: Flask, store: Store) -> None:
    client = app.test_client()
    assert attempt(client, " Desk ", PASSWORD) == 302
    assert client.get("/").status_code == 200
    assert stored(store).last_sign_in_at is not None


def test_an_answer_never_says_which_part_was_wrong(app: Flask) -> None:
    client = app.test_client()
    texts = set()
    for login, password in (("desk", "wrong"), ("nobody", PASSWORD), ("desk", ""), ("", "x")):
        answer = client.post("/sign-in", data={"csrf_token": csrf(client), "login": login, "password": password})
        assert answer.status_code == 200
        alert = re.search(r'role="alert">(.*?)</p>', answer.text, re.DOTALL)
        assert alert
        texts.add(alert[1])
    assert len(texts) == 1


def test_without_the_token_of_the_form_nothing_is_tried(app: Flask, store: Store) -> None:
    answer = app.test_client().post("/sign-in", data={"login": "desk", "password": "wrong"})
    assert answer.status_code == 400
    assert stored(store).failed_sign_ins == 0


@pytest.mark.parametrize("path", ["/sign-out", "/language"])
def test_forms_need_their_token(sign_in: SignIn, path: str) -> None:
    client = sign_in()
    assert client.post(path, data={"language": "en"}).status_code == 400
    assert client.get("/").status_code == 200


def test_five_wrong_passwords_lock_for_a_quarter_of_an_hour(app: Flask, store: Store) -> None:
    client = app.test_client()
    assert [attempt(client, "desk", "wrong") for _ in range(5)] == [200] * 5
    until = stored(store).locked_until
    assert until is not None
    assert timedelta(minutes=14) < until - now() <= timedelta(minutes=15)
    assert attempt(client, "desk", PASSWORD) == 200
    assert attempt(client, "admin", PASSWORD) == 302

    with store.work() as session:
        session.execute(update(Operator).values(locked_until=now() - timedelta(seconds=1)))
        session.commit()
    assert attempt(app.test_client(), "desk", PASSWORD) == 302
    assert stored(store).locked_until is None


def test_tries_while_locked_do_not_lock_for_longer(app: Flask, store: Store) -> None:
    client = app.test_client()
    for _ in range(5):
        attempt(client, "desk", "wrong")
    until = stored(store).locked_until
    for _ in range(6):
        attempt(client, "desk", "wrong")
    assert stored(store).locked_until == until


def test_a_right_password_forgives_the_wrong_ones(app: Flask, store: Store) -> None:
    client = app.test_client()
    for _ in range(4):
        attempt(client, "desk", "wrong")
    assert attempt(client, "desk", PASSWORD) == 302
    assert stored(store).failed_sign_ins == 0


def test_an_address_that_keeps_failing_has_to_wait(app: Flask) -> None:
    client = app.test_client()
    answers = [attempt(client, f"nobody-{n}", "wrong") for n in range(22)]
    assert answers == [200] * 20 + [429, 429]
    client.post("/language", data={"csrf_token": csrf(client), "language": "en"})
    answer = client.post("/sign-in", data={"csrf_token": csrf(client), "login": "desk", "password": PASSWORD})
    assert answer.status_code == 429
    assert "Too many tries" in answer.text


def test_right_passwords_are_not_counted(app: Flask) -> None:
    assert [attempt(app.test_client(), "desk", PASSWORD) for _ in range(22)] == [302] * 22


def test_signing_out_ends_the_session(sign_in: SignIn) -> None:
    client = sign_in()
    answer = client.post("/sign-out", data={"csrf_token": csrf(client, "/")})
    assert (answer.status_code, answer.location) == (302, "/sign-in")
    assert client.get("/").status_code == 302
    assert client.get("/sign-out").status_code in (302, 405)


def test_a_new_session_key_ends_every_session(sign_in: SignIn, store: Store) -> None:
    client = sign_in("desk")
    with store.work() as session:
        session.execute(update(Operator).where(Operator.login == "desk").values(session_key="another"))
        session.commit()
    assert client.get("/").status_code == 302


def test_an_operator_who_was_made_inactive_is_out_at_once(sign_in: SignIn, app: Flask, store: Store) -> None:
    client = sign_in("desk")
    with store.work() as session:
        session.execute(update(Operator).where(Operator.login == "desk").values(active=False))
        session.commit()
    assert client.get("/").status_code == 302
    assert attempt(app.test_client(), "desk", PASSWORD) == 200


def test_an_operator_without_a_password_cannot_sign_in(app: Flask, store: Store) -> None:
    with store.work() as session:
        session.execute(update(Operator).where(Operator.login == "desk").values(password_hash=None))
        session.commit()
    assert attempt(app.test_client(), "desk", PASSWORD) == 200


@pytest.mark.parametrize("where", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"])
def test_nobody_is_sent_elsewhere_after_signing_in(app: Flask, where: str) -> None:
    client = app.test_client()
    answer = client.post(
        "/sign-in", data={"csrf_token": csrf(client), "login": "desk", "password": PASSWORD, "next": where}
    )
    assert answer.location.startswith("/")
    assert not answer.location.startswith(("//", "/\\"))


@pytest.mark.parametrize("https", [False, True])
def test_the_cookie_is_kept_from_scripts_and_other_sites(settings: Settings, store: Store, https: bool) -> None:
    app = create_app(settings.model_copy(update={"console_https": https}), store)
    cookie = app.test_client().get("/sign-in").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert ("Secure" in cookie) is https


def test_a_token_in_the_address_is_no_way_in(app: Flask, sign_in: SignIn) -> None:
    with app.test_request_context():
        operator = app.extensions["security"].datastore.find_user(login="desk")
        token = operator.get_auth_token()
    assert app.test_client().get(f"/?auth_token={token}").status_code == 302
    assert app.test_client().get("/", headers={"Authentication-Token": token}).status_code == 302


def test_the_key_of_the_sessions_is_made_for_its_owner_only(settings: Settings, app: Flask) -> None:
    assert stat.S_IMODE(settings.secret_key_file.stat().st_mode) == 0o600
    assert settings.secret_key_file.read_text() == app.secret_key
    assert len(settings.secret_key_file.read_text()) >= 32


def test_passwords_are_plain_argon2id(store: Store) -> None:
    hashed = operators.hash_password("correct horse")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_an_older_hash_is_renewed_when_its_owner_signs_in(settings: Settings, store: Store) -> None:
    app = create_app(settings, store)
    with store.work() as session:
        weak = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
        session.execute(update(Operator).where(Operator.login == "desk").values(password_hash=weak))
        session.commit()
    assert attempt(app.test_client(), "desk", PASSWORD) == 302
    assert (stored(store).password_hash or "").startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert attempt(app.test_client(), "desk", PASSWORD) == 302


def test_full_width_letters_are_the_same_password(app: Flask) -> None:
    """An input method left in Chinese mode types full-width forms."""
    wide = PASSWORD.translate({ord(letter): ord(letter) + 0xFEE0 for letter in "corethxs"})
    assert attempt(app.test_client(), "ｄｅｓｋ", wide) == 302
