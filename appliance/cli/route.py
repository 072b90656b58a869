"""``appliance route``: what would become of a call, and what calls were refused for."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

import click

from appliance import bootstrap, config
from appliance.cli.moment import Moment, day_begins
from appliance.reference.workdays import day_kind
from appliance.simulate.route import Question, explain, unlimited_money
from appliance.simulate.words import REFUSALS, in_words
from appliance.store import schema
from appliance.store.journal import Journal
from appliance.store.queries import Scope, reading
from appliance.store.queries.refusals import counted


@click.group()
def route() -> None:
    """Where calls go, and why."""


@route.command("explain")
@click.option("--number", required=True, help="What is dialled: a 400 number, or a landing number.")
@click.option("--caller", required=True, help="The calling number as a carrier may write it; anonymous: withheld.")
@click.option("--at", type=Moment(), help="When, Asia/Shanghai; default: now.")
@click.option("--busy", multiple=True, metavar="LINE", help="A line that is taken; may be given several times.")
@click.option(
    "--trunk", default="", help="The trunk it comes by; default: the first that brings calls to the number."
)
@click.option("--keys", default="", help="Keys pressed at each asking, separated by blanks; - for silence: 1 - 2.")
@click.option("--password", help="What is keyed when a password is asked for; default: the right one.")
@click.option("--others", type=click.IntRange(0), default=0, help="Other calls at once.")
def explain_call(
    number: str,
    caller: str,
    at: datetime | None,
    busy: tuple[str, ...],
    trunk: str,
    keys: str,
    password: str | None,
    others: int,
) -> None:
    """Say by which rule a call would be taken or refused, which lines would ring, and its price. Places no call."""
    settings = config.load()
    question = Question(
        number=number,
        caller=caller,
        at=at or bootstrap.utc_now(),
        trunk=trunk,
        busy=busy,
        keys=tuple("" if key == "-" else key for key in keys.split()),
        password=password,
        others=others,
    )
    journal = Journal(settings.journal_file, reads_only=True)
    with closing(schema.opened(settings.database_url)) as store, closing(journal), store.reading() as session:
        funds = bootstrap.build_funds(settings, store, journal)
        if funds is not None:
            funds.refresh()
        peek = unlimited_money if funds is None else funds.peek
        answer = explain(question, session, journal, day_kind, settings.home_area_code, money=peek)
    words = list(in_words(answer))
    for line in words:
        click.echo("  " * line.level + line.zh)
    click.echo()
    for line in words:
        click.echo("  " * line.level + line.en)


@route.command()
@click.option("--since", type=Moment(), help="Default: the beginning of today, Asia/Shanghai.")
@click.option("--until", type=Moment(), help="Default: now.")
def refusals(since: datetime | None, until: datetime | None) -> None:
    """Count refused calls by number and reason."""
    now = bootstrap.utc_now()
    since = since or day_begins(now)
    store = schema.opened(config.load().database_url)
    with closing(store), reading(store, Scope(None)) as reader:
        rows = counted(reader, since, until or now)
    for number, reason, calls, treated in rows:
        zh, en = REFUSALS[reason] if reason is not None else ("?", "?")
        how = "  由流程受理 (taken by a flow)" if treated else ""
        click.echo(f"{calls:>6}  {number or '-':<12}  {reason or '?':<16}  {zh}  ({en}){how}")
    click.echo(f"{sum(row.calls for row in rows):>6}  in all")
