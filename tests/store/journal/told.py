"""What the tests tell a journal, and ask of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.domain.hunt import Hunt, Strategy, Uses
from appliance.store.journal import Journal, Started, Talked

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
NUMBER, OTHER = "4008001234", "4008005678"
CALLER, STRANGER = "13800138000", "02188886666"
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
ROTATE = Hunt(("a", "b", "c"), Strategy.ROTATE)
IDLE = Hunt(("a", "b", "c"), Strategy.LONGEST_IDLE)
FAMILIAR = Hunt(("a", "b", "c"), Strategy.LAST_SPOKEN)
PROJECT = Path(__file__).resolve().parents[3]


#: Caps that are never reached.
MANY = (10**6, 10**6)


def call(
    uuid: str, at: datetime = NOW, number: str = NUMBER, caller: str = CALLER, *, admitted: bool = True
) -> Started:
    return Started(uuid, at, number, "demo", "t", caller, admitted)


def talk(uuid: str, line: str = "a", began: datetime = NOW, number: str = NUMBER, caller: str = CALLER) -> Talked:
    return Talked(uuid, number, caller, line, began, began + MINUTE)


def count(journal: Journal, number: str = NUMBER, caller: str | None = None) -> int:
    """Calls that were let in during the last day."""
    return journal.admitted_since(number, NOW - DAY, caller)


def uses(
    journal: Journal, hunt: Hunt = ROTATE, *capped: str, now: datetime = NOW + 10 * MINUTE, caller: str = CALLER
) -> Uses:
    return journal.uses("h", hunt, NUMBER, caller, dict.fromkeys(capped, MANY), now)


def rung(journal: Journal, name: str = "h") -> list[str]:
    """The lines of a hunt in the order in which they were rung last."""
    found = journal.uses(name, ROTATE, NUMBER, CALLER, {}, NOW).lines
    return sorted(found, key=lambda line: found[line].rung_at or NOW)


def taken(journal: Journal, line: str, now: datetime) -> tuple[int, int]:
    """Calls of the day and of the month."""
    use = uses(journal, Hunt(), line, now=now).of(line)
    return use.today, use.this_month


def allow_pages(journal: Journal, pages: int) -> None:
    """So many pages the file may have; 0: as many as it has now."""
    connection = journal._file._connection()
    connection.execute(f"PRAGMA max_page_count = {pages or 1}")
