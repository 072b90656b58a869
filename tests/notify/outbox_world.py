"""A world for the sender: an outbox, receivers that are a script, and a clock that is ours."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.domain.hook import Hook, HookKind, Message
from appliance.notify.sender import Sender
from appliance.notify.verdict import Verdict, delivered
from appliance.store.journal_file import JournalFile
from appliance.store.outbox import JournalOutbox, kept
from appliance.store.outbox_sending import SendingOutbox

START = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HOOKS = {
    "a": Hook("a", "demo", HookKind.WEBHOOK, "http://a/"),
    "b": Hook("b", "demo", HookKind.WEBHOOK, "http://b/"),
    "robot": Hook("robot", "demo", HookKind.WECOM, "http://c/", per_minute=20),
}


class World:
    """An outbox, a sender on it, its receivers, and the clock."""

    def __init__(self, file: Path, executor: ThreadPoolExecutor) -> None:
        self.file = file
        self.now = START
        self.journal = JournalFile(file)
        self.outbox = JournalOutbox(self.journal)
        self.hooks: dict[str, Hook] | None = dict(HOOKS)
        self.asked: list[tuple[str, str, int]] = []
        #: Hook → what becomes of a message; others take it.
        self.verdicts: dict[str, Callable[[Message], Verdict]] = {}
        self.sending = SendingOutbox(self.journal, "one")
        self.sender = Sender(
            self.sending,
            lambda: self.hooks,
            self.deliver,
            executor,
            lambda: self.now,
            random.Random(1),
            lambda seconds: None,
        )

    def deliver(self, hook: Hook, message: Message, tries: int) -> Verdict:
        self.asked.append((hook.id, message.id, tries))
        return self.verdicts.get(hook.id, lambda message: delivered("ok"))(message)

    def put(self, name: str, hook: str = "a", after: timedelta = timedelta()) -> None:
        self.outbox.put(Message(name, "demo", hook, f"text of {name}", "uuid", self.now + after))

    def step(self) -> None:
        """What is due now goes out and ends."""
        self.sender.step(0.0)
        self.sender.finish()

    def states(self) -> dict[str, str]:
        ended = {
            one.message.id: f"{'sent' if one.sent else 'dead'}: {one.said}" for one in kept(self.file, ended=True)
        }
        return ended | {one.message.id: f"waits: {one.said}" for one in kept(self.file, ended=False)}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ThreadPoolExecutor(8) as executor:
        made = World(tmp_path / "journal.db", executor)
        with closing(made.journal):
            yield made
