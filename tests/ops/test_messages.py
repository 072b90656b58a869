"""How messages to the world outside fare, judged: a receiver that is down, a sender that is gone."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance import config
from appliance.domain.hook import Message
from appliance.ops import doctor
from appliance.ops.messages import LATE, LIMITS, UNATTENDED, in_words, judged_messages
from appliance.ops.state import State
from appliance.store.journal_file import JournalFile
from appliance.store.outbox import Fill, JournalOutbox, fill
from appliance.store.outbox_sending import SendingOutbox

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
JUDGED = [
    (Fill(), State.GOOD, "0 messages wait, 0 were given up in the last 7 days"),
    (Fill(LIMITS[0], NOW - LATE), State.GOOD, "100 messages wait, 0 were given up in the last 7 days"),
    (Fill(LIMITS[0] + 1, NOW), State.WATCH, "see `appliance notify list`"),
    (Fill(LIMITS[1] + 1, NOW), State.BAD, "see `appliance notify list`"),
    (Fill(1, NOW - LATE - SECOND), State.WATCH, "1 messages wait"),
    (Fill(0, None, 1), State.WATCH, "1 were given up"),
    (Fill(1, NOW, 0, NOW - UNATTENDED + SECOND), State.GOOD, "1 messages wait"),
    (Fill(1, NOW, 0, NOW - UNATTENDED), State.BAD, "nobody sends them: is `appliance notify send` running?"),
]


@pytest.mark.parametrize(("found", "state", "words"), JUDGED)
def test_what_to_think_of_an_outbox(found: Fill, state: State, words: str) -> None:
    judged = judged_messages(found, NOW)
    assert judged.state is state and words in in_words(judged)


def put(file: JournalFile, name: str, hook: str, at: datetime) -> None:
    JournalOutbox(file).put(Message(name, "demo", hook, "text", "", at))


def test_since_when_nobody_sends(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    with closing(JournalFile(journal)) as file:
        sender = SendingOutbox(file, "one")
        put(file, "1", "crm", NOW)
        put(file, "2", "crm", NOW + SECOND)
        assert fill(journal, NOW).unattended_since == NOW
        (head,) = sender.heads()
        claimed = sender.claim(head, NOW + 5 * SECOND)
        assert claimed is not None
        sender.again(claimed, NOW + 60 * SECOND, "down")
        assert fill(journal, NOW).unattended_since is None, "the second one waits for the first"
        put(file, "3", "sms", NOW + 9 * SECOND)
        assert fill(journal, NOW).unattended_since == NOW + 9 * SECOND
        (head, other) = sorted(sender.heads(), key=lambda one: one.message.id)
        claimed = sender.claim(other, NOW + 9 * SECOND)
        assert claimed is not None
        sender.sent(claimed, NOW + 9 * SECOND, "")
        claimed = sender.claim(head, NOW + 70 * SECOND)
        assert claimed is not None
        sender.dead(claimed, NOW + 70 * SECOND, "down")
        assert fill(journal, NOW).unattended_since == NOW + 70 * SECOND, "it is next since then"


def test_the_doctor_tells_of_it(tmp_path: Path) -> None:
    settings = config.load_apart(tmp_path)
    assert doctor._messages(settings).ok
    now = datetime.now(UTC)
    with closing(JournalFile(settings.journal_file)) as file:
        put(file, "1", "crm", now - timedelta(minutes=5))
        found = doctor._messages(settings)
        assert not found.ok and "nobody sends them" in found.words
        sender = SendingOutbox(file, "one")
        claimed = sender.claim(sender.heads()[0], now)
        assert claimed is not None
        sender.dead(claimed, now, "down")
    found = doctor._messages(settings)
    assert found.ok and "1 were given up in the last 7 days: see" in found.words
