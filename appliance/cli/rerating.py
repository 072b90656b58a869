"""``appliance rating run``: calls without a charge are priced, and all of them again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import click

from appliance import bootstrap, config
from appliance.cli.month import Month
from appliance.cli.who import known_login
from appliance.domain.closing import month_name
from appliance.domain.ledger import Who
from appliance.domain.money import yuan
from appliance.domain.rerating import Difference
from appliance.rating.again import rate_again
from appliance.rating.cost import cost_all
from appliance.rating.run import rate_all
from appliance.store import schema


@click.command()
@click.option("--again", is_flag=True, help="Every call, whatever its charge: show what would differ.")
@click.option("--book", is_flag=True, help="With --again: book the difference.")
@click.option("--by", default="", help="Login of who books it.")
@click.option("--reason", default="", help="Why, for the auditor.")
@click.option("--month", type=Month(), help="Only calls of this month of Asia/Shanghai.")
def run(by: str, reason: str, month: int | None, *, again: bool, book: bool) -> None:
    """Rate stored calls that have no charge yet. Doing it again changes nothing.

    --again rates every call anew, shows the difference by account, and writes nothing before --book.
    """
    if book and not again:
        raise click.UsageError("--book goes with --again")
    with closing(schema.opened(config.load().database_url)) as store:
        if again:
            who = None
            if book:
                with store.reading() as session:
                    who = Who(known_login(session, by), reason)
            _tell(rate_again(store, bootstrap.utc_now, month=month, book=who), booked=book)
            costs = cost_all(store, again=True, month=month) if book else 0
        else:
            rated = rate_all(store, bootstrap.utc_now, month=month)
            click.echo(f"calls: {rated.calls}, charges written: {rated.changed}, not ratable: {rated.rejects}")
            costs = cost_all(store, month=month)
    if costs:
        click.echo(f"costs of legs written: {costs}")


def _tell(found: Sequence[Difference], *, booked: bool) -> None:
    for one in found:
        causes = ", ".join(f"{cause} {calls}" for cause, calls in sorted(one.causes.items()))
        difference = one.new - one.old
        sign = "+" if difference > 0 else ""
        closed = " (closed: a correction)" if one.closed else ""
        click.echo(
            f"{one.account_id or '-'} {month_name(one.month)}{closed}: {one.calls} calls differ ({causes}), "
            f"{yuan(one.old)} → {yuan(one.new)} yuan, {sign}{yuan(difference)}"
        )
    if not found:
        click.echo("nothing differs")
    elif booked:
        click.echo("booked")
    else:
        click.echo("nothing was booked; --book books it")
