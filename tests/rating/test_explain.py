"""A charge explains itself, in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from appliance.cli.rating import rating
from appliance.domain.pricing import ChargeBy, Meter, MeteredCall, Plan, Price, PriceBook, Subscription
from appliance.errors import RatingError
from appliance.rating.explain import explain
from appliance.rating.run import rate_all
from appliance.store.models import Call, Charge
from appliance.store.models import Price as PriceRow
from appliance.store.queries import Scope, reading
from appliance.store.unit import Store
from tests.rating.books import HEADER, SAMPLE, book, record
from tests.rating.stored import clock, put_book, put_calls

NUMBER = "4008001234"
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def prices(charge_by: ChargeBy = ChargeBy.TIME, meter: Meter = Meter.ANSWER, free_seconds: int = 0) -> PriceBook:
    price = Price(
        JANUARY,
        "2026-01-01T08:00:00+08:00",
        free_seconds=free_seconds,
        connect_fee=50_000,
        per_minute=110_000,
        per_call=350_000,
    )
    plan = Plan("pack", "百分钟套餐", charge_by, meter, (price,), 100 if charge_by is ChargeBy.TIME else 0)
    return PriceBook({"pack": plan}, {NUMBER: (Subscription(NUMBER, "pack", JANUARY),)})


def call(**changes: object) -> MeteredCall:
    at = JANUARY + timedelta(days=1)
    made = MeteredCall("c1", NUMBER, "mobile", at, at, 61, 40)
    return replace(made, **changes)  # type: ignore[arg-type]


def told(store: Store, uuid: str = "c1") -> tuple[str, str]:
    with reading(store, Scope(None)) as reader:
        words = explain(reader, uuid, costs=True)
    return "\n".join(word.zh for word in words), "\n".join(word.en for word in words)


def test_a_call_by_time(store: Store) -> None:
    put_book(store, prices())
    put_calls(store, [call()])
    rate_all(store, clock)
    assert told(store) == (
        "4008001234 的来电，主叫类型：手机，应答于 2026-01-02 08:00:00（北京时间）\n"
        "套餐：百分钟套餐（pack），从网关应答起计\n"
        "计量 61000 毫秒，向上取整为 61 秒\n"
        "价格自 2026-01-01T08:00:00+08:00 起（主叫：任意）：每分钟 0.11 元，接通费 0.05 元\n"
        "首段 60 秒，之后每 60 秒一段，共 120 秒\n"
        "2026-01 的套餐额度：此前余 100 秒，本次用 100 秒，剩 0 秒\n"
        "套餐内抵扣 100 秒，计费 20 秒\n"
        "20 × 0.11 ÷ 60 = 11/300 元，四舍五入到百万分之一元为 0.036667 元\n"
        "费用 0.086667 元（部分由套餐额度抵扣）\n"
        "暂计，月结前可能变化\n"
        "主叫：只付拨打 400 号码的市话费，由其本机运营商收取，不在本费用内\n"
        "企业：支付其余部分，即本费用",
        "call to 4008001234 from a caller of kind mobile, answered 2026-01-02 08:00:00 (Asia/Shanghai)\n"
        "plan pack (百分钟套餐), metered from the gateway’s answer\n"
        "61000 ms, rounded up to 61 seconds\n"
        "price from 2026-01-01T08:00:00+08:00 for caller any: 0.11 yuan a minute, connect fee 0.05 yuan\n"
        "first 60 seconds, then steps of 60: 120 seconds\n"
        "grant of 2026-01: 100 seconds were left, this call used 100 seconds, 0 seconds are left\n"
        "100 seconds included, 20 seconds charged\n"
        "20 × 0.11 ÷ 60 = 11/300 yuan, rounded half up to a millionth: 0.036667\n"
        "charge 0.086667 yuan (part-included)\n"
        "provisional until the month is closed\n"
        "the caller pays the local call to the 400 number, to his own carrier; it is no part of this\n"
        "the company pays the rest: this charge",
    )


def test_a_call_by_the_call_from_the_bridge(store: Store) -> None:
    put_book(store, prices(ChargeBy.CALL, Meter.BRIDGE))
    put_calls(store, [call()])
    rate_all(store, clock)
    zh, en = told(store)
    assert "从线路应答起计\n计量 40000 毫秒" in zh and "每次 0.35 元，接通费 0.05 元" in zh and "费用 0.40 元" in zh
    assert "metered from a line’s answer" in en and "0.35 yuan a call" in en and "steps" not in en


def test_free_and_unanswered_calls(store: Store) -> None:
    put_book(store, prices(free_seconds=61))
    put_calls(store, [call(), call(call_id="c2", answered_at=None)])
    rate_all(store, clock)
    assert "not more than the 61 free seconds\ncharge 0.00 yuan (free)" in told(store)[1]
    zh, en = told(store, "c2")
    assert "呼入于" in zh and "未接通，不收费" in zh
    assert "begun 2026-01-02" in en and "not answered: nothing is charged\ncharge 0.00 yuan (unanswered)" in en


@pytest.mark.parametrize(
    ("changes", "zh", "en"),
    [
        ({"number": "4009999999"}, "没有套餐", "no plan was subscribed to"),
        ({"answered_at": JANUARY - timedelta(days=9)}, "没有套餐", "no plan was subscribed to"),
    ],
)
def test_a_call_without_a_subscription(store: Store, changes: dict[str, object], zh: str, en: str) -> None:
    put_book(store, prices())
    put_calls(store, [call(**changes)])
    rate_all(store, clock)
    found = told(store)
    assert zh in found[0] and en in found[1]
    assert "changed since" not in found[1] and "yuan" not in found[1]


def test_a_call_without_a_price(store: Store) -> None:
    put_book(store, prices())
    with store.work() as session:
        session.execute(update(PriceRow).values(caller="fixed"))
        session.commit()
    put_calls(store, [call()])
    rate_all(store, clock)
    assert "没有适用的价格" in told(store)[0] and "no price for this caller" in told(store)[1]


def test_a_call_that_is_not_rated_or_not_to_be(store: Store) -> None:
    put_book(store, prices())
    put_calls(store, [call()])
    assert "尚未计费" in told(store)[0] and "not rated yet" in told(store)[1]
    put_calls(store, [call(call_id="c2")], outcome="abnormal")
    assert "人工核对" in told(store, "c2")[0] and "closed as abnormal" in told(store, "c2")[1]


def test_a_price_that_changed_since_is_noticed(store: Store) -> None:
    put_book(store, prices())
    put_calls(store, [call()])
    rate_all(store, clock)
    with store.work() as session:
        session.execute(update(PriceRow).values(per_minute=1))
        session.execute(update(Charge).values(final=True))
        session.commit()
    zh, en = told(store)
    assert "与现行价目不符" in zh and "changed since it was rated" in en
    assert "已结账" in zh and "final" in en


def test_no_such_call(store: Store) -> None:
    with pytest.raises(RatingError, match="no such call: none"):
        told(store, "none")


def test_each_month_that_a_call_draws_on(store: Store) -> None:
    book = prices()
    plan = replace(book.plans["pack"], rollover_months=1)
    put_book(store, replace(book, plans={"pack": plan}))
    late = datetime(2026, 2, 3, tzinfo=UTC)
    put_calls(
        store,
        [
            call(call_id="a", billsec=60),
            call(call_id="b", started_at=late, answered_at=late, billsec=120),
            # At the same moment the id decides, by ASCII code.
            call(call_id="c", started_at=late, answered_at=late, billsec=60),
            call(call_id="B", started_at=late, answered_at=late, billsec=1),
        ],
    )
    rate_all(store, clock)
    zh, en = told(store, "b")
    assert "2026-02 的套餐额度：此前余 80 秒，本次用 80 秒，剩 0 秒" in zh and "2026-01" not in zh.split("首段")[1]
    zh, _ = told(store, "B")
    assert (
        "2026-01 的套餐额度：此前余 40 秒，本次用 40 秒，剩 0 秒\n2026-02 的套餐额度：此前余 100 秒，本次用 20 秒"
        in zh
    )
    zh, en = told(store, "c")
    assert "套餐额度已用完" in zh and "60 × 0.11 ÷ 60 = 0.11 元，无需舍入" in zh and "= 0.11 yuan, exactly" in en


def test_grants_that_are_to_be_used_anew(store: Store) -> None:
    put_book(store, prices())
    put_calls(store, [call()])
    rate_all(store, clock)
    put_calls(store, [call(call_id="c0", started_at=JANUARY, answered_at=JANUARY + timedelta(hours=1), billsec=60)])
    with store.work() as session:
        session.add(
            Charge(
                call_uuid="c0",
                account_id="east",
                month=2026 * 12,
                booked_month=2026 * 12,
                plan_code="pack",
                billable_units=60,
                included_units=60,
                reason="included",
                rated_at=clock(),
            )
        )
        session.commit()
    assert "此后有更早的通话入库" in told(store)[0] and "an earlier call has come since" in told(store)[1]


@pytest.mark.parametrize(
    ("outcome", "answered", "zh", "en"),
    [
        ("refused:black-listed", False, "呼叫未被接受", "the call was refused"),
        ("abandoned:start", False, "主叫在应答前挂断", "hung up before the answer"),
        ("failed:busy", True, "已应答，但没有线路接听", "by no line"),
    ],
)
def test_calls_that_nobody_pays_for(store: Store, outcome: str, answered: bool, zh: str, en: str) -> None:
    put_book(store, prices(meter=Meter.BRIDGE))
    made = call(bridged_seconds=0) if answered else call(answered_at=None, billsec=0, bridged_seconds=0)
    put_calls(store, [made], outcome=outcome)
    rate_all(store, clock)
    found = told(store)
    assert zh in found[0] and en in found[1] and "未接通，不收费" in found[0]
    assert ("主叫与企业均不付费" in found[0]) is not answered


def test_a_call_back(store: Store) -> None:
    put_book(store, prices())
    put_calls(store, [call()])
    with store.work() as session:
        session.execute(update(Call).values(callback_id="asked"))
        session.commit()
    rate_all(store, clock)
    zh, en = told(store)
    assert "的回拨，被回拨者类型：手机" in zh and "费用由企业承担" in zh and "市话费" not in zh
    assert en.startswith("call back by 4008001234") and "the company pays it" in en


def test_of_another_account_nothing_is_told(store: Store) -> None:
    put_book(store, prices())
    put_calls(store, [call()])
    with reading(store, Scope("west")) as reader, pytest.raises(RatingError):
        explain(reader, "c1")


# ---- the command


def test_the_command(store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", database_url)
    put_book(store, prices())
    put_calls(store, [call(), call(call_id="c2", number="4009999999")])
    run = CliRunner().invoke
    assert run(rating, ["run", "--month", "2026-02"]).output == "calls: 0, charges written: 0, not ratable: 0\n"
    assert run(rating, ["run", "--month", "2026-01"]).output == "calls: 2, charges written: 2, not ratable: 1\n"
    assert run(rating, ["run"]).output == "calls: 0, charges written: 0, not ratable: 0\n"
    assert run(rating, ["run", "--again"]).output == "nothing differs\n"
    assert run(rating, ["run", "--month", "2026-13"]).exit_code == 2
    explained = run(rating, ["explain", "c1"])
    assert "费用 0.086667 元" in explained.output and "charge 0.086667 yuan" in explained.output
    assert isinstance(run(rating, ["explain", "none"]).exception, RatingError)


def test_the_command_on_files(tmp_path: Path) -> None:
    charges, rejects = tmp_path / "charges.csv", tmp_path / "rejects.csv"
    out = ["--charges", str(charges), "--rejects", str(rejects)]
    sample = ["file", "--plans", str(SAMPLE / "plans.toml"), "--cdrs", str(SAMPLE / "cdrs.csv"), *out]
    assert CliRunner().invoke(rating, sample).output == "charges: 3048, rejects: 112\n"
    assert charges.read_bytes() == (SAMPLE / "charges.csv").read_bytes()
    assert rejects.read_bytes() == (SAMPLE / "rejects.csv").read_bytes()
    (tmp_path / "plans.toml").write_text(book())
    (tmp_path / "cdrs.csv").write_text("nonsense\n" + HEADER + record())
    wrong = ["file", "--plans", str(tmp_path / "plans.toml"), "--cdrs", str(tmp_path / "cdrs.csv"), *out]
    assert isinstance(CliRunner().invoke(rating, wrong).exception, RatingError)
    assert charges.read_bytes() == (SAMPLE / "charges.csv").read_bytes()
