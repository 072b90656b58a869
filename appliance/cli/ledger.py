"""``appliance ledger``: what enterprises have to their credit, and every amount that made it so."""

from __future__ import annotations

import csv
import io
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import click

from appliance import bootstrap, config
from appliance.cli.credit import held_for, resume, shown, suspend
from appliance.cli.moment import Moment
from appliance.cli.who import known_login
from appliance.domain import money
from appliance.domain.closing import month_name
from appliance.domain.grants import SHANGHAI
from appliance.domain.ledger import Kind, Who
from appliance.errors import LedgerError, RatingError
from appliance.rating.booking import book
from appliance.sheets import BOM, safe_cell
from appliance.store import ledger_check, schema
from appliance.store.queries import Scope, reading
from appliance.store.queries import ledger as queries
from appliance.store.queries.ledger import StatementLine


class _Amount(click.ParamType[int]):
    """Yuan with at most six decimals, as millionths."""

    name = "YUAN"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        try:
            return money.parse(str(value))
        except RatingError as error:
            self.fail(str(error), param, ctx)


_REFERENCE = click.option(
    "--reference", default="", help="What it is booked for (a payment's number): the same is booked once."
)
_BY = click.option("--by", required=True, help="Login of who books it.")
_REASON = click.option("--reason", required=True, help="Why, for the auditor.")
_APPROVED = click.option("--approved-by", required=True, help="Login of another person who approved of it.")


@click.group()
def ledger() -> None:
    """The ledger: every amount that was charged, paid or given, and what it comes to."""


@ledger.command()
@click.argument("account")
@click.argument("amount", type=_Amount())
@_REFERENCE
@_BY
@click.option("--reason", default="", help="A note, for the auditor.")
def topup(account: str, amount: int, reference: str, by: str, reason: str) -> None:
    """Book AMOUNT yuan that ACCOUNT has paid."""
    _book(Kind.TOPUP, account, amount, reference, by, reason, "")


@ledger.command()
@click.argument("account")
@click.argument("amount", type=_Amount())
@_REFERENCE
@_BY
@_REASON
@_APPROVED
def refund(account: str, amount: int, reference: str, by: str, reason: str, approved_by: str) -> None:
    """Book AMOUNT yuan that are paid back to ACCOUNT, at most what it has to its credit; in reseller mode less
    what is held for its calls under way."""
    _book(Kind.REFUND, account, amount, reference, by, reason, approved_by)


@ledger.command(context_settings={"ignore_unknown_options": True})
@click.argument("account")
@click.argument("amount", type=_Amount())
@_REFERENCE
@_BY
@_REASON
@_APPROVED
def adjust(account: str, amount: int, reference: str, by: str, reason: str, approved_by: str) -> None:
    """Give AMOUNT yuan to ACCOUNT without money, or take them (-5.00)."""
    _book(Kind.ADJUSTMENT, account, amount, reference, by, reason, approved_by)


ledger.add_command(suspend)
ledger.add_command(resume)


@ledger.command()
def balance() -> None:
    """Every account's ledgers: above 0 is to its credit, below 0 what it owes. In reseller mode also what is held
    for calls under way, and what is left for others."""
    settings = config.load()
    with closing(schema.opened(settings.database_url)) as store:
        with reading(store, Scope(None)) as reader:
            rows = queries.balances(reader)
        calls = list(shown(settings, store)) if settings.reseller_mode else []
    if not rows:
        click.echo("nothing is booked yet")
    for row in rows:
        click.echo(f"{row.account_id or '-':<20}  {row.ledger:<12} {money.yuan(row.amount):>16}")
    for line in calls:
        click.echo(line)


@ledger.command()
@click.argument("account")
@click.option("--from", "since", type=Moment(), help="Default: from the first posting on.")
@click.option("--to", "until", type=Moment(), help="Default: to the last.")
@click.option("--csv", "as_csv", is_flag=True, help="As a file for a spreadsheet, on standard output.")
def show(account: str, since: datetime | None, until: datetime | None, *, as_csv: bool) -> None:
    """Every posting of ACCOUNT, and its balance after each."""
    with closing(schema.opened(config.load().database_url)) as store, reading(store, Scope(None)) as reader:
        if as_csv:
            for text in _csv(queries.statement(reader, account, since, until)):
                # As bytes: the file is UTF-8 whatever the terminal is.
                sys.stdout.buffer.write(text.encode())
            return
        click.echo(f"{'balance before':<40} {money.yuan(queries.opening(reader, account, since)):>33}")
        for line in queries.statement(reader, account, since, until):
            note = " ".join(filter(None, [line.reason, f"({line.by_login})" if line.by_login else ""]))
            click.echo(
                f"{_at(line.at)}  {line.kind:<10}  {month_name(line.month)}  {money.yuan(line.effect):>14}  "
                f"{money.yuan(line.balance):>14}  {line.subject}  {note}".rstrip()
            )


@ledger.command()
def check() -> None:
    """Sum everything anew: the ledger agrees with itself, with the charges and with what was sealed, or it is said
    where it does not, with exit code 9."""
    with closing(schema.opened(config.load().database_url)) as store, store.reading() as session:
        faults = list(ledger_check.faults(session))
        postings = ledger_check.count(session)
    for fault in faults:
        click.echo(fault)
    if faults:
        raise LedgerError(f"the ledger is not in order: {len(faults)} faults")
    click.echo(f"the ledger is in order: {postings} postings")


def _book(kind: Kind, account: str, amount: int, reference: str, by: str, reason: str, approved_by: str) -> None:
    settings = config.load()
    with closing(schema.opened(settings.database_url)) as store, store.work() as session:
        who = Who(known_login(session, by), reason, known_login(session, approved_by) if approved_by else "")
        after = book(
            session,
            kind,
            account,
            amount,
            who,
            bootstrap.utc_now(),
            reference=reference or secrets.token_hex(8),
            held=lambda: held_for(settings, account),
        )
        session.commit()
    click.echo(f"balance of {account}: {money.yuan(after)} yuan")


def _csv(lines: Iterator[StatementLine]) -> Iterator[str]:
    yield BOM + _row(
        ["Number", "Time", "Kind", "For", "Month", "Amount (yuan)", "Balance (yuan)", "Reason", "By", "Approved by"]
    )
    for line in lines:
        texts = [line.kind, line.subject, month_name(line.month)]
        amounts = [money.format(line.effect), money.format(line.balance)]
        who = [line.reason, line.by_login, line.approved_by]
        yield _row([str(line.id), _at(line.at), *map(safe_cell, texts), *amounts, *map(safe_cell, who)])


def _row(cells: list[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue()


def _at(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
