"""Plans compared (套餐建议): what an account's calls of the last months would have cost under each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from appliance.errors import RatingError
from appliance.rating.advise import Advice, NumberAdvice, advise, last_months
from appliance.rating.advise_words import in_words
from appliance.rating.words import Words
from appliance.store.queries.advice import accounts, count_calls, month_span
from appliance.store.queries.scope import Reader
from webui.context import now, reader, signed_in
from webui.said import said

bp = Blueprint("advice", __name__)

#: More calls than these are for the command: a page may not hold up the others for so long.
MOST_CALLS = 30_000
_SPANS = (1, 3, 6, 12)
_NUMBER = re.compile(r"400[0-9]{7}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its months and sum (millionths of a yuan), and how much above what was charged it is.

    ``share``: the length of its bar, thousandths of the longest.
    """

    code: str
    name: str
    months: tuple[int, ...]
    total: int
    share: int
    above: int = 0
    is_present: bool = False
    is_best: bool = False
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Of the account (``number`` empty) or one number: every plan, and what was charged."""

    number: str
    name: str
    months: tuple[int, ...]
    rows: list[Row]
    charged: Row


@bp.get("/advice")
def page() -> ResponseReturnValue:
    """Every plan with what each month would have cost."""
    asked = request.args.get("months", 3, type=int)
    count = asked if asked in _SPANS else 3
    number = request.args.get("number", "")
    if number and not _NUMBER.fullmatch(number):
        abort(404)
    with reader() as opened:
        choices = accounts(opened)
        account = signed_in().account_id or request.args.get("account") or (choices[0][0] if choices else "")
        found, calls, fault = _advised(opened, account, count, number)
    return render_template(
        "advice/page.html",
        accounts=choices,
        account=account,
        number=number,
        count=count,
        spans=_SPANS,
        advice=found,
        calls=calls,
        most_calls=MOST_CALLS,
        fault=fault,
        words=said(in_words(found)) if found is not None else [],
        tables=_tables(found) if found is not None else [],
        month_name=lambda month: f"{month // 12}-{month % 12 + 1:02}",
    )


def _advised(opened: Reader, account: str, count: int, number: str) -> tuple[Advice | None, int, str]:
    """The advice, or why there is none: so many calls, or what is wrong."""
    first, last = last_months(now(), count)
    calls = count_calls(opened, account, *month_span(first, last))
    if calls > MOST_CALLS:
        return None, calls, ""
    try:
        return advise(opened, account, first, last, number or None), calls, ""
    except RatingError as error:
        return None, calls, said([error_in_words(str(error))])[0]


def error_in_words(text: str) -> Words:
    """What keeps an advice from being given; the account's choices leave nothing but these two."""
    if "has no plan" in text:
        return Words("价目中还没有套餐。", "There is no plan in the price book yet.")
    return Words("这个企业还没有号码。", "This company has no number yet.")


def _tables(advice: Advice) -> list[Table]:
    """Of the account as a whole, then of each number where there are several."""
    charged = [
        sum(one.actual.months[month].total for one in advice.numbers if month in one.actual.months)
        for month in advice.months
    ]
    made = [_table("", "", advice.months, advice, charged, advice.present)]
    for one in advice.numbers if len(advice.numbers) > 1 else ():
        of_number = [month.total for month in one.actual.months.values()]
        made.append(_table(one.number, one.name, one.months, one, of_number, one.actual.plans))
    return made


def _table(
    number: str,
    name: str,
    months: tuple[int, ...],
    advice: Advice | NumberAdvice,
    charged: Sequence[int],
    present: Sequence[str],
) -> Table:
    whole = sum(charged)
    longest = max([whole, *(cost.total for cost in advice.plans)]) or 1
    best = advice.best
    rows = [
        Row(
            code=cost.plan.code,
            name=cost.plan.name,
            months=tuple(month.total for month in cost.months.values()),
            total=cost.total,
            share=cost.total * 1000 // longest,
            above=cost.total - whole,
            is_present=cost.plan.code in present,
            is_best=best is not None and cost.plan.code == best.plan.code,
            is_whole=cost.is_whole,
        )
        for cost in advice.plans
    ]
    return Table(number, name, months, rows, Row("", "", tuple(charged), whole, whole * 1000 // longest))
