"""Messages that calls hand over: kept whatever the file allows, sent once, in their order."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from appliance.domain.hook import Message
from appliance.store import journal_file as module
from appliance.store.journal import KEEP, Journal
from appliance.store.outbox import MAX_TEXT, Fill, JournalOutbox, fill, kept
from appliance.store.outbox_sending import LEASE, Claimed, Head, SendingOutbox, revive
from tests.store.journal.told import MINUTE, NOW, PROJECT, SECOND, allow_pages, call, count


def message(name: str, hook: str = "crm", seconds: float = 0, **changed: str) -> Message:
    made = Message(name, "demo", hook, f"text of {name}", "uuid", NOW + seconds * SECOND)
    return replace(made, **changed)


@pytest.fixture
def outbox(journal: Journal) -> JournalOutbox:
    return JournalOutbox(journal.file)


@pytest.fixture
def sender(journals: Callable[..., Journal]) -> SendingOutbox:
    return SendingOutbox(journals().file, "one")


@pytest.fixture
def other(journals: Callable[..., Journal]) -> SendingOutbox:
    return SendingOutbox(journals().file, "other")


def names(heads: list[Head]) -> list[str]:
    return [head.message.id for head in heads]


def claimed(sender: SendingOutbox, at: timedelta = timedelta()) -> Claimed:
    """The one message that is next."""
    (head,) = sender.heads()
    found = sender.claim(head, NOW + at)
    assert found is not None
    return found


def test_what_was_handed_over_is_next(outbox: JournalOutbox, sender: SendingOutbox) -> None:
    assert sender.heads() == []
    outbox.put(message("1", to="13800138000"))
    (head,) = sender.heads()
    assert head.message == message("1", to="13800138000")
    assert (head.tries, head.due_at, head.since, head.is_claimed(NOW)) == (0, NOW, NOW, False)


def test_the_same_again_is_the_same_message(outbox: JournalOutbox, sender: SendingOutbox) -> None:
    outbox.put(message("uuid:told"))
    outbox.put(message("uuid:told", text="other words"))
    found = claimed(sender)
    assert found.message.text == "text of uuid:told"
    outbox.put(message("uuid:told"))
    sender.sent(found, NOW, "ok")
    outbox.put(message("uuid:told"))
    assert sender.heads() == []


def test_a_text_is_cut_and_holds_no_control_characters(outbox: JournalOutbox, sender: SendingOutbox) -> None:
    outbox.put(message("1", text="a\x00b\r\nc\x1b[31md\u202e" + "x" * 3000))
    (head,) = sender.heads()
    assert head.message.text.startswith("a b\nc [31md x") and len(head.message.text) == MAX_TEXT


def test_messages_of_a_hook_go_in_their_order_and_hooks_do_not_wait_for_each_other(
    outbox: JournalOutbox, sender: SendingOutbox
) -> None:
    for one in (message("3", seconds=3), message("1", seconds=1), message("2", seconds=2), message("b", "sms", 9)):
        outbox.put(one)
    assert names(sender.heads()) == ["1", "b"]
    first = next(head for head in sender.heads() if head.message.id == "1")
    mine = sender.claim(first, NOW)
    assert mine is not None and names(sender.heads()) == ["1", "b"], "nobody overtakes it"
    sender.sent(mine, NOW, "")
    assert names(sender.heads()) == ["b", "2"] or names(sender.heads()) == ["2", "b"]


def test_two_senders_never_have_the_same(
    outbox: JournalOutbox, sender: SendingOutbox, other: SendingOutbox
) -> None:
    outbox.put(message("1"))
    (mine,), (theirs,) = sender.heads(), other.heads()
    assert sender.claim(mine, NOW) is not None
    assert other.claim(theirs, NOW) is None
    (theirs,) = other.heads()
    assert theirs.is_claimed(NOW) and theirs.tries == 1
    assert other.claim(theirs, NOW + LEASE - SECOND) is None


def test_what_a_dead_sender_had_is_taken_over_and_told_of_by_one(
    outbox: JournalOutbox, sender: SendingOutbox, other: SendingOutbox
) -> None:
    outbox.put(message("1"))
    mine = claimed(sender)
    later = NOW + LEASE
    (head,) = other.heads()
    assert not head.is_claimed(later)
    theirs = other.claim(head, later)
    assert theirs is not None and theirs.tries == 2
    sender.sent(mine, later, "late")
    assert names(other.heads()) == ["1"], "whose claim is over has nothing to say"
    other.again(theirs, later + MINUTE, "busy")
    sender.dead(mine, later, "late")
    (head,) = sender.heads()
    assert (head.due_at, head.tries, head.is_claimed(later)) == (later + MINUTE, 2, False)


def test_a_clock_that_was_set_back_holds_no_message(outbox: JournalOutbox, sender: SendingOutbox) -> None:
    outbox.put(message("1"))
    claimed(sender, timedelta(hours=3))
    (head,) = sender.heads()
    assert not head.is_claimed(NOW) and sender.claim(head, NOW) is not None


def test_the_hooks_last_try_is_known(outbox: JournalOutbox, sender: SendingOutbox) -> None:
    outbox.put(message("1"))
    outbox.put(message("2", seconds=1))
    sender.sent(claimed(sender, 5 * SECOND), NOW + 6 * SECOND, "")
    (head,) = sender.heads()
    assert head.message.id == "2" and head.last_try == NOW + 5 * SECOND


def test_dead_letters_are_kept_and_brought_back(
    outbox: JournalOutbox, sender: SendingOutbox, journal: Journal, file: Path
) -> None:
    for name, hook in (("1", "crm"), ("2", "crm"), ("3", "sms")):
        outbox.put(message(name, hook, float(name)))
    for _ in range(3):
        for head in sender.heads():
            found = sender.claim(head, NOW)
            assert found is not None
            sender.dead(found, NOW + MINUTE, "gone")
    assert sender.heads() == []
    assert fill(file, NOW) == Fill(0, None, 3)
    assert fill(file, NOW + MINUTE) == Fill(0, None, 0)
    assert [one.message.id for one in kept(file, ended=True) if one.is_dead] == ["1", "2", "3"]
    later = NOW + timedelta(days=3)
    assert revive(journal.file, later, message="2") == 1
    (head,) = sender.heads()
    assert (head.message.id, head.tries, head.due_at, head.since) == ("2", 0, later, later)
    assert revive(journal.file, later, hook="crm") == 1 and names(sender.heads()) == ["1", "3"][:1]
    assert revive(journal.file, later) == 1 and revive(journal.file, later) == 0
    assert names(sender.heads()) == ["1", "3"]


def test_what_was_sent_is_not_brought_back(outbox: JournalOutbox, sender: SendingOutbox, journal: Journal) -> None:
    outbox.put(message("1"))
    sender.sent(claimed(sender), NOW, "ok")
    assert revive(journal.file, NOW) == 0


def test_what_ended_is_told_to_the_database_and_forgotten_only_then(
    outbox: JournalOutbox, sender: SendingOutbox, journal: Journal, file: Path
) -> None:
    outbox.put(message("1"))
    outbox.put(message("2", "sms"))
    for head in sender.heads():
        found = sender.claim(head, NOW)
        assert found is not None
        (sender.sent if found.message.id == "1" else sender.dead)(found, NOW + SECOND, "said")
    told = sender.unstored()
    assert [(one.message.id, one.tries, one.sent, one.said, one.ended_at) for one in told] == [
        ("1", 1, True, "said", NOW + SECOND),
        ("2", 1, False, "said", NOW + SECOND),
    ]
    sender.forget(NOW + MINUTE)
    assert len(list(kept(file, ended=True))) == 2
    sender.stored(told[:1])
    assert [one.message.id for one in sender.unstored()] == ["2"]
    sender.forget(NOW + MINUTE)
    assert [one.message.id for one in kept(file, ended=True)] == ["2"]
    revive(journal.file, NOW + MINUTE)
    sender.stored(told[1:])
    sender.dead(claimed(sender, MINUTE), NOW + 2 * MINUTE, "again")
    assert [one.said for one in sender.unstored()] == ["again"], "what came after it is told as well"
    journal.forget(NOW + KEEP + timedelta(days=1))
    assert list(kept(file, ended=True)) == []


def test_what_waits_is_never_forgotten(outbox: JournalOutbox, sender: SendingOutbox, journal: Journal) -> None:
    outbox.put(message("1"))
    journal.forget(NOW + 9 * KEEP)
    sender.forget(NOW + 9 * KEEP)
    assert names(sender.heads()) == ["1"]


def test_how_full_it_is(outbox: JournalOutbox, sender: SendingOutbox, file: Path) -> None:
    outbox.put(message("2", seconds=2))
    outbox.put(message("1", seconds=1))
    claimed(sender)
    assert fill(file, NOW) == Fill(2, NOW + SECOND, 0)
    (first, second) = kept(file, ended=False)
    assert (first.message.id, first.tries, first.claimed_until) == ("1", 1, NOW + LEASE)
    assert (second.message.id, second.claimed_until, second.ended_at, second.is_dead) == ("2", None, None, False)


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert fill(tmp_path / "none.db", NOW) == Fill()
    assert list(kept(tmp_path / "none.db", ended=False)) == []


def test_hooks_are_remembered_for_a_start_without_database(sender: SendingOutbox, other: SendingOutbox) -> None:
    sender.remember_hooks({"a": {"url": "http://a"}, "b": {}})
    sender.remember_hooks({"a": {"url": "http://b", "fields": {"x": "{text}"}}})
    assert other.remembered_hooks() == {"a": {"url": "http://b", "fields": {"x": "{text}"}}}


# Trouble with the file


def test_messages_wait_in_memory_while_there_is_no_room(
    outbox: JournalOutbox, journal: Journal, sender: SendingOutbox, clock: SimpleNamespace
) -> None:
    outbox.put(message("0"))
    allow_pages(journal, 1)
    with capture_logs():
        for name in range(200):
            outbox.put(message(f"m{name:03}", seconds=1 + name))
    in_file = len(sender.heads())
    assert in_file == 1
    sender.sent(claimed(sender), NOW, "")
    outbox.put(message("m000"))
    allow_pages(journal, 1_000_000)
    clock.now += 2
    with capture_logs() as logs:
        outbox.hand_over()
    assert [entry["event"] for entry in logs] == ["journal can be used again"]
    assert names(sender.heads()) == ["m000"]
    outbox.hand_over()


def test_what_became_of_a_message_is_not_forgotten_while_it_cannot_be_written(
    outbox: JournalOutbox, sender: SendingOutbox, file: Path, clock: SimpleNamespace
) -> None:
    outbox.put(message("1"))
    found = claimed(sender)
    lock = sqlite3.connect(file, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with capture_logs():
        sender.sent(found, NOW, "ok")
        clock.now += 2
        assert sender.heads() == [], "it would be sent again"
        lock.execute("ROLLBACK")
        clock.now += 2
        assert sender.heads() == [] and [one.said for one in sender.unstored()] == ["ok"]
    lock.close()


def test_nothing_is_claimed_while_the_file_is_locked(
    outbox: JournalOutbox, sender: SendingOutbox, file: Path
) -> None:
    outbox.put(message("1"))
    (head,) = sender.heads()
    lock = sqlite3.connect(file, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with capture_logs():
        assert sender.claim(head, NOW) is None
    lock.close()
    assert sender.claim(head, NOW) is not None


def test_a_reader_changes_nothing(
    outbox: JournalOutbox, sender: SendingOutbox, journals: Callable[..., Journal]
) -> None:
    outbox.put(message("1"))
    sender.dead(claimed(sender), NOW, "")
    assert revive(journals(reads_only=True).file, NOW) == 0


def test_a_file_without_outbox_gets_one_and_keeps_what_it_has(file: Path, journals: Callable[..., Journal]) -> None:
    before = Journal(file)
    before.call_started(call("1"))
    before.close()
    old = sqlite3.connect(file)
    old.executescript("DROP TABLE outbox; DROP TABLE hooks; PRAGMA user_version=2;")
    old.close()
    assert fill(file, NOW) == Fill(), "whoever only asks"
    with capture_logs() as logs:
        journal = journals()
        JournalOutbox(journal.file).put(message("1"))
    assert logs == [] and not file.with_name("journal.db.broken").exists()
    assert count(journal) == 1 and names(SendingOutbox(journal.file, "x").heads()) == ["1"]
    now = sqlite3.connect(file)
    assert now.execute("PRAGMA user_version").fetchone() == (module.FORM,)
    now.close()


def test_many_senders_at_once_claim_each_message_once(outbox: JournalOutbox, file: Path) -> None:
    """Processes that race for every message, and take each hook's in their order."""
    for number in range(40):
        outbox.put(message(f"{number:02}", f"hook{number % 4}", number))
    code = f"""
import time
from datetime import UTC, datetime
from pathlib import Path
from appliance.store.journal_file import JournalFile
from appliance.store.outbox_sending import SendingOutbox
import os
outbox = SendingOutbox(JournalFile(Path({str(file)!r})), str(os.getpid()))
until = time.monotonic() + 30
while time.monotonic() < until:
    heads = outbox.heads()
    if not heads and outbox._file.write_waiting():
        break
    for head in heads:
        now = datetime.now(UTC)
        if not head.is_claimed(now) and (claimed := outbox.claim(head, now)):
            print("SENT", claimed.message.hook, claimed.message.id, flush=True)
            outbox.sent(claimed, now, "")
"""
    several = [
        subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [line for one in several for line in one.communicate(timeout=60)[0].splitlines()]
    sent = sorted(line.split()[2] for line in said if line.startswith("SENT"))
    assert sent == [f"{number:02}" for number in range(40)]
