"""Who asked to be called back: on the page of the queues, in the trail of a call, and closed by a clerk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select

from appliance.cdr import callbacks as collector
from appliance.cli.queue import queue as queue_command
from appliance.config import Settings
from appliance.domain.callback import Ending, Request, Verdict
from appliance.store import callback_records as records
from appliance.store.callbacks import Callbacks
from appliance.store.journal import Journal
from appliance.store.models import Call, Callback, CallLeg, Operator, QueueStay, Role
from appliance.store.queries import Scope, reading
from appliance.store.queries.callbacks import callback_report, calls_for, may_see
from appliance.store.queries.queues_now import queues_now
from appliance.store.unit import Store
from appliance.store.waitlist import Waitlist
from tests.support.seed import NUMBER
from tests.webui.conftest import SignIn, csrf

NOW = datetime.now(UTC).replace(microsecond=0)
#: A call of the seed, and one that calls its caller back.
ASKED, BACK = "00000000-0000-4000-8000-000000000000", "0b1c7f3e-0000-4000-8000-000000000001"
CALLER = "13912345678"


@pytest.fixture
def requests(settings: Settings) -> Iterator[Callbacks]:
    with closing(Journal(settings.journal_file)) as journal:
        yield Callbacks(journal.file)


def request(id_: str = ASKED, account: str = "east", **changed: object) -> Request:
    made = Request(
        id_,
        "hotline",
        account,
        NUMBER,
        CALLER,
        CALLER,
        "t",
        0,
        "",
        NOW - timedelta(minutes=5),
        NOW - timedelta(minutes=4),
        NOW + timedelta(hours=1),
        NOW - timedelta(minutes=4),
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def ended(requests: Callbacks, ending: Ending) -> None:
    """One whose line has called him."""
    requests.ask(request())
    requests.claim(request(), [BACK], ["desk-1"], "1@2", NOW)
    requests.rings_him(ASKED, BACK, "1@2", NOW)
    requests.settle(ASKED, BACK, Verdict(ending, NOW, 1), "busy", NOW)


def close(client: FlaskClient, id_: str, reason: str = "") -> int:
    form = {"csrf_token": csrf(client, "/queues"), "id": id_, f"reason-{id_}": reason}
    return client.post("/queues/callbacks", data=form).status_code


def test_open_and_ended_requests_are_shown(sign_in: SignIn, requests: Callbacks) -> None:
    ended(requests, Ending.FAILED)
    requests.ask(request("second", callee="13900000000", caller=""))
    page = sign_in("desk", "zh_Hans_CN").get("/queues").get_data(as_text=True)
    assert "1 个待回拨" in page and "未接通" in page and "占线" in page
    assert "由 未显示号码 登记" in page
    assert f'href="/calls/{ASKED}"' in page
    assert page.count("确认关闭") == 1, "only the open one can be closed"


def test_nobody_sees_or_closes_another_accounts_request(sign_in: SignIn, requests: Callbacks) -> None:
    requests.ask(request("theirs", "west", callee="13911111111"))
    client = sign_in("desk", "zh_Hans_CN")
    assert "139 1111 1111" not in client.get("/queues").get_data(as_text=True)
    assert close(client, "theirs") == 404 and close(client, "none") == 404
    assert requests.one("theirs").ending is None  # type: ignore[union-attr]


def test_a_clerk_closes_a_request_and_it_says_who_and_why(sign_in: SignIn, requests: Callbacks) -> None:
    requests.ask(request())
    client = sign_in("desk", "zh_Hans_CN")
    assert close(client, ASKED, "  已 电话\n联系 ") == 303
    found = requests.one(ASKED)
    assert found is not None and (found.ending, found.reason) == (Ending.WITHDRAWN, "已 电话 联系")
    assert found.closed_by
    page = client.get("/queues").get_data(as_text=True)
    assert "已 电话 联系" in page and f"由 {found.closed_by}" in page
    assert close(client, ASKED, "again") == 303
    assert requests.one(ASKED) == found


def test_who_may_not_sign_lines_in_may_not_close(store: Store, sign_in: SignIn, requests: Callbacks) -> None:
    with store.work() as session:
        desk = session.scalars(select(Operator).where(Operator.login == "desk")).one()
        desk.roles = [session.scalars(select(Role).where(Role.name == "auditor")).one()]
        session.commit()
    requests.ask(request())
    client = sign_in("desk", "zh_Hans_CN")
    assert "确认关闭" not in client.get("/queues").get_data(as_text=True)
    assert close(client, ASKED) == 403


def test_he_stands_among_those_who_wait(store: Store, requests: Callbacks) -> None:
    requests.ask(request())
    requests.ask(request("theirs", "west", callee="13911111111"))
    waitlist = Waitlist(requests._file)
    with reading(store, Scope("east")) as reader:
        (hotline,) = queues_now(reader, waitlist, NOW)
    assert [(one.caller, one.position, one.callback) for one in hotline.callers] == [(CALLER, 1, True)]


def back(store: Store, **changed: object) -> None:
    """A stored call that was made for the request, with its two legs."""
    values = {
        "uuid": BACK,
        "account_id": "east",
        "number": NUMBER,
        "caller": CALLER,
        "caller_kind": "mobile",
        "started_at": NOW,
        "answered_at": NOW + timedelta(seconds=4),
        "joined_at": NOW + timedelta(seconds=12),
        "ended_at": NOW + timedelta(seconds=42),
        "bridged_ms": 30_000,
        "line_id": "desk-1",
        "outcome": "answered",
        "callback_id": ASKED,
        "collected_at": NOW,
    }
    with store.work() as session:
        session.add(Call(**{**values, **changed}))
        for role, uuid, after in (("caller", BACK, 0), ("line", "his", 5)):
            session.add(
                CallLeg(
                    leg_uuid=uuid,
                    call_uuid=BACK,
                    role=role,
                    started_at=NOW + timedelta(seconds=after),
                    answered_at=NOW + timedelta(seconds=after + 4),
                    ended_at=NOW + timedelta(seconds=42),
                    hangup_cause="NORMAL_CLEARING",
                    facts={},
                )
            )
        session.commit()


def test_a_call_back_explains_itself_and_leads_to_the_first_call(store: Store, sign_in: SignIn) -> None:
    back(store)
    client = sign_in("desk", "zh_Hans_CN")
    page = client.get(f"/calls/{BACK}").get_data(as_text=True)
    assert "回拨" in page and f'href="/calls/{ASKED}"' in page
    assert "呼叫客户" in page and "接通 前台" in page and "通话 30秒" in page.replace("\u00a0", " ")
    first = client.get(f"/calls/{ASKED}").get_data(as_text=True)
    assert f'href="/calls/{BACK}"' in first and "已回拨" in first


def test_what_records_say_is_told_to_the_journal_once(store: Store, requests: Callbacks) -> None:
    requests.ask(request())
    requests.claim(request(), [BACK], ["desk-1"], "1@2", NOW)
    requests.rings_him(ASKED, BACK, "1@2", NOW)
    back(store)
    for _ in range(2):
        with store.reading() as session:
            collector.tell(session, requests, records.of_calls([BACK]), NOW)
    found = requests.one(ASKED)
    assert found is not None and (found.ending, found.said) == (Ending.REACHED, "answered")


@pytest.mark.parametrize("left", ["answered", "lost"], ids=["by-the-queue", "by-the-fallback"])
def test_who_called_again_and_was_answered_is_not_called(store: Store, requests: Callbacks, left: str) -> None:
    requests.ask(request())
    back(store, callback_id="")
    with store.work() as session:
        session.add(
            QueueStay(
                call_uuid=BACK,
                ordinal=1,
                queue_id="hotline",
                account_id="east",
                number=NUMBER,
                entered_at=NOW,
                wait_ms=1,
                left=left,
            )
        )
        session.commit()
    with store.reading() as session:
        collector.tell(session, requests, records.of_calls([BACK]), NOW)
    found = requests.one(ASKED)
    assert found is not None and (found.ending, found.reason) == (Ending.WITHDRAWN, f"answered {BACK}")


def test_requests_are_kept_in_the_database_as_they_change(store: Store, requests: Callbacks) -> None:
    requests.ask(request())
    collector.keep(store, requests)
    with store.reading() as session:
        row = session.get_one(Callback, ASKED)
        assert (row.ending, row.closed_at, row.attempts, row.callee) == ("", None, 0, CALLER)
    requests.close(ASKED, "x" * 300, "clerk", NOW)
    collector.keep(store, requests)
    collector.keep(store, requests)
    with reading(store, Scope("east")) as reader:
        (report,) = callback_report(reader, NOW - timedelta(hours=1), NOW)
        assert (report.balance.asked, report.balance.open, report.balance.ended[Ending.WITHDRAWN]) == (1, 0, 1)
        assert may_see(reader, requests.one(ASKED)) and not may_see(reader, None)
        assert calls_for(reader, ASKED) == []
    with reading(store, Scope("west")) as reader:
        assert callback_report(reader, NOW - timedelta(hours=1), NOW) == []


def test_the_commands(
    store: Store, settings: Settings, requests: Callbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.config.load", lambda: settings)

    def said(*words: str) -> str:
        done = CliRunner().invoke(queue_command, words)
        return done.output + (str(done.exception) if done.exception else "")

    assert said("callbacks") == "nobody asked to be called back\n"
    requests.ask(request())
    collector.keep(store, requests)
    assert ASKED in said("callbacks") and "1 asked: 0 reached" in said("callbacks", "--since", "2026-01-01 00:00")
    assert "say why" in said("callback", ASKED, "--close", "--reason", " ")
    assert "no such request" in said("callback", "none", "--close", "--reason", "x")
    assert said("callback", ASKED, "--close", "--reason", "called by hand") == f"{ASKED} is closed\n"
    assert "has ended already" in said("callback", ASKED, "--close", "--reason", "x")
    shown = json.loads(said("callbacks", "--json"))
    assert shown["open"] == []
    assert [(one["id"], one["ending"], one["closed_by"]) for one in shown["ended"]] == [(ASKED, "withdrawn", "cli")]
