"""The list of calls and one call: found, shown, harmless."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import delete, select, text, update

from appliance.store.models import Account, Call, CallLeg, Charge, Number, Recording, RecordingAccess, Settlement
from appliance.store.queries import Scope, calls, reading
from appliance.store.queries.calls import CallFilter
from appliance.store.unit import Store
from tests.calls.scenarios import chains, table
from tests.support.seed import SHANGHAI
from tests.webui.conftest import SignIn
from webui import words
from webui.call_filter import read_filter
from webui.views import calls as views

FIRST = "00000000-0000-4000-8000-000000000000"
NOT_RATED = "00000000-0000-4000-8000-000000000001"


def ids(store: Store, **wanted: str) -> list[str]:
    """The calls of the first account that a query string finds."""
    with reading(store, Scope("east")) as reader:
        return [row.uuid for row in calls.page(reader, read_filter(wanted).filter, limit=500)]


def change(store: Store, uuid: str = FIRST, **values: object) -> None:
    with store.work() as session:
        session.execute(update(Call).where(Call.uuid == uuid).values(**values))
        session.commit()


def test_newest_come_first(store: Store) -> None:
    with reading(store, Scope(None)) as reader:
        rows = calls.page(reader, CallFilter(), limit=500)
    assert [row.started_at for row in rows] == sorted((row.started_at for row in rows), reverse=True)
    assert len(rows) == 61


@pytest.mark.parametrize(
    "written", ["13912345678", "139 1234 5678", "+86 139-1234-5678", "0086 13912345678", "12345", "013912345678"]
)
def test_a_caller_is_found_in_any_writing(store: Store, written: str) -> None:
    with store.reading() as session:
        expected = set(session.scalars(select(Call.uuid).where(Call.caller == "13912345678")))
    assert set(ids(store, caller=written)) == expected
    assert expected


def test_a_caller_is_found_by_the_name_sent(store: Store) -> None:
    assert len(ids(store, caller="san franc")) == len(ids(store, caller="+14155550100")) > 0


@pytest.mark.parametrize("caller", ["%", "_", "' or 1=1 --", "<script>x", "\\", "*"])
def test_signs_of_the_database_mean_nothing_in_a_search(store: Store, caller: str) -> None:
    assert ids(store, caller=caller) == []


def test_lines_outcomes_and_numbers_narrow_the_list(store: Store) -> None:
    with store.reading() as session:
        stored = {call.uuid: call for call in session.scalars(select(Call).where(Call.account_id == "east"))}
    assert {stored[uuid].line_id for uuid in ids(store, line="service-1")} == {"service-1"}
    assert {stored[uuid].outcome.split(":")[0] for uuid in ids(store, outcome="abandoned")} == {"abandoned"}
    assert len(ids(store, number="400-800-1234")) == len(ids(store, number="4008001234")) == len(stored)
    assert ids(store, number="4009990000") == []
    assert set(ids(store, outcome="answered", line="desk-1")) == {
        uuid for uuid, call in stored.items() if call.line_id == "desk-1" and call.outcome == "answered"
    }


def test_a_day_is_a_day_of_shanghai(store: Store) -> None:
    midnight = datetime(2025, 3, 1, tzinfo=SHANGHAI)
    change(store, started_at=midnight)
    change(store, NOT_RATED, started_at=midnight - timedelta(milliseconds=1))
    assert ids(store, **{"from": "2025-03-01", "to": "2025-03-01"}) == [FIRST]
    assert ids(store, **{"from": "2025-02-28", "to": "2025-02-28"}) == [NOT_RATED]


@pytest.mark.parametrize("field", ["from", "to"])
@pytest.mark.parametrize("text", ["22.11.2026", "2026-13-01", "x" * 200, "2026-11-22T10:00:00"])
def test_a_field_that_cannot_be_read_is_named_and_filters_nothing(sign_in: SignIn, field: str, text: str) -> None:
    answer = sign_in().get("/", query_string={field: text})
    assert answer.status_code == 200
    assert 'aria-invalid="true"' in answer.text
    assert f'id="fault-{field}" role="alert"' in answer.text


def test_pages_hold_every_call_once(sign_in: SignIn) -> None:
    client = sign_in()
    found = [re.findall(r'href="/calls/([0-9a-z-]+)"', client.get(f"/?from=&to=&page={n}").text) for n in (1, 2, 3)]
    assert [len(page) for page in found] == [50, 11, 11]
    assert found[2] == found[1], "beyond the last page the last one is shown"
    assert len({*found[0], *found[1]}) == 61


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999"])
def test_a_page_number_cannot_break_the_list(sign_in: SignIn, page: str) -> None:
    assert sign_in().get(f"/?page={page}").status_code == 200


def test_the_sums_are_those_of_the_whole_filter(store: Store) -> None:
    with store.reading() as session:
        stored = session.scalars(select(Call).where(Call.account_id == "east")).all()
        charges = session.scalars(select(Charge.amount)).all()
    with reading(store, Scope("east")) as reader:
        sums = calls.totals(reader, CallFilter())
        none = calls.totals(reader, CallFilter(caller="nobody"))
    assert sums.calls == len(stored) == 60
    assert sums.answered == sum(call.outcome == "answered" for call in stored)
    assert sums.answered + sums.abandoned + sums.failed + sums.refused == 60
    assert sums.talk_ms == sum(call.bridged_ms for call in stored)
    assert sums.amount == sum(charges)
    assert (none.calls, none.talk_ms, none.amount) == (0, 0, 0)


def test_many_calls_are_summed_after_the_list(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "SUMMED_AT_ONCE", 10)
    client = sign_in("desk")
    address = re.search(r'hx-get="(/calls/sums[^"]*)"', client.get("/?from=&to=&outcome=answered").text)
    assert address
    text = client.get(html.unescape(address[1])).text
    assert "<html" not in text
    with_all = client.get("/?from=&to=&outcome=answered&caller=x").text
    assert "being added up" not in with_all
    monkeypatch.setattr(views, "SUMMED_AT_ONCE", 100)
    assert re.sub(r"\s+", "", text) in re.sub(r"\s+", "", client.get("/?from=&to=&outcome=answered").text)


def test_what_was_asked_for_stays_in_the_form(sign_in: SignIn) -> None:
    text = sign_in().get("/?caller=139%22&outcome=failed&line=gone&from=2026-01-02&to=").text
    assert 'value="139&#34;"' in text
    assert '<option value="failed" selected>' in text
    assert '<option value="gone" selected>' in text
    assert 'value="2026-01-02"' in text


def test_only_the_results_are_sent_when_only_they_change(sign_in: SignIn) -> None:
    text = sign_in().get("/", headers={"HX-Request": "true", "HX-Target": "results"}).text
    assert "<html" not in text
    assert 'class="calls"' in text


def test_a_name_that_a_carrier_sent_is_text_and_nothing_else(sign_in: SignIn, store: Store) -> None:
    hostile = '"><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}${7*7}%(x)s'
    change(store, caller_name=hostile, keys="<b>menu</b>=1;x=<i>", tried="<u>line</u>=<s>busy</s>", flow="<a>@<b>")
    change(store, outcome="<em>odd</em>:<q>", hangup_cause="<cite>", trunk_id="<kbd>", caller="<tt>", number="<ul>")
    client = sign_in()
    for path in ("/?from=&to=", f"/calls/{FIRST}"):
        text = client.get(path).text
        for tag in ("<img", "<script>a", "<b>menu", "<i>", "<u>", "<s>", "<em>", "<q>", "<cite>", "<tt>", "<ul>"):
            assert tag not in text, (path, tag)
        assert "49" not in re.findall(r"sent-name[^>]*>([^<]*)", text)[0]


def test_an_empty_box_says_what_to_do(sign_in: SignIn, store: Store) -> None:
    client = sign_in()
    with store.work() as session:
        # Some charges are final, which the database keeps.
        session.execute(text("DROP TRIGGER charges_no_delete"))
        for table in (RecordingAccess, Recording, Charge, CallLeg, Call):
            session.execute(delete(table))
        session.commit()
    page = client.get("/").text
    assert "Dial 400-600-5678 from any phone" in page
    assert 'id="filters"' not in page, "there is nothing to search"
    with store.work() as session:
        session.execute(delete(Number))
        session.commit()
    assert "There is no 400 number on this box yet" in client.get("/").text
    assert "No number yet" not in client.get("/numbers").text, "there are lines still"


def test_a_search_without_a_result_offers_all_calls(sign_in: SignIn) -> None:
    text = sign_in().get("/?caller=nobody").text
    assert "No call matches" in text
    assert 'href="/?from=&amp;to="' in text


def test_a_call_tells_its_way(sign_in: SignIn, store: Store) -> None:
    change(store, keys="welcome=2", tried="sales-1=busy;service-1=answered", line_id="service-1")
    text = re.sub(r"<[^>]+>|\s+", " ", sign_in().get(f"/calls/{FIRST}").text)
    text = re.sub(r"\s+", " ", text)
    steps = [
        "Call to 400-800-1234",
        "by trunk 电信中继",
        "Menu began",
        "flow main, version 3",
        "Caller pressed a key 2",
        "in menu “welcome”",
        "Tried 销售一部",
        "021-6123 4567 · busy",
        "Tried 售后服务",
        "Connected to 售后服务",
        "Call ended",
        "Answered · normal end",
    ]
    places = [text.find(step) for step in steps]
    assert -1 not in places, dict(zip(steps, places, strict=True))
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("because", "told"),
    [
        ("list=nuisance entry=1771234*", "list 骚扰号码 · entry 1771234*"),
        ("out-of-hours schedule=office", "out of hours · schedule 工作时间"),
        (
            "sales-1=off-schedule service-1=daily-cap",
            "销售一部 off its schedule · 售后服务 its calls of the day used up",
        ),
        # What is gone, nameless or another company's goes by its id.
        ("list=sold schedule=shop west-1=gone", "list sold · schedule shop · west-1 no longer there"),
        ("list=<i> <b>=gone", "list &lt;i&gt; · &lt;b&gt; no longer there"),
    ],
)
def test_lists_schedules_and_lines_of_a_rule_go_by_their_names(
    sign_in: SignIn, store: Store, because: str, told: str
) -> None:
    change(store, because=because)
    assert told in sign_in("desk").get(f"/calls/{FIRST}").text


def test_what_any_rule_says_of_a_call_has_words(app: Flask) -> None:
    spoken = {part.partition("=") for chain in chains() for row in chain for part in row.because.split()}
    assert len(spoken) > 20
    lines = table().lines
    codes = {name if name not in lines else value for name, _, value in spoken}
    with app.test_request_context(), force_locale("zh_Hans_CN"):
        assert {code for code in codes if words.because(code, {}).isascii()} == set()


def test_a_charge_explains_itself(sign_in: SignIn, store: Store) -> None:
    with store.work() as session:
        session.execute(
            update(Charge)
            .where(Charge.call_uuid == FIRST)
            .values(
                metered_seconds=95,
                billable_units=96,
                included_units=36,
                charged_units=60,
                amount=150_000,
                reason="part-included",
                price_from="2026-01-01T00:00:00+08:00",
            )
        )
        session.commit()
    client = sign_in()
    text = client.get(f"/calls/{FIRST}").text
    assert "first 60 seconds, then steps of 6" in text
    assert "36 seconds included, 60 seconds charged" in text
    assert "60 × 0.15 ÷ 60 = 0.15 yuan, exactly" in text
    assert "the company pays the rest" in text
    assert "Provisional" in text
    # What is stored is not what the call gives.
    assert "changed since it was rated" in text
    assert "not rated yet" in client.get(f"/calls/{NOT_RATED}").text


def test_a_rejected_charge_is_not_shown_as_free(sign_in: SignIn, store: Store) -> None:
    with store.work() as session:
        session.execute(
            update(Charge)
            .where(Charge.call_uuid == FIRST)
            .values(reason="reject:no-price", amount=0, plan_code="", price_from="")
        )
        session.commit()
    client = sign_in()
    text = client.get(f"/calls/{FIRST}").text
    assert "could not be rated: the plan had no price for this caller at that time" in text
    assert "changed since it was rated" in text
    found = client.get("/api/v1/calls").get_json()["calls"][0]
    assert (found["id"], found["amount_yuan"]) == (FIRST, None)


@pytest.mark.parametrize("uuid", ["no-such-call", "..", "%2e%2e", "a" * 500])
def test_a_call_that_is_not_there(sign_in: SignIn, uuid: str) -> None:
    assert sign_in().get(f"/calls/{uuid}").status_code in (404, 302)


def test_a_company_is_named_to_those_who_see_several(sign_in: SignIn, store: Store) -> None:
    with store.work() as session:
        session.execute(update(Account).where(Account.id == "east").values(name="<East>"))
        session.commit()
    assert "&lt;East&gt;" in sign_in().get(f"/calls/{FIRST}").text


@pytest.mark.parametrize(("language", "told"), [("en", "To be checked"), ("zh_Hans_CN", "待核查")])
def test_a_call_that_the_switch_took_with_it_is_marked(
    sign_in: SignIn, store: Store, language: str, told: str
) -> None:
    """It has no legs, no cause and no charge, and waits for a person."""
    change(store, outcome="abnormal", hangup_cause="", tried="", talks="")
    with store.work() as session:
        session.execute(delete(Charge).where(Charge.call_uuid == FIRST))
        session.execute(delete(CallLeg).where(CallLeg.call_uuid == FIRST))
        session.commit()
    client = sign_in(language=language)
    page = client.get(f"/calls/{FIRST}")
    assert page.status_code == 200 and told in page.text
    assert ids(store, outcome="abnormal") == [FIRST]


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        ("waive", "由 boss 于 2026-11-25 核定免收：电话断了"),
        ("charge", "由 boss 于 2026-11-25 核定通话时长：电话断了"),
    ],
)
def test_a_call_says_who_settled_it_and_that_it_came_late(
    store: Store, sign_in: SignIn, action: str, sentence: str
) -> None:
    with store.work() as session:
        session.add(
            Settlement(
                call_uuid=FIRST,
                account_id="east",
                action=action,
                before={},
                after={},
                reason="电话断了",
                by_login="boss",
                at=datetime(2026, 11, 25, 10, tzinfo=SHANGHAI),
            )
        )
        session.execute(
            update(Charge).where(Charge.call_uuid == FIRST).values(month=2026 * 12 + 9, booked_month=2026 * 12 + 10)
        )
        session.commit()
    page = sign_in("admin", "zh").get(f"/calls/{FIRST}").text
    assert sentence in page
    assert "通话在其月份结账之后才入库，计入 2026-11 的账单" in page
