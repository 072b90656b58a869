"""The sender's side of the outbox: which messages are next, who has which in his hands, what became of them.

Several senders may run at once (an upgrade has two): a message is claimed before it is sent, in the file, for a
time that is longer than any sending. Whoever dies with one in his hands loses it when that time is over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from appliance.domain.hook import Message
from appliance.store.journal_file import JournalFile
from appliance.store.outbox import COLUMNS, message_of, moment

#: How long a claim holds. No sending takes half of it.
LEASE = timedelta(seconds=60)
#: Ended messages that are read at once.
_BATCH = 200

_HOOKS = "SELECT DISTINCT hook FROM outbox WHERE ended_at = 0"
_HEAD = (
    f"SELECT {COLUMNS}, since, tries, due_at, claimed_until FROM outbox"  # noqa: S608 - ours
    " WHERE hook = ? AND ended_at = 0 ORDER BY at, id LIMIT 1"
)
_LAST_TRY = "SELECT MAX(tried_at) FROM outbox WHERE hook = ?"
#: ``tries`` as it was read: whoever comes second changes nothing. A claim that lies further ahead than any can was
#: made before the clock was set back.
_CLAIM = (
    "UPDATE outbox SET claimed_until = ?, owner = ?, tries = tries + 1, tried_at = ?"
    " WHERE id = ? AND ended_at = 0 AND tries = ? AND (claimed_until <= ? OR claimed_until > ?) RETURNING id"
)
_MINE = " WHERE id = ? AND owner = ? AND tries = ? AND ended_at = 0"
_ENDED = f"UPDATE outbox SET ended_at = ?, sent = ?, said = ?, claimed_until = 0{_MINE}"  # noqa: S608 - ours
_AGAIN = f"UPDATE outbox SET due_at = ?, said = ?, claimed_until = 0{_MINE}"  # noqa: S608 - ours
_REVIVED = (
    "UPDATE outbox SET ended_at = 0, tries = 0, due_at = ?, since = ?, stored = 0"
    " WHERE ended_at > 0 AND sent = 0 AND (? = '' OR hook = ?) AND (? = '' OR id = ?) RETURNING id"
)
_UNSTORED = (
    f"SELECT {COLUMNS}, tries, ended_at, sent, said FROM outbox"  # noqa: S608 - ours
    " WHERE ended_at > 0 AND stored = 0 ORDER BY ended_at, id LIMIT ?"
)
_STORED = "UPDATE outbox SET stored = 1 WHERE id = ? AND ended_at = ?"
_OLD = "SELECT id FROM outbox WHERE ended_at > 0 AND ended_at < ? AND stored = 1 LIMIT ?"
_FORGOTTEN = f"DELETE FROM outbox WHERE id IN ({_OLD})"  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class Head:
    """The oldest message that waits for its hook.

    :param since: from when on its age counts: when it was made, or brought back from the dead.
    :param last_try: when the hook was last tried, by whichever message.
    """

    message: Message
    since: datetime
    tries: int
    due_at: datetime
    last_try: datetime
    claimed_until: datetime

    def is_claimed(self, now: datetime) -> bool:
        """Whether somebody has it in his hands."""
        return now < self.claimed_until <= now + LEASE


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message in our hands. ``tries`` counts the one that follows."""

    message: Message
    since: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A message that was sent or given up."""

    message: Message
    tries: int
    ended_at: datetime
    sent: bool
    said: str


class SendingOutbox:
    """The outbox in a journal's file, for one thread at a time."""

    def __init__(self, file: JournalFile, owner: str) -> None:
        """``owner``: this process, by a name that no other has."""
        self._file = file
        self._owner = owner

    def heads(self) -> list[Head]:
        """The first message of each hook that has any: those behind it wait for it.

        None at all while what became of one cannot be written: it would be sent a second time.
        """
        if not self.is_written:
            return []
        found = []
        for (hook,) in self._file.look(_HOOKS, ()):
            for row in self._file.look(_HEAD, (hook,)):
                since, tries, due_at, claimed_until = row[7:]
                last_try = max((at for (at,) in self._file.look(_LAST_TRY, (hook,)) if at), default=0.0)
                found.append(
                    Head(
                        message_of(row),
                        moment(since),
                        tries,
                        moment(due_at),
                        moment(last_try),
                        moment(claimed_until),
                    )
                )
        return found

    def claim(self, head: Head, now: datetime) -> Claimed | None:
        """Take a message into our hands; None: somebody else has, or the file cannot be written now."""
        at, until = now.timestamp(), (now + LEASE).timestamp()
        values = (until, self._owner, at, head.message.id, head.tries, at, until)
        if not self._file.change(_CLAIM, values):
            return None
        return Claimed(head.message, head.since, head.tries + 1)

    def sent(self, claimed: Claimed, now: datetime, said: str) -> None:
        """It was delivered."""
        self._settle(_ENDED, (now.timestamp(), 1, said), claimed)

    def dead(self, claimed: Claimed, now: datetime, said: str) -> None:
        """It is given up: a dead letter."""
        self._settle(_ENDED, (now.timestamp(), 0, said), claimed)

    def again(self, claimed: Claimed, due_at: datetime, said: str) -> None:
        """It is tried again then."""
        self._settle(_AGAIN, (due_at.timestamp(), said), claimed)

    def _settle(self, statement: str, values: tuple[object, ...], claimed: Claimed) -> None:
        self._file.write([(statement, (*values, claimed.message.id, self._owner, claimed.tries))])

    def unstored(self) -> list[Ended]:
        """Ended messages that the database does not know yet, some of them."""
        made = []
        for row in self._file.look(_UNSTORED, (_BATCH,)):
            tries, ended_at, sent, said = row[7:]
            made.append(Ended(message_of(row), tries, moment(ended_at), bool(sent), said))
        return made

    def stored(self, ended: Sequence[Ended]) -> None:
        """The database knows these now."""
        self._file.write([(_STORED, (one.message.id, one.ended_at.timestamp())) for one in ended])

    @property
    def is_written(self) -> bool:
        """Whether the file has all that was told here."""
        return self._file.write_waiting()

    def forget(self, before: datetime) -> None:
        """Drop what ended before, and the database knows."""
        self._file.drop(_FORGOTTEN, (before.timestamp(),))

    def remember_hooks(self, hooks: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep what hooks there are, for a start while the database is away."""
        rows = [("INSERT INTO hooks VALUES (?, ?)", (name, json.dumps(one))) for name, one in hooks.items()]
        self._file.write([("DELETE FROM hooks", ()), *rows])

    def remembered_hooks(self) -> dict[str, Any]:
        """What was kept."""
        return {name: json.loads(content) for name, content in self._file.look("SELECT id, content FROM hooks", ())}


def revive(file: JournalFile, now: datetime, *, hook: str = "", message: str = "") -> int:
    """Have dead letters sent after all: those of a hook, one of them, or all; how many they are."""
    at = now.timestamp()
    return len(file.change(_REVIVED, (at, at, hook, hook, message, message)))
