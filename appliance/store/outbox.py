"""The outbox: messages that calls hand over, kept in the journal's file until they are sent.

A call waits for nobody: not for the database, not for the receiver. What it hands over is one row of the journal,
which the sender (``store.outbox_sending``) takes from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from appliance.domain.hook import Message
from appliance.domain.lookup import plain
from appliance.store.journal_file import JournalFile, Row

#: Characters of a message's text; what is longer is cut.
MAX_TEXT = 2000

#: Characters of a message's id, account, hook, call and recipient (``store.models.hooks``).
_LIMITS = (200, 40, 40, 64, 200)
_PUT = (
    "INSERT OR IGNORE INTO outbox (id, account, hook, text, call, recipient, at, since, due_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
#: Of messages that are next and were never tried: when they became so, at the latest.
_UNATTENDED = (
    "SELECT MAX(first.at, (SELECT MAX(tried_at) FROM outbox WHERE hook = first.hook)) FROM outbox AS first"
    " WHERE ended_at = 0 AND tries = 0 AND id ="
    " (SELECT id FROM outbox WHERE hook = first.hook AND ended_at = 0 ORDER BY at, id LIMIT 1)"
)
COLUMNS = "id, account, hook, text, call, recipient, at"


class Outbox(Protocol):
    """Takes messages from calls, at once."""

    def put(self, message: Message) -> None:
        """Hand a message over: it is sent soon, and tried again when it cannot be.

        The same ``message.id`` again is the same message, whatever its text: it is sent once. So a call that comes
        back to a node after its handlers' death may hand it over again; ``CALL:NODE`` is the id to use. Nothing is
        raised and nothing waited for; whether there is such a hook is found out later, and told by
        ``appliance notify list``.
        """


def put(message: Message) -> Row:
    """A message handed over, to be written in the journal, alone or together with what it tells of."""
    at = message.at.timestamp()
    text = "\n".join(plain(line, MAX_TEXT) for line in message.text.splitlines())[:MAX_TEXT]
    words = (message.id, message.account, message.hook, message.call, message.to)
    # As long as the database takes them: one that it refused would keep it from hearing of all others.
    id_, account, hook, call, to = (plain(word, limit) for word, limit in zip(words, _LIMITS, strict=True))
    return _PUT, (id_, account, hook, text, call, to, at, at, at)


class JournalOutbox:
    """The outbox in a journal. While the file cannot be written, messages are kept in memory, as all that calls do
    (``store.journal_file``), and are lost if the process dies before it can be written again."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def put(self, message: Message) -> None:
        """See ``Outbox.put``."""
        self._file.write([put(message)])

    def hand_over(self) -> None:
        """Write what could not be written, if it can be now: when no call comes, nobody else would."""
        self._file.write_waiting()


@dataclass(frozen=True, slots=True)
class Kept:
    """A message in the outbox.

    :param tries: so far; whoever sends it now has counted his.
    :param due_at: before it, it is not tried.
    :param claimed_until: until then somebody has it in his hands; None: nobody.
    :param ended_at: when it was sent or given up; None: neither yet.
    :param said: what the receiver said last, or why it could not be asked.
    """

    message: Message
    tries: int
    due_at: datetime
    claimed_until: datetime | None
    ended_at: datetime | None
    sent: bool
    said: str

    @property
    def is_dead(self) -> bool:
        """Whether it was given up (死信)."""
        return self.ended_at is not None and not self.sent


@dataclass(frozen=True, slots=True)
class Fill:
    """How full an outbox is: for the health page, the doctor.

    :param oldest_at: when the oldest message that waits was made.
    :param dead: messages that were given up since a moment.
    :param unattended_since: since when a message is next that nobody tries; None: there is none. A sender that runs
        needs a second for it.
    """

    waiting: int = 0
    oldest_at: datetime | None = None
    dead: int = 0
    unattended_since: datetime | None = None


def fill(file: Path, dead_since: datetime) -> Fill:
    """How full the outbox in a journal is. One that is not there is empty."""
    with closing(JournalFile(file, reads_only=True)) as journal:
        counts = journal.look("SELECT COUNT(*), MIN(at) FROM outbox WHERE ended_at = 0", ())
        dead = journal.look(
            "SELECT COUNT(*) FROM outbox WHERE ended_at > ? AND sent = 0", (dead_since.timestamp(),)
        )
        unattended = [since for (since,) in journal.look(_UNATTENDED, ())]
    oldest = [at for _, at in counts if at is not None]
    waiting = sum(count for count, _ in counts)
    return Fill(
        waiting,
        moment(min(oldest)) if oldest else None,
        sum(count for (count,) in dead),
        moment(min(unattended)) if unattended else None,
    )


def kept(file: Path, *, ended: bool) -> Iterator[Kept]:
    """The messages in a journal's outbox: those that wait, the oldest first, or those that were sent or given up,
    the newest first."""
    order = "ended_at > 0 ORDER BY ended_at DESC, id" if ended else "ended_at = 0 ORDER BY at, id"
    query = f"SELECT {COLUMNS}, tries, due_at, claimed_until, ended_at, sent, said FROM outbox WHERE {order}"  # noqa: S608 - ours
    with closing(JournalFile(file, reads_only=True)) as journal:
        for row in journal.look(query, ()):
            tries, due_at, claimed_until, ended_at, sent, said = row[7:]
            yield Kept(
                message_of(row),
                tries,
                moment(due_at),
                moment(claimed_until) if claimed_until else None,
                moment(ended_at) if ended_at else None,
                bool(sent),
                said,
            )


def message_of(row: Any) -> Message:
    """The message of a row that begins with ``COLUMNS``."""
    id_, account, hook, text, call, recipient, at = row[:7]
    return Message(id_, account, hook, text, call, moment(at), recipient)


def moment(at: float) -> datetime:
    """Seconds as a time."""
    return datetime.fromtimestamp(at, UTC)
