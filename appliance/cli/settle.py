"""``appliance cdr settle``: a person decides about a call that waits for one."""

from __future__ import annotations

from contextlib import closing

import click

from appliance import bootstrap, config
from appliance.cli.who import known_login
from appliance.domain.ledger import Who
from appliance.domain.money import yuan
from appliance.domain.settling import Action
from appliance.rating.settle import settle_call
from appliance.store import schema


@click.command()
@click.argument("uuid")
@click.option("--charge", "action", flag_value="charge", help="Charge it, as its record is or as you say.")
@click.option("--waive", "action", flag_value="waive", help="It costs nothing.")
@click.option("--talked", type=click.IntRange(min=0), help="Seconds of the talk with a line.")
@click.option("--billed", type=click.IntRange(min=0), help="Seconds from the answer; default: wait and talk.")
@click.option("--reason", required=True, help="Why, for the auditor.")
@click.option("--by", required=True, help="Login of who decides.")
def settle(uuid: str, action: str | None, talked: int | None, billed: int | None, reason: str, by: str) -> None:
    """Settle the call UUID, which is abnormal or has no price; it is rated at once."""
    if action is None:
        raise click.UsageError("--charge or --waive")
    with closing(schema.opened(config.load().database_url)) as store, store.work() as session:
        who = Who(known_login(session, by), reason)
        charge = settle_call(
            session, uuid, Action(action), bootstrap.utc_now, who, talked_s=talked, billed_s=billed
        )
        shown = f"{uuid}: {yuan(charge.amount)} yuan ({charge.reason})"
        session.commit()
    click.echo(shown)
