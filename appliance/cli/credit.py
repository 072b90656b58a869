"""``appliance ledger suspend`` and ``resume``, and what ``balance`` says of accounts' money as calls see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import click

from appliance import bootstrap, config
from appliance.cli.who import known_login
from appliance.config import Settings
from appliance.domain import money
from appliance.domain.credit import Mode, Standing, left_of
from appliance.errors import LedgerError
from appliance.store import credit_terms, schema
from appliance.store.credit import Credit
from appliance.store.journal import Journal
from appliance.store.unit import Store

_BY = click.option("--by", required=True, help="Login of who decides it.")
_REASON = click.option("--reason", required=True, help="Why, for the auditor.")
_LONGEST_REASON = 500


@click.command()
@click.argument("account")
@_BY
@_REASON
def suspend(account: str, by: str, reason: str) -> None:
    """Take no calls of ACCOUNT any more (reseller mode); calls under way go on."""
    _change(account, True, by, reason)


@click.command()
@click.argument("account")
@_BY
@_REASON
def resume(account: str, by: str, reason: str) -> None:
    """Take calls of ACCOUNT again."""
    _change(account, False, by, reason)


def _change(account: str, suspended: bool, by: str, reason: str) -> None:
    settings = config.load()
    if not reason.strip() or len(reason) > _LONGEST_REASON:
        raise LedgerError(f"a reason is needed, of at most {_LONGEST_REASON} characters")
    with closing(schema.opened(settings.database_url)) as store, store.work() as session:
        login = known_login(session, by)
        changed = credit_terms.suspend(session, account, suspended, reason.strip(), login, bootstrap.utc_now())
        session.commit()
    state = "suspended" if suspended else "not suspended"
    click.echo(f"{account} is {state}" + ("" if changed else " already"))
    if not settings.reseller_mode:
        click.echo("reseller_mode is off: calls are taken whatever stands here", err=True)


def held_for(settings: Settings, account: str) -> int:
    """What is held for calls of ACCOUNT under way, millionths of a yuan; 0 without reseller mode.

    :raises LedgerError: there is a journal, and it cannot be read: nobody knows what may be paid out.
    """
    if not settings.reseller_mode:
        return 0
    with closing(Journal(settings.journal_file, reads_only=True)) as journal:
        held = Credit(journal.file).held()
        if journal.file.is_failing:
            raise LedgerError(f"nobody knows what calls under way hold: {settings.journal_file} cannot be read")
    return sum(one.amount for one in held if one.account == account)


def shown(settings: Settings, store: Store) -> Iterator[str]:
    """Of each account that has terms, or is suspended: what is held for calls under way, and what is left for
    others, as calls see it (the journal)."""
    with store.reading() as session:
        holders = credit_terms.load_holders(session)
        suspended = credit_terms.suspended_accounts(session)
    with closing(Journal(settings.journal_file, reads_only=True)) as journal:
        credit = Credit(journal.file)
        balances, held = credit.balances(), credit.held()
    for account, holder in sorted(holders.items()):
        terms, balance = holder.terms, balances.get(account)
        if terms is None:
            if account in suspended:
                yield f"{account:<20}  suspended"
            continue
        if balance is None:
            yield f"{account:<20}  {terms.mode}  no balance has come to the calls yet"
            continue
        mine = [one.amount for one in held if one.account == account]
        standing = Standing(balance.amount, balance.spent, sum(mine), balance.suspended)
        words = [
            f"{account:<20}  {terms.mode:<8} ",
            f"balance {money.yuan(balance.amount)}",
            *([f"credit {money.yuan(terms.credit_limit)}"] if terms.mode is Mode.POSTPAID else []),
            f"held {money.yuan(standing.held)} for {len(mine)} calls",
            *([f"today {money.yuan(balance.spent)} of {money.yuan(terms.daily_cap)}"] if terms.daily_cap else []),
            f"available {money.yuan(left_of(terms, standing).amount)}",
            *(["low"] if balance.low else []),
            *(["suspended"] if balance.suspended else []),
        ]
        yield "  ".join(words)
