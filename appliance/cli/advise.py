"""``appliance rating advise``: what other plans would have cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from typing import Any

import click

from appliance import bootstrap, config
from appliance.cli.month import Month
from appliance.domain import numbers
from appliance.domain.advice import MonthCost, PlanCost
from appliance.domain.closing import month_name
from appliance.domain.money import format as six_decimals
from appliance.rating.advise import Advice, last_months
from appliance.rating.advise import advise as advised
from appliance.rating.advise_words import in_words
from appliance.store import schema
from appliance.store.queries import Scope, reading


@click.command()
@click.argument("account")
@click.option(
    "--months", type=click.IntRange(1, 36), default=3, show_default=True, help="Whole months before this."
)
@click.option("--from", "first", type=Month(), help="The first month instead.")
@click.option("--to", "last", type=Month(), help="The last one; default: the one before this.")
@click.option("--number", help="Only this 400 number.")
@click.option("--json", "as_json", is_flag=True, help="Amounts in millionths of a yuan.")
def advise(
    account: str, months: int, first: int | None, last: int | None, number: str | None, as_json: bool
) -> None:
    """Rate an account's real calls under every plan, and say which would have been the cheapest, and why."""
    since, until = last_months(bootstrap.utc_now(), months)
    if last is not None:
        since, until = last - months + 1, last
    if first is not None:
        since = first
    if since > until:
        raise click.UsageError(f"--from {month_name(since)} is behind --to {month_name(until)}")
    called = None if number is None else numbers.validate(number)
    with closing(schema.opened(config.load().database_url)) as store, reading(store, Scope(None)) as reader:
        found = advised(reader, account, since, until, called)
    if as_json:
        click.echo(json.dumps(_data(found), ensure_ascii=False))
        return
    for line in _text(found):
        click.echo(line)


def _text(advice: Advice) -> Iterator[str]:
    words = in_words(advice)
    yield f"{advice.name}（{advice.account}）{month_name(advice.months[0])} – {month_name(advice.months[-1])}"
    yield from (word.zh for word in words)
    yield ""
    yield from (word.en for word in words)
    yield from _table("", dict.fromkeys(advice.months, 0), None, advice.plans)
    for one in advice.numbers if len(advice.numbers) > 1 else ():
        yield from _table(one.number, one.actual.months, one.actual.total, one.plans)
    if len(advice.numbers) == 1:
        only = advice.numbers[0]
        yield _row("实际 / charged", only.actual.months, only.actual.total)


def _table(
    number: str, months: Mapping[int, Any], actual: int | None, plans: tuple[PlanCost, ...]
) -> Iterator[str]:
    yield ""
    head = "".join(f"{month_name(month):>16}" for month in months)
    yield f"{number or '套餐 / plan':<16}{head}{'合计 / sum':>16}"
    for cost in plans:
        yield _row(cost.plan.code + ("" if cost.is_whole else " *"), cost.months, cost.total)
    if actual is not None:
        yield _row("实际 / charged", months, actual)


def _row(name: str, months: Mapping[int, MonthCost], total: int) -> str:
    return (
        f"{name:<16}{''.join(f'{six_decimals(one.total):>16}' for one in months.values())}{six_decimals(total):>16}"
    )


def _data(advice: Advice) -> dict[str, Any]:
    best = advice.best
    return {
        "account": advice.account,
        "months": [month_name(month) for month in advice.months],
        "actual": advice.actual,
        "best": None if best is None else best.plan.code,
        "each_its_own": advice.each_its_own,
        "profile": _profile(advice),
        "plans": [_plan(cost) for cost in advice.plans],
        "numbers": [
            {
                "number": one.number,
                "plans_held": list(one.actual.plans),
                "actual": _months(one.actual.months) | {"total": one.actual.total},
                "unrated": one.actual.unrated,
                "best": None if one.best is None else one.best.plan.code,
                "plans": [_plan(cost) for cost in one.plans],
            }
            for one in advice.numbers
        ],
        "words": [word._asdict() for word in in_words(advice)],
    }


def _profile(advice: Advice) -> dict[str, Any]:
    made = asdict(advice.profile)
    return made | {"kinds": dict(advice.profile.kinds)}


def _plan(cost: PlanCost) -> dict[str, Any]:
    return {
        "plan": cost.plan.code,
        "name": cost.plan.name,
        "charge_by": cost.plan.charge_by.value,
        "total": cost.total,
        "is_whole": cost.is_whole,
        "unpriced_kinds": dict(cost.unpriced_kinds),
        **_months(cost.months),
    }


def _months(months: Mapping[int, MonthCost]) -> dict[str, Any]:
    return {"months": {month_name(month): asdict(one) | {"total": one.total} for month, one in months.items()}}
