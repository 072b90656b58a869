"""``appliance rating close``: a month's charges become final."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta

import click

from appliance import bootstrap, config
from appliance.cli.month import Month
from appliance.cli.who import known_login
from appliance.domain.closing import Hindrances, month_name
from appliance.domain.ledger import Who
from appliance.domain.money import yuan
from appliance.errors import RatingError
from appliance.rating.close import close_month
from appliance.store import schema

#: Calls that are named, of many that stand in the way.
_NAMED = 20


@click.command("close")
@click.argument("month", type=Month())
@click.option("--account", help="Only this one; default: every account of the box.")
@click.option("--by", default="", help="Login of who closes it.")
@click.option(
    "--although-not-ratable", is_flag=True, help="Leave calls that no price is found for at 0; needs a reason."
)
@click.option("--reason", default="", help="Why they are left.")
def close(month: int, account: str | None, by: str, reason: str, *, although_not_ratable: bool) -> None:
    """Close MONTH (2026-02): its charges are final. What stands in the way is listed, with exit code 6."""
    settings = config.load()
    with closing(schema.opened(settings.database_url)) as store:
        if by:
            with store.reading() as session:
                by = known_login(session, by)
        found = close_month(
            store,
            month,
            bootstrap.utc_now,
            grace=timedelta(seconds=settings.late_calls_s),
            who=Who(by, reason),
            account_id=account,
            although_not_ratable=although_not_ratable,
        )
    barred = 0
    for one in found:
        if one.hindrances is None:
            how = "closed" if one.new else "was closed"
            click.echo(f"{one.account_id}: {how}, {one.calls} charges, {yuan(one.amount)} yuan")
            continue
        barred += 1
        click.echo(f"{one.account_id}: not closed")
        for line in _hindrances(one.hindrances):
            click.echo(f"  {line}")
    if barred:
        raise RatingError(f"{month_name(month)} is not closed for {barred} of {len(found)} accounts")


def _hindrances(found: Hindrances) -> list[str]:
    lines = [f"{month_name(earlier)} is to be closed before" for earlier in found.earlier]
    lines += _named("not rated yet (appliance rating run)", found.unrated)
    lines += _named("abnormal, waits for a person (appliance cdr settle)", found.abnormal)
    return lines + _named("no plan or no price (mend the price book, or appliance cdr settle)", found.not_ratable)


def _named(what: str, uuids: Sequence[str]) -> list[str]:
    lines = [f"{what}: {uuid}" for uuid in uuids[:_NAMED]]
    return lines + ([f"{what}: {len(uuids) - _NAMED} more"] if len(uuids) > _NAMED else [])
