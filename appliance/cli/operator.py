"""``appliance operator``: who may use the console."""

from __future__ import annotations

import click
from sqlalchemy import select

from appliance import config
from appliance.store import passwords, schema
from appliance.store.models import Operator


@click.group("operator")
def operator() -> None:
    """Console users: list them, set a password."""


@operator.command("list")
def list_operators() -> None:
    """List the operators: login, roles, account, whether they can sign in."""
    with schema.opened(config.load().database_url) as store, store.reading() as session:
        rows = [
            (
                row.login,
                ",".join(sorted(role.name for role in row.roles)),
                row.account_id or "every account",
                "no password" if row.password_hash is None else "" if row.active else "not active",
            )
            for row in session.scalars(select(Operator).order_by(Operator.login))
        ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if not rows:
        click.echo("no operators; a site file names them")


@operator.command("password")
@click.argument("login")
@click.option("--generate", is_flag=True, help="Make a password and print it, once.")
def password(login: str, *, generate: bool) -> None:
    """Set the password of LOGIN; every open session of that operator ends."""
    store = schema.opened(config.load().database_url)
    with store.reading() as session:
        # Before the question: nobody types a password twice for a login that is not there.
        known = passwords.require(session, login).login
    word = (
        passwords.generated() if generate else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    with store.work() as session:
        passwords.set_password(session, known, word)
        session.commit()
    click.echo(word if generate else f"password of {known} set")
