"""Collectors and bookkeepers that are killed at random points: ``python -m tests.rating.killed``.

Arguments: state folder, database URL, calls, kills, seed. A collector stores and rates calls, a bookkeeper rates
what is left, closes the month and books what rating again finds, over and over, while the switch goes on writing.
Prints ``KILLS n WORKED w``: how often it killed one of the two, and how often something had been posted since.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import configure_mappers

from appliance import config
from appliance.cli.cdr import Collector
from appliance.domain.grants import month_of
from appliance.domain.ledger import Who
from appliance.errors import StoreError
from appliance.rating.again import rate_again
from appliance.rating.close import close_month
from appliance.rating.run import rate_all
from appliance.store import ledger
from appliance.store.journal import Journal
from appliance.store.models import Price
from appliance.store.unit import Store
from tests.cdr.killed import forked, write
from tests.cdr.spooled import START

WHO = Who("boss", "test")
#: A month after the calls.
LATER = datetime(2027, 1, 5, tzinfo=UTC)
#: A price of the past, published while months are closed: half of the one before, from a time amid the calls.
HALF = Price(
    plan_code="pack",
    caller="any",
    effective_from=START + timedelta(seconds=150),
    effective_text="half",
    per_minute=50_000,
)


def later() -> datetime:
    return LATER


def keep_books(url: str) -> None:
    """Everything that books, once."""
    with Store(url) as store:
        rate_all(store, later)
        close_month(store, month_of(START), later, grace=timedelta(), who=WHO)
        rate_again(store, later, book=WHO)


def keep_on(url: str) -> None:
    while True:
        try:
            keep_books(url)
        except StoreError as error:
            # The collector has the database for long on a slow machine: nothing is done, and it is done again.
            print(error, file=sys.stderr)


def main(folder: str, url: str, calls: str, kills: str, seed: str) -> None:
    dice = random.Random(int(seed))
    settings = config.load(state_dir=Path(folder), database_url=url, collect_interval_s=0.01, partial_cdr_s=3600)
    settings.spool_dir.mkdir(parents=True, exist_ok=True)
    configure_mappers()
    writer = forked(lambda: write(settings.spool_dir, int(calls), dice))
    workers = [
        lambda: Collector(settings, Store(url), Journal(settings.journal_file)).run(),
        lambda: keep_on(url),
    ]
    running = [forked(work) for work in workers]
    done = progress = before = 0
    deadline = time.monotonic() + 200
    while done < int(kills) and time.monotonic() < deadline:
        time.sleep(dice.uniform(0.05, 0.8))
        if done == int(kills) // 3:
            publish(url)
        which = dice.randrange(2)
        os.kill(running[which], signal.SIGKILL)
        os.waitpid(running[which], 0)
        done += 1
        now = posted(url)
        progress += now > before
        before = now
        running[which] = forked(workers[which])
    os.waitpid(writer, 0)
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    print(f"KILLS {done} WORKED {progress}")


def publish(url: str) -> None:
    with Store(url) as store, store.work() as session:
        session.merge(HALF)
        session.commit()


def posted(url: str) -> int:
    with Store(url) as store, store.reading() as session:
        return ledger.last_posting(session)


if __name__ == "__main__":
    main(*sys.argv[1:])
