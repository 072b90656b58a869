"""``appliance notify``: messages to the world outside."""

from __future__ import annotations

import random
import secrets
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from types import FrameType

import click

from appliance import bootstrap, config
from appliance.domain.calendar import SHANGHAI
from appliance.domain.hook import Message
from appliance.errors import ApplianceError
from appliance.notify.deliver import deliver
from appliance.notify.known import KnownHooks
from appliance.notify.record import Recorder
from appliance.notify.sender import Sender
from appliance.notify.serve import serve
from appliance.ops.alive import process_name
from appliance.store import outbox, schema
from appliance.store.hooks import load_hooks
from appliance.store.journal_file import JournalFile
from appliance.store.outbox_sending import SendingOutbox, revive
from appliance.store.unit import Store

#: Hooks that are asked at once.
_AT_ONCE = 32


@click.group()
def notify() -> None:
    """Messages to webhooks, robots of group chats and SMS gateways."""


@notify.command()
def send() -> None:
    """Send what calls hand over, until SIGTERM."""
    bootstrap.configure_logging()
    settings = config.load()
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    client = bootstrap.http_client(settings)
    # A connection each: one is for one thread.
    with (
        closing(JournalFile(settings.journal_file)) as ours,
        closing(JournalFile(settings.journal_file)) as databases,
        closing(Store(settings.database_url)) as store,
        ThreadPoolExecutor(_AT_ONCE, "deliver") as executor,
    ):
        told = SendingOutbox(databases, process_name())
        known = KnownHooks(store, told)
        recorder = Recorder(told, store, timedelta(days=settings.notify_keep_days), bootstrap.utc_now)
        sender = Sender(
            SendingOutbox(ours, process_name()),
            known,
            partial(deliver, client, now=bootstrap.utc_now),
            executor,
            bootstrap.utc_now,
            random.SystemRandom(),
            stop.wait,
        )
        click.echo(f"READY outbox={settings.journal_file}")
        serve(sender, known, recorder, stop)


@notify.command("list")
@click.option("--sent", is_flag=True, help="Those that were sent, the newest first.")
@click.option("--hook", default="", help="Those of one hook.")
@click.option("--limit", default=100, show_default=True, help="At most so many of each.")
def list_messages(sent: bool, hook: str, limit: int) -> None:
    """List the messages that wait, and those that were given up."""
    file = config.load().journal_file
    ended = (one for one in outbox.kept(file, ended=True) if one.sent is sent)
    waits = iter(()) if sent else outbox.kept(file, ended=False)
    found = False
    for some in (waits, ended):
        for one in islice((each for each in some if hook in ("", each.message.hook)), limit):
            found = True
            click.echo(_shown(one))
    if not found:
        click.echo("none was sent" if sent else "no message waits, none was given up")


@notify.command()
@click.argument("message", required=False)
@click.option("--hook", default="", help="All that were given up of this hook.")
@click.option("--all", "everything", is_flag=True, help="All that were given up.")
def retry(message: str | None, hook: str, everything: bool) -> None:
    """Have MESSAGE, which was given up, sent after all: it begins anew, with all its tries."""
    if bool(message) + bool(hook) + everything != 1:
        raise click.UsageError("name a message, or --hook HOOK, or --all")
    file = config.load().journal_file
    if not file.exists():
        raise ApplianceError(f"there is no journal {file}")
    with closing(JournalFile(file)) as journal:
        count = revive(journal, bootstrap.utc_now(), hook=hook, message=message or "")
    if message and not count:
        raise ApplianceError(f"no message that was given up is called {message}")
    click.echo(f"{count} messages will be sent")


@notify.command("test")
@click.argument("hook")
@click.option("--text", default="测试消息 test message", show_default=True, help="Its words.")
@click.option("--to", default="", help="Whom an SMS goes to; default: whom the hook says.")
def test_hook(hook: str, text: str, to: str) -> None:
    """Send one message to HOOK, at once and once, and say what it answers."""
    settings = config.load()
    with closing(schema.opened(settings.database_url)) as store, store.reading() as session:
        known = load_hooks(session).get(hook)
    if known is None:
        raise ApplianceError(f"there is no hook {hook}")
    message = Message(f"test:{secrets.token_hex(8)}", known.account, hook, text, "", bootstrap.utc_now(), to)
    verdict = deliver(bootstrap.http_client(settings), known, message, 1, bootstrap.utc_now)
    if not verdict.ok:
        raise ApplianceError(f"{hook} did not take it: {verdict.said}")
    click.echo(f"{hook} took it: {verdict.said}")


def _shown(one: outbox.Kept) -> str:
    return "  ".join(_words(one))


def _words(one: outbox.Kept) -> Iterator[str]:
    message = one.message
    state = "SENT" if one.sent else "DEAD" if one.is_dead else "waits"
    yield f"{state:<5}"
    yield _clock(one.ended_at or message.at)
    yield f"{message.hook:<16}"
    yield message.id
    if one.ended_at is None and one.tries:
        yield f"again at {_clock(one.due_at)}"
    if one.tries:
        yield f"tries: {one.tries}"
    if one.said:
        yield f"({one.said})"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
