"""Collectors and bookkeepers that are killed at random points: ``python -m tests.rating.killed``.

Arguments: state folder, database URL, calls, kills, seed. A collector stores and rates calls, a bookkeeper rates
what is left, closes what months are over, books what rating again finds, and issues bills and credit notes, over
and over, while the switch goes on writing. Every few kills another month is over, so that months are closed and
billed from the first kill to the last. Prints ``KILLS n WORKED w BILLS b``: how often it killed one of the two, how
often something had been posted since, and how many bills and credit notes there were then.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from sqlalchemy import func, select, update
from sqlalchemy.orm import configure_mappers

from appliance import config
from appliance.cli.cdr import Collector
from appliance.domain.grants import month_of, month_start
from appliance.domain.ledger import Who
from appliance.errors import StoreError
from appliance.rating.again import rate_again
from appliance.rating.bill.document import Party
from appliance.rating.bill.issue import Terms, credit, issue
from appliance.rating.close import close_month
from appliance.rating.run import rate_all
from appliance.store import ledger
from appliance.store.journal import Journal
from appliance.store.models import Bill, ClosedMonth, Plan, Price
from appliance.store.unit import Store
from tests.cdr.killed import forked, write
from tests.cdr.spooled import START

WHO = Who("boss", "test")
TERMS = Terms(Party("示例通信服务有限公司"), 600)
#: The month of the calls, and a moment in the one after it.
MONTH = month_of(START)
LATER = datetime(2027, 1, 5, tzinfo=UTC)
#: A month has so many kills.
KILLS_A_MONTH = 4
#: Owed for each month, so that each has its bill.
MINIMUM = 3_333_333
#: A price of the past, published while months are closed: half of the one before, from a time amid the calls.
HALF = Price(
    plan_code="pack",
    caller="any",
    effective_from=START + timedelta(seconds=150),
    effective_text="half",
    per_minute=50_000,
)


def at(months: int) -> datetime:
    """A moment so many months after ``LATER``."""
    return month_start(month_of(LATER) + months) + (LATER - month_start(month_of(LATER)))


def keep_books(url: str, now: datetime = LATER) -> None:
    """Everything that books, once."""

    def clock() -> datetime:
        return now

    with Store(url) as store:
        rate_all(store, clock)
        for month in range(MONTH, month_of(now)):
            close_month(store, month, clock, grace=timedelta(), who=WHO)
        rate_again(store, clock, book=WHO)
        for month in range(MONTH, month_of(now)):
            with store.work() as session:
                if session.get(ClosedMonth, ("east", month)) is not None:
                    issue(session, "east", month, TERMS, now, WHO.by)
                    session.commit()
        with store.work() as session:
            credit(session, "east", TERMS, now, WHO.by)
            session.commit()


def keep_on(url: str, now: datetime) -> None:
    while True:
        try:
            keep_books(url, now)
        except StoreError as error:
            # The collector has the database for long on a slow machine: nothing is done, and it is done again.
            print(error, file=sys.stderr)


def main(folder: str, url: str, calls: str, kills: str, seed: str) -> None:
    dice = random.Random(int(seed))
    settings = config.load(state_dir=Path(folder), database_url=url, collect_interval_s=0.01, partial_cdr_s=3600)
    settings.spool_dir.mkdir(parents=True, exist_ok=True)
    configure_mappers()
    with Store(url) as store, store.work() as session:
        session.execute(update(Plan).values(minimum_monthly=MINIMUM))
        session.commit()
    done = progress = before = 0
    writer = forked(lambda: write(settings.spool_dir, int(calls), dice))
    workers = [
        lambda: Collector(settings, Store(url), Journal(settings.journal_file)).run(),
        lambda: keep_on(url, at(done // KILLS_A_MONTH)),
    ]
    running = [forked(work) for work in workers]
    deadline = time.monotonic() + 1200
    while done < int(kills) and time.monotonic() < deadline:
        which = dice.randrange(2)
        let_work(running[which], dice.uniform(0.05, 1.5))
        if done == int(kills) // 3:
            publish(url)
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
    print(f"KILLS {done} WORKED {progress} BILLS {bills(url)}")


def let_work(pid: int, cpu_s: float) -> None:
    """Wait until a process has worked so long: on a busy machine a kill is to meet work as well."""
    until = time.monotonic() + 20
    worker = psutil.Process(pid)
    while time.monotonic() < until and sum(worker.cpu_times()[:2]) < cpu_s:
        time.sleep(0.01)


def publish(url: str) -> None:
    with Store(url) as store, store.work() as session:
        session.merge(HALF)
        session.commit()


def posted(url: str) -> int:
    with Store(url) as store, store.reading() as session:
        return ledger.last_posting(session)


def bills(url: str) -> int:
    with Store(url) as store, store.reading() as session:
        return session.scalar(select(func.count(Bill.number))) or 0


if __name__ == "__main__":
    main(*sys.argv[1:])
