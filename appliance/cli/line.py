"""``appliance line``: bound lines, and the SIP phones among them."""

from __future__ import annotations

import secrets
from contextlib import closing

import click

from appliance import bootstrap, config
from appliance.domain.calendar import SHANGHAI
from appliance.domain.routing import PHONES_REALM, Line
from appliance.errors import SettingsError
from appliance.store import pins, schema, tries
from appliance.store.bans import Bans
from appliance.store.journal import Journal, TrunkState
from appliance.store.phones import phone_secrets, set_phone_password
from appliance.store.routing import load_table

#: 144 bits, in letters that a phone's keypad and its web page take.
_PASSWORD_BYTES = 18


@click.group()
def line() -> None:
    """Lines: which there are, and whether the SIP phones among them are registered."""


@line.command("list")
def list_lines() -> None:
    """List the lines, how each is reached, and how the SIP phones were found last."""
    settings = config.load()
    with closing(Journal(settings.journal_file, reads_only=True)) as journal:
        states = journal.phones()
    store = schema.opened(settings.database_url)
    with closing(store), store.reading() as session:
        table, known = load_table(session, bootstrap.utc_now()), phone_secrets(session)
    if not table.lines:
        click.echo("no lines; a site file names them")
    for one in table.lines.values():
        extension = f"ext. {one.extension}" if one.extension else ""
        where = f"{one.number} by {one.trunk}" if not one.is_phone else _state(one, one.id in known, states)
        has_pin = "  PIN" if one.pin_hash else ""
        click.echo(f"{one.id:<16}  {one.account:<12}  {extension:<14}  {where}{has_pin}")


@line.command()
@click.argument("line_id", metavar="LINE")
def password(line_id: str) -> None:
    """Make a SIP phone's password and print it, this once: what is kept of it is its digest secret.

    The switch knows it once its configuration is rendered and read again.
    """
    settings = config.load()
    made = secrets.token_urlsafe(_PASSWORD_BYTES)
    store = schema.opened(settings.database_url)
    with closing(store), store.work() as session:
        set_phone_password(session, line_id, PHONES_REALM, made)
        session.commit()
    click.echo(f"user      {line_id}")
    click.echo(f"password  {made}")
    click.echo(f"domain    {PHONES_REALM}")
    click.echo(f"registrar {settings.sip_host}:{settings.phones_port} (UDP)")
    click.echo(f"now: {_READ_AGAIN}", err=True)


@line.command()
@click.argument("line_id", metavar="LINE")
@click.option("--generate", is_flag=True, help="Make one and print it, once.")
@click.option("--clear", is_flag=True, help="Take it away: nobody signs in at the line from elsewhere.")
def pin(line_id: str, *, generate: bool, clear: bool) -> None:
    """Set the PIN by which an agent signs in at LINE from any telephone; wrong ones keyed before are forgotten."""
    if generate and clear:
        raise click.UsageError("--generate or --clear")
    settings = config.load()
    store = schema.opened(settings.database_url)
    with closing(store):
        with store.reading() as session:
            # Before the question: nobody keys a PIN twice for a line that is not there.
            pins.require(session, line_id)
        word = pins.made() if generate else ""
        if not (generate or clear):
            word = click.prompt("PIN", hide_input=True, confirmation_prompt=True)
        with store.work() as session:
            pins.set_pin(session, line_id, word)
            session.commit()
    tries.lift(settings.journal_file, tries.of_line(line_id))
    click.echo(word if generate else f"PIN of {line_id} {'taken away' if clear else 'set'}")


_READ_AGAIN = "appliance switch reload"


def _state(line: Line, has_password: bool, states: dict[str, TrunkState]) -> str:
    state = states.get(line.id)
    if not has_password:
        return f"SIP phone, no password yet: appliance line password {line.id}"
    if state is None:
        return "SIP phone, not known yet"
    since = state.since.astimezone(SHANGHAI)
    return f"SIP phone, {'registered' if state.up else 'NOT REGISTERED'} since {since:%Y-%m-%d %H:%M:%S}"


@line.command("bans")
@click.option("--lift", metavar="ADDRESS", help="Let phones register from this address again.")
def bans(lift: str | None) -> None:
    """List the addresses that SIP phones' passwords were guessed from, and until when they are refused."""
    with closing(Journal(config.load().journal_file, reads_only=lift is None)) as journal:
        known = Bans(journal.file)
        if lift is not None:
            if lift not in {ban.address for ban in known.all(bootstrap.utc_now())}:
                raise SettingsError(f"{lift}: is not refused")
            known.lifted(lift)
            click.echo(f"{lift}: is let in within a second or two")
        for ban in known.all(bootstrap.utc_now()):
            until = ban.until.astimezone(SHANGHAI)
            click.echo(f"{ban.address:<40}  until {until:%Y-%m-%d %H:%M:%S}  {ban.failures} wrong for {ban.user!r}")
