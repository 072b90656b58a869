"""Stays in queues, on the pages of calls and numbers."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import delete, select

from appliance.domain.queue import Left
from appliance.store.models import Call, FlowVersion, QueueStay
from appliance.store.unit import Store
from tests.support.seed import NUMBER
from tests.webui.conftest import SignIn, plain
from tests.webui.queues import FIRST
from webui import words


def test_a_calls_page_tells_its_stays(store: Store, sign_in: SignIn) -> None:
    with store.work() as session:
        call = session.scalars(select(Call).where(Call.uuid == FIRST)).one()
        call.tried, call.line_id, call.outcome = "", "", "failed:queue-timeout"
        session.execute(delete(QueueStay).where(QueueStay.call_uuid == FIRST))
        for ordinal, (queue, how) in enumerate((("hotline", "key"), ("sold", "timeout")), start=1):
            session.add(
                QueueStay(
                    call_uuid=FIRST,
                    ordinal=ordinal,
                    queue_id=queue,
                    account_id="east",
                    number=NUMBER,
                    entered_at=call.started_at + timedelta(seconds=ordinal),
                    wait_ms=72_000,
                    left=how,
                )
            )
        session.commit()
    text = plain(sign_in("desk").get(f"/calls/{FIRST}").text)
    steps = [
        "Waited in the queue “热线队列”",
        "for 1 min 12 s · Left by a key",
        "Waited in the queue “sold”",
        "for 1 min 12 s · Waited too long",
        "Call ended",
        "Not connected · waited too long",
    ]
    places = [text.find(step) for step in steps]
    assert -1 not in places and places == sorted(places), dict(zip(steps, places, strict=True))


def test_a_stay_stands_before_the_lines_that_were_rung_in_it(store: Store, sign_in: SignIn) -> None:
    text = plain(sign_in("desk").get(f"/calls/{FIRST}").text)
    assert 0 < text.find("Waited in the queue") < text.find("Tried ") < text.find("Connected to")
    assert "Put through" in text


@pytest.mark.parametrize(
    ("left", "zh", "en"),
    [
        (Left.ANSWERED, "已接通", "Put through"),
        (Left.ABANDONED, "主叫放弃", "Gave up"),
        (Left.TIMEOUT, "等待超时", "Waited too long"),
        (Left.FULL, "队列已满", "Queue full"),
        (Left.NOBODY, "无人值守", "Nobody at the lines"),
        (Left.KEY, "按键离开", "Left by a key"),
        (Left.LOST, "中断", "Cut off"),
    ],
)
def test_every_way_to_leave_has_words(app: Flask, left: Left, zh: str, en: str) -> None:
    for locale, text in (("zh_Hans_CN", zh), ("en", en)):
        with app.test_request_context(), force_locale(locale):
            assert words.left(left.value).text == text


@pytest.mark.parametrize(
    "code", ["abandoned:queue", "failed:queue-timeout", "failed:queue-full", "failed:queue-nobody"]
)
def test_outcomes_of_queues_have_words(app: Flask, code: str) -> None:
    with app.test_request_context(), force_locale("zh_Hans_CN"):
        told = words.outcome(code)
    assert not told.text.isascii()
    assert not told.why.isascii()


def test_a_number_shows_the_queue_of_its_flow(store: Store, sign_in: SignIn) -> None:
    with store.work() as session:
        version = session.scalars(select(FlowVersion)).one()
        node = {"type": "queue", "queue": "hotline", "keys": {"9": "bye"}, "full": "busy", "timeout": "bye"}
        version.graph = {**version.graph, "nodes": {**version.graph["nodes"], "desk": {**node, "nobody": "busy"}}}
        session.commit()
    text = plain(sign_in("desk").get("/numbers").text)
    assert "Queue desk “热线队列” idle longest first 1. 前台 021-6123 4500 · 2. 销售二部 138 0013 8000" in text
    assert re.search(
        r"9 → \d bye queue full → \d busy waited too long → \d bye nobody at the lines → \d busy", text
    )
