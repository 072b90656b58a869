"""The queues' page: who waits, who is signed in, what became of today's callers."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from appliance.store.journal import Journal
from appliance.store.models import Queue, QueueStay
from appliance.store.unit import Store
from appliance.store.waitlist import Waitlist
from tests.webui.conftest import SignIn, plain
from tests.webui.queues import FIRST, LIVE, NOW, waits


def test_the_page_shows_callers_lines_and_the_day(asks: Store, journal: Journal, sign_in: SignIn) -> None:
    waits(journal, "13912345678", 192, priority=5, skill="english")
    waits(journal, "", 65)
    waits(journal, "18600112233", 10, rung=("desk-1",), rung_at=NOW)
    Waitlist(journal.file).sign("desk-1", NOW - timedelta(hours=1), signed_in=True)
    Waitlist(journal.file).rest({"sales-2": NOW + timedelta(hours=2)})
    with asks.work() as session:
        session.execute(update(QueueStay).where(QueueStay.call_uuid == FIRST).values(entered_at=NOW, wait_ms=9_000))
        session.commit()
    text = plain(sign_in("desk").get("/queues").text)
    for words_ in (
        "热线队列",
        "2 waiting",
        "139 1234 5678",
        "5 english",
        "Number withheld",
        "rings or talks: 前台",
    ):
        assert words_ in text, words_
    assert re.search(r"前台 021-6123 4500 signed in since \d", text)
    assert re.search(r"销售二部 138 0013 8000 signed out rests until \d", text)
    assert "Service level" in text and "in 20 s" in text
    assert "西部" not in text and "柜台队列" not in text


def test_a_queue_that_nobody_is_signed_in_at_says_so(asks: Store, sign_in: SignIn) -> None:
    text = plain(sign_in("desk").get("/queues").text)
    assert "nobody signed in" in text
    assert "Nobody waits." in text


def test_a_box_without_queues(store: Store, sign_in: SignIn) -> None:
    with store.work() as session:
        session.execute(delete(QueueStay))
        session.execute(delete(Queue))
        session.commit()
    text = sign_in().get("/queues").text
    assert "No queue yet" in text
    assert 'id="live"' not in text


def test_each_reader_has_the_report_in_his_own_language(sign_in: SignIn) -> None:
    """Whoever came first has the templates compiled."""
    for language, words in (("zh_Hans_CN", "已接通"), ("en", "Put through"), ("zh_Hans_CN", "已接通")):
        text = plain(sign_in("desk", language).get("/queues").text)
        assert text.count(words) == 2, "in the heading, and on the card of a phone"


def test_a_queue_that_is_gone_stays_in_the_report(store: Store, sign_in: SignIn) -> None:
    with store.work() as session:
        session.execute(update(QueueStay).values(entered_at=NOW))
        session.execute(delete(Queue))
        session.commit()
    assert "hotline no longer there" in plain(sign_in("desk").get("/queues").text)


def test_only_the_live_part_is_sent_when_only_it_is_asked_for(
    store: Store, journal: Journal, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webui.views.queues.queue_report", lambda *_: pytest.fail("counted for a look"))
    waits(journal, "13912345678")
    text = sign_in("desk").get("/queues", headers=LIVE).text
    assert "<html" not in text
    assert "139 1234 5678" in text
    assert 'data-part="callers-hotline"' in text
    assert "csrf_token" not in text, "it changes each time, and the part would with it"


def test_the_report_is_sent_alone_too(sign_in: SignIn) -> None:
    text = sign_in("desk").get("/queues", headers={"HX-Request": "true", "HX-Target": "report"}).text
    assert "<html" not in text
    assert "Service level" in text


def test_two_looks_at_the_same_are_the_same_but_for_the_waits(
    asks: Store, journal: Journal, sign_in: SignIn
) -> None:
    waits(journal, "13912345678")
    client = sign_in("desk")
    looks = [re.sub(r"(<b data-since[^>]*>)[^<]*", r"\1", client.get("/queues", headers=LIVE).text) for _ in "ab"]
    assert looks[0] == looks[1]


def test_a_page_shows_no_caller_of_another_account(store: Store, journal: Journal, sign_in: SignIn) -> None:
    waits(journal, "13912345678")
    waits(journal, "18600112233", queue="counter", account="west")
    mine, theirs = (sign_in(login).get("/queues").text for login in ("desk", "other"))
    assert "139 1234 5678" in mine and "186 0011 2233" not in mine and "counter" not in mine
    assert "139 1234 5678" not in theirs and "186 0011 2233" in theirs and "hotline" not in theirs
    every = sign_in("admin").get("/queues").text
    assert "139 1234 5678" in every and "186 0011 2233" in every and "西部商贸有限公司" in every


def test_a_hostile_name_is_text(store: Store, journal: Journal, sign_in: SignIn) -> None:
    waits(journal, "<i>", skill="<u>", rung=("<s>",))
    with store.work() as session:
        session.execute(update(Queue).values(name="<q>"))
        session.commit()
    text = sign_in("desk").get("/queues").text
    assert not any(tag in text for tag in ("<i>", "<u>", "<s>", "<q>"))
