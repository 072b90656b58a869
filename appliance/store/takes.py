"""Recording a prompt by phone: the codes that allow it, and what was recorded, in the journal's file.

A code is good for one prompt of one account, for a quarter of an hour, and for one take. The take waits as a file
until it is made a prompt of (``media.takes``): calls need no database for it.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from appliance.domain.pin import CODE_DIGITS
from appliance.errors import StoreError
from appliance.store.journal_file import JournalFile

#: How long a code can be keyed.
GOOD_FOR = timedelta(minutes=15)
#: Codes of an account that can be keyed at once: one of so many is what a guess may meet.
MOST_AT_ONCE = 20
#: Takes below the recordings folder; one folder for all, since the switch makes none.
FOLDER = "takes"
_CODE = "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_FORGOTTEN = (
    "DELETE FROM codes WHERE account = ? AND prompt = ? AND until > ? AND id NOT IN (SELECT code FROM takes)"
)
#: One take a code, whoever is first.
_TAKE = (
    "INSERT OR IGNORE INTO takes (code, file, caller, at) SELECT id, ?, ?, ? FROM codes WHERE id = ? RETURNING code"
)
_ENDED = "UPDATE takes SET ended_at = ?, version = ?, fault = ? WHERE code = ?"
_OPEN = (
    "SELECT id, account, code, prompt, title, who, until FROM codes"
    " WHERE account = ? AND until > ? AND id NOT IN (SELECT code FROM takes)"
)
_WAITING = (
    "SELECT id, account, codes.code, prompt, title, who, until, file, takes.at, ended_at, version, fault"
    " FROM takes JOIN codes ON codes.id = takes.code WHERE ended_at = 0 ORDER BY takes.at"
)
_NEWEST = (
    "SELECT id, account, codes.code, prompt, title, who, until, coalesce(file, ''), coalesce(takes.at, 0),"
    " coalesce(ended_at, 0), coalesce(version, 0), coalesce(fault, '')"
    " FROM codes LEFT JOIN takes ON codes.id = takes.code WHERE account = ? AND prompt = ?"
    " ORDER BY codes.at DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Code:
    """What a code allows. ``who`` asked for it; ``until``: the last moment to key it."""

    id: str
    account: str
    digits: str
    prompt: str
    title: str
    who: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Take:
    """What came of a code. ``file``: below the recordings folder, empty: nothing was recorded yet. ``ended_at``:
    when it became ``version`` of the prompt, or was refused for ``fault`` (``media.faults``); None: it waits."""

    code: Code
    file: str = ""
    at: datetime | None = None
    ended_at: datetime | None = None
    version: int = 0
    fault: str = ""


class Takes:
    """The codes' and takes' part of a journal. One a process; for one thread at a time."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def give(self, account: str, prompt: str, title: str, who: str, now: datetime) -> Code | None:
        """A new code; an older one of the prompt that was not used is good no more. None: too many are open."""
        self._file.write([(_FORGOTTEN, (account, prompt, now.timestamp()))])
        others = {code.digits for code in self._open(account, now)}
        if len(others) >= MOST_AT_ONCE:
            return None
        digits = next(made for made in iter(_digits, "") if made not in others)
        until = now + GOOD_FOR
        code = Code(uuid.uuid4().hex, account, digits, prompt, title, who, until)
        row = (code.id, account, digits, prompt, title, who, now.timestamp(), until.timestamp())
        self._file.write([(_CODE, row)])
        return code

    def find(self, account: str, keyed: str, now: datetime) -> Code | None:
        """The open code of an account that was keyed. It takes as long for a wrong one."""
        found = None
        for code in self._open(account, now):
            if hmac.compare_digest(code.digits.encode(), keyed.encode()):
                found = code
        return found

    def keep(self, code: Code, file: str, caller: str, now: datetime) -> bool:
        """Have a prompt made of a take; False: another take of the code was quicker, or it cannot be written."""
        return bool(self._file.change(_TAKE, (file, caller, now.timestamp(), code.id)))

    def waiting(self) -> list[Take]:
        """Takes that no prompt was made of yet, in their order."""
        return [_take(row) for row in self._file.look(_WAITING, ())]

    def ended(self, take: Take, now: datetime, *, version: int = 0, fault: str = "") -> None:
        """A prompt was made of it, or cannot be."""
        self._file.write([(_ENDED, (now.timestamp(), version, fault, take.code.id))])

    def newest(self, account: str, prompt: str) -> Take | None:
        """What came of the newest code of a prompt; None: there was none lately."""
        return next((_take(row) for row in self._file.look(_NEWEST, (account, prompt))), None)

    def _open(self, account: str, now: datetime) -> list[Code]:
        return [_code(row) for row in self._file.look(_OPEN, (account, now.timestamp()))]


def give_code(journal_file: Path, account: str, prompt: str, title: str, who: str, now: datetime) -> Code:
    """For the console and the commands, which have no journal open.

    :raises StoreError: the journal cannot be written now, or too many codes are open.
    """
    with closing(JournalFile(journal_file)) as file:
        code = Takes(file).give(account, prompt, title, who, now)
    if code is None:
        raise StoreError(f"{account}: {MOST_AT_ONCE} codes are open; wait until one is used or too old")
    with closing(JournalFile(journal_file, reads_only=True)) as file:
        if Takes(file).find(account, code.digits, now) is None:
            raise StoreError(f"the journal {journal_file} cannot be written; try again")
    return code


def newest_take(journal_file: Path, account: str, prompt: str) -> Take | None:
    """``Takes.newest``, for whoever has no journal open."""
    with closing(JournalFile(journal_file, reads_only=True)) as file:
        return Takes(file).newest(account, prompt)


def _digits() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def _code(row: Any) -> Code:
    id_, account, digits, prompt, title, who, until = row
    return Code(id_, account, digits, prompt, title, who, datetime.fromtimestamp(until, UTC))


def _take(row: Any) -> Take:
    file, at, ended_at, version, fault = row[7:]
    return Take(_code(row[:7]), file, _moment(at), _moment(ended_at), version, fault)


def _moment(at: float) -> datetime | None:
    return datetime.fromtimestamp(at, UTC) if at else None
