"""A price book is read whole or refused whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.domain.pricing import ChargeBy, Meter, Price, Subscription
from appliance.errors import RatingError
from appliance.rating.book import read_book
from tests.rating.books import NUMBER, SAMPLE, Bare, book

Document = dict[str, Any]


def plan(document: Document) -> Document:
    found: Document = document["plans"][0]
    return found


def price(document: Document) -> Document:
    found: Document = plan(document)["prices"][0]
    return found


def subscription(document: Document) -> Document:
    found: Document = document["subscriptions"][0]
    return found


def another(of: Callable[[Document], Document], place: Callable[[Document], list[Document]], **changes: Any) -> Any:
    """A change that adds a copy of a table with some fields changed."""
    return lambda document: place(document).append(of(document) | changes)


def subscriptions(document: Document) -> list[Document]:
    found: list[Document] = document["subscriptions"]
    return found


def prices(document: Document) -> list[Document]:
    found: list[Document] = plan(document)["prices"]
    return found


def test_a_book() -> None:
    found = read_book(book())
    basic = found.plans["basic"]
    since = datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert (basic.name, basic.charge_by, basic.meter) == ("基本", ChargeBy.TIME, Meter.ANSWER)
    assert basic.prices == (Price(since, "2026-01-01T00:00:00+08:00", per_minute=110_000),)
    assert found.subscriptions == {NUMBER: (Subscription(NUMBER, "basic", since),)}


def test_the_samples_book() -> None:
    found = read_book((SAMPLE / "plans.toml").read_text(encoding="utf-8"))
    assert (len(found.plans), sum(map(len, found.subscriptions.values()))) == (6, 29)


def test_an_empty_book_holds_for_no_call() -> None:
    assert read_book("").plans == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(extra=1), "extra: unknown field"),
        (lambda d: plan(d).update(colour="red"), "plans[0].colour: unknown field"),
        (lambda d: price(d).update(discount="0.1"), "plans[0].prices[0].discount: unknown field"),
        (lambda d: subscription(d).update(note=""), "subscriptions[0].note: unknown field"),
        (lambda d: price(d).pop("free_seconds"), "plans[0].prices[0].free_seconds: missing"),
        (lambda d: subscription(d).pop("ends_at"), "subscriptions[0].ends_at: missing"),
        (lambda d: plan(d).pop("prices"), "plans[0].prices: missing"),
        (lambda d: plan(d).update(prices=[]), "plans[0].prices: missing"),
        (lambda d: plan(d).update(prices={}), "plans[0].prices: must be a list of tables"),
        (lambda d: plan(d).update(prices=[1]), "plans[0].prices[0]: must be a table"),
        (lambda d: plan(d).update(code=""), "plans[0].code: must not be empty"),
        (lambda d: d["plans"].append(plan(d)), "plans[1].code: stands twice: basic"),
        (lambda d: plan(d).update(charge_by="minute"), "plans[0].charge_by: must be one of call, time: minute"),
        (lambda d: plan(d).update(meter=1), "plans[0].meter: must be a text in quotes"),
        (lambda d: price(d).update(caller="Mobile"), "plans[0].prices[0].caller: must be one of"),
        (
            lambda d: price(d).update(initial_seconds=-1),
            "plans[0].prices[0].initial_seconds: must be a whole number",
        ),
        (lambda d: price(d).update(step_seconds=0), "plans[0].prices[0].step_seconds: must be a whole number"),
        (lambda d: price(d).update(step_seconds=1.5), "plans[0].prices[0].step_seconds: must be a whole number"),
        (lambda d: price(d).update(free_seconds=True), "plans[0].prices[0].free_seconds: must be a whole number"),
        (lambda d: plan(d).update(included="100"), "plans[0].included: must be a whole number"),
        (lambda d: price(d).update(per_minute="0.1234567"), "plans[0].prices[0].per_minute: not an amount"),
        (lambda d: price(d).update(per_minute="0.1100000"), "plans[0].prices[0].per_minute: not an amount"),
        (lambda d: price(d).update(per_minute=Bare("0.1234567")), "plans[0].prices[0].per_minute: not an amount"),
        (lambda d: price(d).update(per_minute=Bare("nan")), "plans[0].prices[0].per_minute: not an amount"),
        (lambda d: price(d).update(per_minute=Bare("1e-7")), "plans[0].prices[0].per_minute: not an amount"),
        (lambda d: price(d).update(per_minute=False), "plans[0].prices[0].per_minute: must be an amount"),
        (lambda d: price(d).update(connect_fee="-1"), "plans[0].prices[0].connect_fee: must not be below 0: -1"),
        (lambda d: price(d).update(effective_from="2026-01-01"), "plans[0].prices[0].effective_from: not a time"),
        (
            lambda d: price(d).update(effective_from=Bare("2026-01-01T00:00:00Z")),
            "plans[0].prices[0].effective_from: must be a text in quotes",
        ),
        (lambda d: subscription(d).update(plan="none"), "subscriptions[0].plan: no such plan: none"),
        (lambda d: subscription(d).update(number="8008001234"), "subscriptions[0].number: not a 400 number"),
        (lambda d: subscription(d).update(ends_at="2025-12-31T00:00:00Z"), "subscriptions[0].ends_at: before"),
        (lambda d: subscription(d).update(ends_at="never"), "subscriptions[0].ends_at: not a time"),
        (another(price, prices), "plans[0].prices: two for caller any from"),
        # The same moment under another offset: neither of the two is the later one.
        (another(price, prices, effective_from="2025-12-31T16:00:00Z"), "plans[0].prices: two for caller any"),
        (another(subscription, subscriptions), f"subscriptions of {NUMBER} overlap"),
        (
            another(
                subscription, subscriptions, starts_at="2025-01-01T00:00:00Z", ends_at="2025-12-31T16:00:00.000001Z"
            ),
            f"subscriptions of {NUMBER} overlap",
        ),
    ],
)
def test_a_book_that_is_refused(change: Callable[[Document], object], said: str) -> None:
    with pytest.raises(RatingError) as caught:
        read_book(book(change))
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    "text", ["plans = ", "a = 1\na = 2", "a = " + "9" * 5000, "a = " + "[" * 5000, "a = 1e99999999999"]
)
def test_what_is_no_toml_is_refused(text: str) -> None:
    with pytest.raises(RatingError):
        read_book(text)


def test_one_ends_where_the_next_starts() -> None:
    later = another(subscription, subscriptions, starts_at="2026-02-01T00:00:00Z")

    def change(document: Document) -> None:
        later(document)
        subscription(document)["ends_at"] = "2026-02-01T08:00:00+08:00"

    assert len(read_book(book(change)).subscriptions[NUMBER]) == 2


def test_a_subscription_of_no_length_is_in_nobodys_way() -> None:
    at = "2026-03-01T00:00:00Z"
    assert (
        len(read_book(book(another(subscription, subscriptions, starts_at=at, ends_at=at))).subscriptions[NUMBER])
        == 1
    )


def test_a_bare_amount_is_read_as_it_is_written() -> None:
    found = read_book(book(lambda d: price(d).update(per_minute=Bare("0.123457"), connect_fee=2)))
    (read,) = found.plans["basic"].prices
    assert (read.per_minute, read.connect_fee) == (123_457, 2_000_000)


def test_a_plan_by_call_needs_no_steps() -> None:
    def change(document: Document) -> None:
        plan(document)["charge_by"] = "call"
        price(document)["step_seconds"] = 0

    assert read_book(book(change)).plans["basic"].prices[0].step_seconds == 0


@pytest.mark.parametrize("field", ["initial_seconds", "connect_fee"])
def test_a_number_of_thousands_of_digits_is_refused_by_its_field(field: str) -> None:
    """Only hexadecimal can write one: Python reads it, and would not print it, alone or within another value."""
    text = book(lambda d: price(d).update({field: Bare("0x" + "f" * 5000)}))
    with pytest.raises(RatingError, match=rf"prices\[0\]\.{field}: .*0xf"):
        read_book(text)


@pytest.mark.parametrize("written", ["[{}]", "{{a = {}}}"])
def test_nor_does_one_within_a_list_or_table_end_it(written: str) -> None:
    text = book(lambda d: plan(d).update(included=Bare(written.format("0x" + "f" * 5000))))
    with pytest.raises(RatingError, match=r"included: must be a whole number of at least 0: (list|dict)$"):
        read_book(text)
