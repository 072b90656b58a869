"""Plans compared, and a call's charge in words: on the pages and by the API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.store.unit import Store
from tests.support.seed import NUMBER
from tests.webui.advised import put_months
from tests.webui.conftest import SignIn
from webui.views import advice

CALL = "month-0001"


@pytest.fixture
def months(store: Store) -> None:
    put_months(store, datetime.now(UTC), calls=40)


@pytest.mark.usefixtures("months")
def test_every_plan_is_compared(sign_in: SignIn) -> None:
    page = sign_in("admin", language="zh_Hans_CN").get("/advice?account=east").text
    assert "套餐建议" in page and "最省的是" in page and "一般来说，按时计费适合通话不多而咨询较长" in page
    for code in ("C1", "C35", "T600", "T1200", "FIX"):
        assert f"<code>{code}</code>" in page
    assert page.count("<table") == 3, "the account and its two numbers"
    assert page.count("缺价格") == 3 and "没有价格" in page
    english = sign_in("admin").get(f"/advice?account=east&number={NUMBER}&months=6").text
    assert english.count("<table") == 1 and "months have cost" in english and "cheapest" in english


@pytest.mark.usefixtures("months")
def test_of_another_company_nothing_is_compared(sign_in: SignIn) -> None:
    page = sign_in("other").get(f"/advice?account=east&number={NUMBER}").text
    assert "This company has no number yet." in page and "东方机电" not in page
    page = sign_in("desk").get("/advice?account=west").text
    assert "东方机电有限公司" in page and "西部商贸" not in page


@pytest.mark.usefixtures("months")
def test_more_calls_than_a_page_looks_at(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "MOST_CALLS", 10)
    assert "40 calls are too many for a page (10)" in sign_in("admin").get("/advice?account=east").text


@pytest.mark.parametrize("query", ["number=400", "number=%3Cscript%3E"])
def test_a_number_that_is_none(sign_in: SignIn, query: str) -> None:
    assert sign_in("admin").get(f"/advice?{query}").status_code == 404


@pytest.mark.usefixtures("months")
def test_what_the_box_pays_is_shown_to_its_administrator_alone(sign_in: SignIn) -> None:
    admin, desk = sign_in("admin", language="zh_Hans_CN"), sign_in("desk", language="zh_Hans_CN")
    page = admin.get(f"/calls/{CALL}").text
    assert "费用说明" in page and "主叫：只付拨打 400 号码的市话费" in page
    assert "外呼（前台，固话，中继 电信中继）" in page and "毛利" in page
    page = desk.get(f"/calls/{CALL}").text
    assert "费用说明" in page and "企业：支付其余部分" in page
    assert "毛利" not in page and "成本" not in page


@pytest.mark.usefixtures("months")
def test_the_charge_by_the_api(sign_in: SignIn) -> None:
    answer = sign_in("admin").get(f"/api/v1/calls/{CALL}/charge").get_json()
    assert answer["call"] == CALL and answer["charge"]["plan"] == "T600" and not answer["charge"]["final"]
    assert len(answer["explained"]["zh"]) == len(answer["explained"]["en"]) > 5
    assert [(leg["trunk"], leg["kind"]) for leg in answer["legs"]] == [("电信中继", "landline")]
    own = sign_in("desk").get(f"/api/v1/calls/{CALL}/charge").get_json()
    assert own["legs"] is None
    assert not [line for line in own["explained"]["en"] if "margin" in line or "leg out" in line]
    assert sign_in("other").get(f"/api/v1/calls/{CALL}/charge").status_code == 404
