"""400 numbers and lines: where calls go."""

from __future__ import annotations

from contextlib import closing

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from appliance.store.journal import Journal
from appliance.store.queries.routing import FlowView, numbers_and_lines
from webui.context import console, now, reader
from webui.explain import plan_in_words, price_in_words

bp = Blueprint("numbers", __name__)


@bp.get("/numbers")
def listing() -> ResponseReturnValue:
    """Every number with its flow and plan, and every line with its limits."""
    with closing(Journal(console().settings.journal_file, reads_only=True)) as journal:
        phones = journal.phones()
    with reader() as opened:
        numbers, lines = numbers_and_lines(opened, now())
        several_accounts = opened.scope.sees_all
    return render_template(
        "numbers/list.html",
        numbers=numbers,
        lines=lines,
        phones=phones,
        several_accounts=several_accounts,
        plan_in_words=plan_in_words,
        price_in_words=price_in_words,
        step_names=step_names,
    )


def step_names(flow: FlowView) -> dict[str, int]:
    """Node → its number on the page, by which exits refer to it."""
    return {step.id: place for place, step in enumerate(flow.steps, start=1)}
