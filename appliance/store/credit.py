"""Balances as calls see them, and what is held for calls under way: in the journal's file (reseller mode).

All processes of handlers share it. A call's hold is written in the transaction that reckons what is left for it, so
that calls at once never hold more than there is. A hold goes in the transaction that brings the balance in which
the call's charge is (``rating.standing``): in between what a call used is neither free nor counted twice.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from appliance.domain.affordable import Limit, Units, Use
from appliance.domain.credit import Standing
from appliance.domain.holding import Held
from appliance.domain.pricing import Subscription
from appliance.store.begun import began
from appliance.store.journal import Started, started_row
from appliance.store.journal_file import JournalFile, Row

_HELD = "SELECT COALESCE(SUM(amount), 0) FROM holds WHERE account = ?"
_BALANCE = "SELECT amount, spent, suspended FROM balances WHERE account = ?"
_HOLD = "INSERT INTO holds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
#: Of calls that have begun and have no such row any more; and, of before each hold had one, of those that are too
#: old to be under way.
_LOST = (
    "SELECT h.uuid FROM holds h LEFT JOIN begun b ON b.uuid = h.uuid WHERE b.uuid IS NULL AND (h.begun OR h.at < ?)"
)
_SEEN = "INSERT OR REPLACE INTO credit_seen VALUES (1, ?, ?, ?)"
_BALANCE_IS = "INSERT OR REPLACE INTO balances VALUES (?, ?, ?, ?, ?)"
_USED = "INSERT OR REPLACE INTO units_used VALUES (?, ?, ?)"
_DROPPED = "DELETE FROM holds WHERE uuid = ?"


class Known(NamedTuple):
    """What is known as a call comes. ``standing`` None: the account was never seen in the database; ``uses`` is
    ``domain.affordable.Uses``, with what calls under way may come to use, and ``stakes`` is ``Stakes`` there."""

    standing: Standing | None
    uses: Callable[[Subscription], list[Use]]
    stakes: Callable[[Subscription], list[tuple[int, int]]] = lambda subscription: []


class Seen(NamedTuple):
    """How far balances were brought: the last posting in them, the day of ``spent`` (``YYYY-MM-DD``), and how often
    they were brought, by which whoever was overtaken finds out."""

    through: int = 0
    day: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's, as the database has it."""

    amount: int
    spent: int
    suspended: bool
    #: Whether so little is left that it is to be told.
    low: bool


@dataclass(frozen=True, slots=True)
class News:
    """What the database has by now, to be taken over together.

    :param balances: those that are others than before.
    :param settled: calls whose charges are in the balances, or that will never have one.
    :param used: included units that charges have used: number, subscription's start → ``(month, units)``.
    :param told: of each account that has become low, rows that tell of it (``store.outbox``).
    """

    before: Seen
    through: int
    day: str
    balances: Mapping[str, Balance]
    settled: Collection[str] = ()
    used: Mapping[tuple[str, datetime], Sequence[tuple[int, int]]] = field(default_factory=dict)
    told: Mapping[str, Sequence[Row]] = field(default_factory=dict)


class Credit:
    """This part of a journal. One a process; for one thread at a time."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def hold(
        self, call: Started, limit: Callable[[Known], Limit | None], *, begins: bool = True
    ) -> tuple[Limit | None] | None:
        """Hold for a call what ``limit`` says of what is known, in one step with its saying so; a call that has a
        hold keeps it. ``(None,)``: there is nothing for it; None: the journal cannot be written.

        The call begins with it, so that its being lost frees the hold: as ``journal.call_started`` has it where it
        ``begins`` as a call that rules count, as ``begun`` alone where it calls somebody back.
        """

        def work(connection: sqlite3.Connection) -> tuple[Limit | None]:
            row = connection.execute("SELECT * FROM holds WHERE uuid = ?", (call.uuid,)).fetchone()
            if row is not None:
                return (_limit(row),)
            found = limit(_known(connection, call))
            if found is not None:
                units = json.dumps(
                    [[one.since.isoformat(), one.month, one.units, one.dearest, one.worth] for one in found.units]
                )
                connection.execute(
                    _HOLD,
                    (
                        *(call.uuid, call.account, call.number, found.amount),
                        *(found.seconds, int(found.from_answer), units, 1, call.at.timestamp()),
                    ),
                )
                for statement, values in (*([started_row(call)] if begins else []), began(call.uuid, call.at)):
                    connection.execute(statement, values)
            return (found,)

        return self._file.together(work)

    def peek(self, account: str, number: str) -> Known:
        """What is known, without holding anything: for the simulator, for whoever asks beforehand."""
        found: dict[str, Any] = {
            "balance": self._file.look(_BALANCE, (account,)),
            "held": self._file.look(_HELD, (account,)),
            "used": self._file.look("SELECT since, uses FROM units_used WHERE number = ?", (number,)),
            "units": self._file.look("SELECT units FROM holds WHERE number = ?", (number,)),
        }
        return _made(found)

    def release(self, uuid: str) -> None:
        """The call will cost nothing."""
        self._file.write([(_DROPPED, (uuid,))])

    def held(self) -> list[Held]:
        """Everything that is held, the oldest first."""
        rows = self._file.look("SELECT uuid, account, number, amount, at FROM holds ORDER BY at, uuid", ())
        return [
            Held(uuid, account, number, amount, datetime.fromtimestamp(at, UTC))
            for uuid, account, number, amount, at in rows
        ]

    def ended(self, oldest: datetime) -> set[str]:
        """Calls that something is held for and that are stored, or were given up by whoever looks for lost ones
        (``cdr.lost``); of those of before calls back had a row of their begin, what is older than ``oldest``."""
        return {uuid for (uuid,) in self._file.look(_LOST, (oldest.timestamp(),))}

    def seen(self) -> Seen:
        """How far balances were brought."""
        return next(
            (Seen(*row) for row in self._file.look("SELECT through, day, version FROM credit_seen", ())), Seen()
        )

    def balances(self) -> dict[str, Balance]:
        """All that are known."""
        rows = self._file.look("SELECT * FROM balances", ())
        return {row[0]: Balance(row[1], row[2], suspended=bool(row[3]), low=bool(row[4])) for row in rows}

    def take(self, news: News) -> bool:
        """Take over what the database has, whole or not at all; False: somebody else was quicker, or the journal
        cannot be written. Whoever becomes low is told so in the same step, and again only when he was not so in
        between."""

        def work(connection: sqlite3.Connection) -> bool:
            row = connection.execute("SELECT through, day, version FROM credit_seen").fetchone()
            if (Seen(*row) if row else Seen()) != news.before:
                return False
            low = {name for (name,) in connection.execute("SELECT account FROM balances WHERE low")}
            told = [row for account, rows in news.told.items() if account not in low for row in rows]
            for account, is_now in news.balances.items():
                connection.execute(
                    _BALANCE_IS,
                    (account, is_now.amount, is_now.spent, int(is_now.suspended), int(is_now.low)),
                )
            for (number, since), uses in news.used.items():
                connection.execute(_USED, (number, since.isoformat(), json.dumps([list(use) for use in uses])))
            connection.executemany(_DROPPED, [(uuid,) for uuid in news.settled])
            for statement, values in told:
                connection.execute(statement, values)
            connection.execute(_SEEN, (news.through, news.day, news.before.version + 1))
            return True

        return bool(self._file.together(work))


def _known(connection: sqlite3.Connection, call: Started) -> Known:
    def all_of(query: str, value: str) -> list[Any]:
        return connection.execute(query, (value,)).fetchall()

    return _made(
        {
            "balance": all_of(_BALANCE, call.account),
            "held": all_of(_HELD, call.account),
            "used": all_of("SELECT since, uses FROM units_used WHERE number = ?", call.number),
            "units": all_of("SELECT units FROM holds WHERE number = ?", call.number),
        }
    )


def _made(found: Mapping[str, list[Any]]) -> Known:
    standing = None
    for amount, spent, suspended in found["balance"]:
        standing = Standing(amount, spent, sum(held for (held,) in found["held"]), bool(suspended))
    used: dict[datetime, list[Use]] = {}
    for since, uses in found["used"]:
        used.setdefault(datetime.fromisoformat(since), []).extend(
            (month, units) for month, units in json.loads(uses)
        )
    stakes: dict[datetime, list[tuple[int, int]]] = {}
    for (held,) in found["units"]:
        call: dict[datetime, list[Units]] = {}
        for one in _units(held):
            call.setdefault(one.since, []).append(one)
        # Months that it may be answered in, and prices that it may find, are of one call: it uses its units once.
        for since, either in call.items():
            months = [one.month for one in either]
            used.setdefault(since, []).append((min(months), max(one.units for one in either), max(months)))
            stakes.setdefault(since, []).append(
                (max(one.dearest for one in either), max(one.worth for one in either))
            )
    return Known(
        standing,
        lambda subscription: used.get(subscription.starts_at, []),
        lambda subscription: stakes.get(subscription.starts_at, []),
    )


def _limit(row: Any) -> Limit:
    _, _, _, amount, seconds, from_answer, units, _, _ = row
    return Limit(seconds, amount, _units(units), bool(from_answer))


def _units(held: str) -> tuple[Units, ...]:
    """Those of a hold; one of before there was anything at stake has its first three figures only."""
    return tuple(
        Units(datetime.fromisoformat(since), month, used, *at_stake)
        for since, month, used, *at_stake in json.loads(held)
    )
