"""The queues: who waits, who is signed in, what became of today's callers; on the page, and in a call's trail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import delete, select, update

from appliance.config import Settings
from appliance.domain.queue import Left, Waiting
from appliance.errors import StoreError
from appliance.store import waitlist
from appliance.store.journal import Journal, Talked
from appliance.store.models import Call, FlowVersion, Operator, Queue, QueueStay, Role
from appliance.store.queries import Scope, reading
from appliance.store.queries.queues_now import QueueNow, asks_for_sign_in, queues_now
from appliance.store.signing import Means, Signing, sign
from appliance.store.unit import Store
from appliance.store.waitlist import Kept, Waitlist
from tests.support.seed import NUMBER
from tests.webui.conftest import SignIn, csrf
from webui import words

FIRST = "00000000-0000-4000-8000-000000000000"
NOW = datetime.now(UTC)
LIVE = {"HX-Request": "true", "HX-Target": "live"}


@pytest.fixture
def journal(settings: Settings) -> Iterator[Journal]:
    """The box's journal, as handlers have it."""
    with closing(Journal(settings.journal_file)) as opened:
        yield opened


@pytest.fixture
def asks(store: Store) -> Store:
    """The first account's queue asks for signing in."""
    with store.work() as session:
        session.execute(update(Queue).where(Queue.id == "hotline").values(sign_in=True))
        session.commit()
    return store


def waits(
    journal: Journal, caller: str, seconds: int = 60, queue: str = "hotline", account: str = "east", **more: object
) -> None:
    """A caller has been waiting for so long."""
    waiting = Waiting(
        f"uuid-{caller}",
        queue,
        NOW - timedelta(seconds=seconds),
        NUMBER,
        caller,
        **more,  # type: ignore[arg-type]
    )
    Waitlist(journal.file).keep(Kept(waiting, account, "1@2"))


def found(store: Store, journal: Journal, account: str | None = "east") -> list[QueueNow]:
    with reading(store, Scope(account)) as reader:
        return list(queues_now(reader, Waitlist(journal.file), NOW))


def plain(text: str) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def press(client: FlaskClient, **form: str) -> int:
    """Send the form that the buttons belong to."""
    return client.post("/queues/sign", data={"csrf_token": csrf(client, "/queues"), **form}).status_code


# -- what is read ---------------------------------------------------------------------------------------------


def test_callers_stand_in_the_order_in_which_they_are_served(store: Store, journal: Journal) -> None:
    waits(journal, "13900000001", 100)
    waits(journal, "13900000002", 50, priority=5, skill="english")
    waits(journal, "13900000003", 20)
    waits(journal, "13900000004", 10, rung=("desk-1", "gone"), rung_at=NOW)
    (hotline,) = found(store, journal)
    assert [(one.caller[-1], one.position) for one in hotline.callers] == [("4", 0), ("2", 1), ("1", 2), ("3", 3)]
    assert hotline.callers[0].rung == ("前台", "gone")
    assert (hotline.callers[1].priority, hotline.callers[1].skill) == (5, "english")
    assert hotline.waiting == 3


def test_who_has_left_is_not_there(store: Store, journal: Journal) -> None:
    waits(journal, "13900000001")
    kept = Waitlist(journal.file).here()[0]
    Waitlist(journal.file).keep(kept, left_at=NOW)
    assert found(store, journal)[0].callers == ()


def test_lines_rest_and_wrap_up(store: Store, journal: Journal) -> None:
    Waitlist(journal.file).rest({"desk-1": NOW + timedelta(seconds=5)})
    ended = NOW - timedelta(seconds=5)
    talk = ("u", NUMBER, "139", "sales-2", ended - timedelta(seconds=60), ended)
    journal.talked([Talked(*talk), Talked("v", *talk[1:3], "desk-1", *talk[4:])])
    lines = {line.id: line.rests_until for line in found(store, journal)[0].lines}
    # Fifteen seconds after a talk; of two reasons the longer one holds.
    assert lines == {"desk-1": ended + timedelta(seconds=15), "sales-2": ended + timedelta(seconds=15)}
    with store.work() as session:
        session.execute(update(Queue).values(wrap_up_seconds=0))
        session.commit()
    lines = {line.id: line.rests_until for line in found(store, journal)[0].lines}
    assert lines == {"desk-1": NOW + timedelta(seconds=5), "sales-2": None}


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("east", {"hotline": ["13900000001"]}),
        ("west", {"counter": ["13900000002"]}),
        ("nobody", {}),
        (None, {"hotline": ["13900000001", "13900000003"], "counter": ["13900000002"]}),
    ],
)
def test_the_scope_holds_callers_too(
    store: Store, journal: Journal, account: str | None, expected: dict[str, list[str]]
) -> None:
    waits(journal, "13900000001", 3)
    waits(journal, "13900000002", 2, queue="counter", account="west")
    # The rows of a queue that was another company's until a moment ago.
    waits(journal, "13900000003", 1, account="west")
    queues = found(store, journal, account)
    assert {queue.id: [one.caller for one in queue.callers] for queue in queues} == expected


def test_only_lines_of_queues_that_ask_can_be_signed_in(asks: Store) -> None:
    with reading(asks, Scope("east")) as reader:
        assert asks_for_sign_in(reader, "desk-1")
        assert not any(asks_for_sign_in(reader, line) for line in ("sales-1", "west-1", "gone", ""))
    with reading(asks, Scope("west")) as reader:
        assert not asks_for_sign_in(reader, "desk-1")


def signing(signed_in: bool, at: datetime = NOW) -> Signing:
    return Signing("desk-1", signed_in, at, "desk", Means.CONSOLE)


def test_who_signs_in_again_stays_so_since_the_first_time(settings: Settings, journal: Journal) -> None:
    for minutes in (2, 1):
        sign(settings.journal_file, signing(True, NOW - timedelta(minutes=minutes)))
    since = Waitlist(journal.file).signed_in()["desk-1"]
    assert abs(since - (NOW - timedelta(minutes=2))) < timedelta(seconds=1)
    sign(settings.journal_file, signing(False))
    assert Waitlist(journal.file).signed_in() == {}


def test_a_journal_that_cannot_be_written_is_told(settings: Settings) -> None:
    settings.journal_file.mkdir()
    with pytest.raises(StoreError):
        sign(settings.journal_file, signing(True))


# -- the page -------------------------------------------------------------------------------------------------


def test_the_page_shows_callers_lines_and_the_day(asks: Store, journal: Journal, sign_in: SignIn) -> None:
    waits(journal, "13912345678", 192, priority=5, skill="english")
    waits(journal, "", 65)
    waits(journal, "18600112233", 10, rung=("desk-1",), rung_at=NOW)
    Waitlist(journal.file).sign("desk-1", NOW - timedelta(hours=1), signed_in=True)
    Waitlist(journal.file).rest({"sales-2": NOW + timedelta(minutes=10)})
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


# -- signing in and out ---------------------------------------------------------------------------------------


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


# -- calls and numbers ----------------------------------------------------------------------------------------


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
