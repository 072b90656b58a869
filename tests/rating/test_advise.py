"""An account's real calls under every plan of the book."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, update

from appliance import bootstrap
from appliance.cli.rating import rating
from appliance.domain.grants import month_of, month_start
from appliance.domain.pricing import ChargeBy, Meter, MeteredCall, Plan, Price, PriceBook, Subscription
from appliance.errors import RatingError
from appliance.rating.advise import Advice, advise, last_months
from appliance.rating.advise_words import in_words
from appliance.rating.run import rate_all
from appliance.store.models import Charge
from appliance.store.models import Price as PriceRow
from appliance.store.queries import Scope, reading
from appliance.store.unit import Store
from tests.rating.stored import clock, put_book, put_calls, sample_book, sample_calls

FIRST = 2026 * 12
SINCE = month_start(FIRST)
PRICE = Price(SINCE, "jan", per_minute=100_000, per_call=300_000)
NUMBERS = ("4008001234", "4008005678")


def book(**changes: object) -> PriceBook:
    """Two numbers on a plan by time that grants an hour a month, and lets it live for one more."""
    plans = [
        Plan("time", "按时套餐", ChargeBy.TIME, Meter.ANSWER, (PRICE,), 3600, 1, 5_000_000),
        Plan("call", "按次套餐", ChargeBy.CALL, Meter.BRIDGE, (PRICE,)),
        Plan("fixed", "固话套餐", ChargeBy.TIME, Meter.ANSWER, (replace(PRICE, caller="fixed"),)),
    ]
    held = {number: (Subscription(number, "time", month_start(FIRST - 3)),) for number in NUMBERS}
    return PriceBook({plan.code: plan for plan in plans}, held | changes)  # type: ignore[arg-type]


def calls(count: int, seconds: int, number: str = NUMBERS[0], day: int = 0) -> list[MeteredCall]:
    return [
        MeteredCall(
            f"{number[-1]}{day}-{n}",
            number,
            "mobile",
            at := SINCE + timedelta(days=day, minutes=7 * n),
            at,
            seconds,
            seconds,
        )
        for n in range(count)
    ]


def told(store: Store, account: str = "east", number: str | None = None) -> Advice:
    with reading(store, Scope(None)) as reader:
        return advise(reader, account, FIRST, FIRST + 1, number)


def said(advice: Advice) -> tuple[str, str]:
    words = in_words(advice)
    return "\n".join(word.zh for word in words), "\n".join(word.en for word in words)


def test_few_long_calls_and_many_short_ones(store: Store) -> None:
    put_book(store, book())
    put_calls(store, calls(60, 600, day=3) + calls(900, 20, NUMBERS[1], day=35))
    rate_all(store, clock)
    found = told(store)
    first, second = found.numbers
    assert [one.plan.code for one in first.plans] == ["call", "time", "fixed"]
    assert (first.plans[0].total, first.actual.plans) == (18_000_000, ("time",))
    assert first.actual.months.keys() == {FIRST, FIRST + 1}
    assert first.best is not None and first.best.plan.code == "call"
    assert second.best is not None and second.best.plan.code == "time"
    assert found.each_its_own == 18_000_000 + second.actual.total
    zh, en = said(found)
    assert "最省的是 按时套餐" in zh or "就是最省的" in zh
    assert "各号码分别选最省的套餐" in zh and "its own cheapest plan" in en
    assert "固话套餐" not in zh and "套餐 fixed 对手机主叫没有价格（960 个通话），不参与比较" in zh
    assert "平均通话 0.9 分钟，每天 16.3 个来电，94 % 的通话不到 30 秒" in zh
    assert "mean talk 0.9 min, 16.3 calls a day, 94 % of the talks below 30 s" in en


def test_the_present_plan_is_what_was_charged(store: Store) -> None:
    """Units that the month before has left over are in it, which a plan that is tried anew does not have."""
    put_book(store, book())
    put_calls(store, calls(10, 3600, day=1))
    rate_all(store, clock)
    found = told(store, number=NUMBERS[0])
    with store.reading() as session:
        charged = session.scalar(select(func.sum(Charge.amount)))
    present = next(one for one in found.plans if one.plan.code == "time")
    assert present.sum_of("amount") == charged == (36_000 - 7200) * 100_000 // 60
    assert present.sum_of("topped_up") == 5_000_000, "nobody called in the second month"
    assert found.actual == present.total


@pytest.mark.parametrize("kind", ["sqlite"])
def test_of_the_sample_every_present_plan_is_what_was_charged(store: Store) -> None:
    put_book(store, sample_book())
    put_calls(store, sample_calls())
    rate_all(store, clock)
    with reading(store, Scope(None)) as reader:
        found = advise(reader, "east", month_of(SINCE), month_of(SINCE) + 2)
    within = [one.call_id for one in sample_calls() if month_of(one.answered_at or one.started_at) in found.months]
    with store.reading() as session:
        charged = session.scalar(select(func.sum(Charge.amount)).where(Charge.call_uuid.in_(within)))
    assert sum(month.amount for one in found.numbers for month in one.actual.months.values()) == charged


def test_a_number_that_begins_in_the_middle(store: Store) -> None:
    begun = SINCE + timedelta(days=10)
    put_book(store, book(**{NUMBERS[0]: (Subscription(NUMBERS[0], "time", begun),)}))
    put_calls(store, calls(2, 60, day=2) + calls(2, 60, day=12))
    rate_all(store, clock)
    (one,) = told(store, number=NUMBERS[0]).numbers
    assert [(month.calls, month.topped_up) for month in one.actual.months.values()] == [(4, 0), (0, 5_000_000)]
    zh, _ = said(told(store, number=NUMBERS[0]))
    assert "有 2 个通话没有套餐或价格，未收费" in zh


def test_what_is_not_rated_is_said(store: Store) -> None:
    put_book(store, book())
    put_calls(store, calls(3, 60))
    zh, en = said(told(store))
    assert "有 3 个通话尚未计费" in zh and "3 calls are not rated yet" in en
    with store.work() as session:
        later = {"effective_from": month_start(FIRST + 5)}
        session.execute(update(PriceRow).where(PriceRow.plan_code == "call").values(**later))
        session.commit()
    assert "套餐 call 当时尚未生效（3 个通话），按其最早的价格推算" in said(told(store))[0]


@pytest.mark.parametrize("kind", ["sqlite"])
def test_nothing_to_compare_by(store: Store) -> None:
    put_book(store, book())
    assert "没有通话" in said(told(store))[0]
    for account, number in (("west", None), ("east", "4009999999")):
        with pytest.raises(RatingError, match="no"):
            told(store, account, number)
    with reading(store, Scope("west")) as reader, pytest.raises(RatingError, match="no such account"):
        advise(reader, "east", FIRST, FIRST)


def test_last_months() -> None:
    assert last_months(month_start(FIRST + 3), 3) == (FIRST, FIRST + 2)
    assert last_months(month_start(FIRST + 3) - timedelta(seconds=1), 1) == (FIRST + 1, FIRST + 1)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_command(store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", database_url)
    monkeypatch.setattr(bootstrap, "utc_now", lambda: month_start(FIRST + 2))
    put_book(store, book())
    put_calls(store, calls(30, 600, day=1))
    run = CliRunner().invoke
    assert run(rating, ["run"]).exit_code == 0
    shown = run(rating, ["advise", "east", "--months", "2"])
    assert "East（east）2026-01 – 2026-02" in shown.output and "4008005678" in shown.output
    one = run(rating, ["advise", "east", "--from", "2026-01", "--number", "400-800-1234"]).output
    assert "最省的是 按次套餐（call）：9.00 元" in one and "fixed *" in one and "实际 / charged" in one
    data = json.loads(run(rating, ["advise", "east", "--to", "2026-02", "--months", "2", "--json"]).output)
    assert (data["best"], data["months"], data["profile"]["talked"]) == ("call", ["2026-01", "2026-02"], 30)
    assert data["actual"] == sum(number["actual"]["total"] for number in data["numbers"])
    assert run(rating, ["advise", "east", "--from", "2026-03", "--to", "2026-02"]).exit_code == 2


@pytest.mark.parametrize("kind", ["sqlite"])
def test_calls_from_before_the_subscription_hang_on_no_plan(store: Store) -> None:
    begun = SINCE + timedelta(days=10)
    put_book(store, book(**{NUMBERS[0]: (Subscription(NUMBERS[0], "time", begun),)}))
    put_calls(store, calls(1, 60, day=2) + calls(2, 60, day=12))
    rate_all(store, clock)
    found = told(store, number=NUMBERS[0])
    assert found.best is not None and found.best.plan.code == "call"
    assert [one.plan.code for one in found.plans if one.is_whole] == ["call", "time"]
    assert (found.best.total, found.profile.calls) == (600_000, 2)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_present_plan_is_tried_while_calls_are_not_rated(store: Store) -> None:
    """What is charged so far is no price to compare by."""
    put_book(
        store,
        PriceBook(
            {
                "a": Plan("a", "A", ChargeBy.CALL, Meter.ANSWER, (replace(PRICE, per_call=1_000_000),)),
                "b": Plan("b", "B", ChargeBy.CALL, Meter.ANSWER, (replace(PRICE, per_call=500_000),)),
            },
            {NUMBERS[0]: (Subscription(NUMBERS[0], "a", SINCE),)},
        ),
    )
    put_calls(store, calls(5, 60))
    rate_all(store, clock)
    put_calls(store, calls(15, 60, day=5))
    found = told(store, number=NUMBERS[0])
    assert {one.plan.code: one.total for one in found.plans} == {"a": 20_000_000, "b": 10_000_000}
    assert found.best is not None and found.best.plan.code == "b"
    assert found.actual == 5_000_000, "what was charged is told as it is"
    assert "15 calls are not rated yet" in said(found)[1]
    assert "the cheapest is b (B): 10.00 yuan" in said(found)[1] and "no other plan" not in said(found)[1]
