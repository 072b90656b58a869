"""Match a carrier's bill with our calls, one to one, and write down what differs."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy.orm import Session

from appliance.domain.grants import month_start
from appliance.domain.reconcile import Billed, Compared, Ours, Status, Terms, compare
from appliance.rating.carrier.desk import Desk, Entry, Run
from appliance.rating.carrier.form import UNSAID, Form, Mapped, find_form
from appliance.rating.carrier.report import Report
from appliance.rating.carrier.rows import Row, Unreadable, rows
from appliance.rating.carrier.values import read_number
from appliance.store import billed as our_side
from appliance.store.unit import Store

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Of rows that cannot be read so many are told in words; the file of differences has all of them.
_TOLD = 20


class Against(StrEnum):
    """What of ours the bill is held against."""

    #: Legs that went out, with what they cost us.
    COSTS = "costs"
    #: Calls that came in, with what we charge for them.
    CHARGES = "charges"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be compared, and how closely.

    :param month: only calls of ours of that month have to be on the bill; None: from its first line to its last.
    :param trunk: only calls and legs of that trunk; None: of all.
    :param window_s: starts of one call lie at most so far apart once the clocks agree.
    :param reach_s: so far may the clocks be apart.
    :param seconds: so much may durations differ; ``amount`` likewise, millionths of a yuan.
    :param home_area_code: area code of numbers that are written without one, on either side.
    """

    against: Against = Against.COSTS
    month: int | None = None
    trunk: str | None = None
    window_s: int = 30
    reach_s: int = 900
    seconds: int = 2
    amount: int = 0
    home_area_code: str = ""


@dataclass(slots=True)
class Sum:
    """Lines, their seconds and their amounts (millionths of a yuan; those that are not known count nothing)."""

    count: int = 0
    seconds: int = 0
    amount: int = 0

    def add(self, one: Billed | Ours) -> None:
        """Add one."""
        self.count += 1
        self.seconds += one.seconds
        self.amount += one.amount or 0


@dataclass(slots=True)
class Reconciled:
    """What was found. The bill's sums by status are those of all of its rows that were read; ours likewise.

    :param offset_ms: so much the carrier's clock is ahead, borne out by ``sure`` calls.
    :param unreadable: rows that were not read; ``told``: the first of them.
    """

    form: Form
    billed: dict[Status, Sum] = field(default_factory=lambda: {status: Sum() for status in Status})
    ours: dict[Status, Sum] = field(default_factory=lambda: {status: Sum() for status in Status})
    offset_ms: int = 0
    sure: int = 0
    unreadable: int = 0
    told: list[Unreadable] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether anything is not the same on both sides."""
        counts = Counter({status: self.billed[status].count + self.ours[status].count for status in Status})
        del counts[Status.SAME]
        return bool(self.unreadable or counts.total())


def reconcile(
    bill: Path, store: Store, asked: Asked, mapped: Mapped = UNSAID, out: Path | None = None
) -> Reconciled:
    """Compare the bill with what is stored.

    Both sides are sorted on the disk, in the folder for temporary files; memory holds one run of calls of one
    number and caller.

    :param out: the differences are written there (CSV), whole or not at all.
    :raises RatingError: the file cannot be read or its columns are not recognised, or ``out`` not written.
    :raises StoreError: as ``Store.reading``.
    """
    form = find_form(bill, mapped, by_400=asked.against is Against.CHARGES)
    found = Reconciled(form)
    with (
        tempfile.TemporaryDirectory(prefix="reconcile-") as folder,
        Desk(Path(folder)) as desk,
        Report(out) as report,
    ):
        _lay_bill(bill, store, desk, asked, found, report)
        span = desk.span()
        if span is None and asked.month is None:
            report.keep()
            return found
        _lay_ours(store, desk, asked, form, _asked_for(asked, span))
        terms = Terms(asked.window_s * 1000, 0, asked.seconds, asked.amount)
        found.offset_ms, found.sure = desk.offset(asked.reach_s * 1000, terms)
        terms = replace(terms, offset_ms=found.offset_ms)
        due = _due(asked, span, found.offset_ms)
        for run in desk.runs(terms.window_ms, terms.offset_ms):
            for one in compare(run.billed, run.ours, terms):
                _count(found, run, one, due, report)
        report.keep()
    return found


def _lay_bill(bill: Path, store: Store, desk: Desk, asked: Asked, found: Reconciled, report: Report) -> None:
    with store.reading() as session:
        landing = _landing(session, asked)

    def entries() -> Iterator[Entry]:
        for row in rows(bill, found.form, asked.home_area_code):
            if isinstance(row, Row):
                line = Billed(row.line, row.at, row.seconds, row.amount)
                yield Entry(landing.get(row.called, row.called), row.caller, line)
            else:
                found.unreadable += 1
                if len(found.told) < _TOLD:
                    found.told.append(row)
                report.unreadable(row)

    desk.lay(entries())


def _lay_ours(store: Store, desk: Desk, asked: Asked, form: Form, between: tuple[int, int]) -> None:
    since, until = (_EPOCH + timedelta(milliseconds=at) for at in between)
    read = our_side.costed_legs if asked.against is Against.COSTS else our_side.charged_calls
    with_caller = "caller" in form.places
    with store.reading() as session:
        landing = _landing(session, asked)
        desk.lay(
            Entry(
                landing.get(called := _whole(one.called, asked), called),
                _whole(one.caller, asked) if with_caller else "",
                Ours(one.id, _ms(one.answered_at), one.seconds, one.amount),
            )
            for one in read(session, since, until, asked.trunk)
        )


def _landing(session: Session, asked: Asked) -> dict[str, str]:
    return {_whole(landed, asked): number for landed, number in our_side.landing_numbers(session).items()}


def _whole(number: str, asked: Asked) -> str:
    """Ours with its area code: a line, a landing number or a call from before the setting may be without."""
    return read_number(number, asked.home_area_code) or number if asked.home_area_code else number


def _asked_for(asked: Asked, span: tuple[int, int] | None) -> tuple[int, int]:
    """Whatever of ours can be on the bill, or has to be."""
    reach = (asked.reach_s + asked.window_s) * 1000
    spans = [] if span is None else [(span[0] - reach, span[1] + reach + 1)]
    if asked.month is not None:
        spans.append((_ms(month_start(asked.month)) - reach, _ms(month_start(asked.month + 1)) + reach))
    return min(since for since, _ in spans), max(until for _, until in spans)


def _due(asked: Asked, span: tuple[int, int] | None, offset_ms: int) -> Callable[[Ours], bool]:
    """Whether a call of ours has to be on the bill, by the carrier's clock."""
    if asked.month is not None:
        since, until = _ms(month_start(asked.month)), _ms(month_start(asked.month + 1)) - 1
    else:
        since, until = span or (0, -1)
    return lambda one: since <= one.at + offset_ms <= until


def _count(found: Reconciled, run: Run, one: Compared, due: Callable[[Ours], bool], report: Report) -> None:
    if one.status is Status.ONLY_OURS and one.ours is not None and not due(one.ours):
        return
    if one.billed is not None:
        found.billed[one.status].add(one.billed)
    if one.ours is not None:
        found.ours[one.status].add(one.ours)
    if one.status is not Status.SAME:
        report.differs(run.called, run.caller, one)


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
