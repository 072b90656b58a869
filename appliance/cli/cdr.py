"""``appliance cdr``: the collector, and one stored call."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from types import FrameType
from typing import NoReturn

import click
import structlog

from appliance import bootstrap, config
from appliance.calls import duration
from appliance.cdr import callbacks
from appliance.cdr.collect import Collected, collect_once
from appliance.cdr.signings import SigningCopy
from appliance.cdr.untold import LOOK_EVERY_S, STALLED_S, UntoldTalks
from appliance.cli.settle import settle
from appliance.config import Settings
from appliance.domain.grants import SHANGHAI
from appliance.domain.money import yuan
from appliance.errors import ApplianceError, StoreError
from appliance.rating.cost import cost_all, cost_calls
from appliance.rating.run import rate_all, rate_calls
from appliance.store import schema
from appliance.store.begun import BegunCalls
from appliance.store.callback_records import of_calls, since
from appliance.store.callbacks import Callbacks
from appliance.store.calls import talks, talks_since
from appliance.store.journal import Journal
from appliance.store.queries import Scope, calls, reading
from appliance.store.queries.call_views import CallDetail
from appliance.store.signing import Signings
from appliance.store.tasks import derive_tasks, derive_tasks_since
from appliance.store.unit import Store

_log = structlog.get_logger(__name__)

#: Pause after a run that failed: whoever is away is not asked more often.
_AFTER_A_FAULT_S = 2.0
_FLUSH_EVERY_S = 5.0
_REMEMBERED_AGAIN = timedelta(days=1)
_FORGET_EVERY_S = 3600.0
#: How often calls that the switch took with it are looked for; several looks have to miss one.
_LOST_EVERY_S = 5.0
#: Pause before calls that could not be rated are looked for again.
_CATCH_UP_S = 30.0


class Collector:
    """Collects and rates. Rating follows each batch in a unit of work of its own.

    A price book that is wrong must never keep a call from being stored; and nothing is lost between the two
    commits, for a call without a charge is itself the note that it is to be rated.
    """

    def __init__(
        self, settings: Settings, store: Store, journal: Journal, stored: Callable[[], None] = lambda: None
    ) -> None:
        """``stored`` is called whenever a batch was stored, and whenever nothing waits."""
        self._settings = settings
        self._stored = stored
        self._store = store
        self._journal = journal
        self._requests = Callbacks(journal.file)
        self._signings = SigningCopy(Signings(journal.file))
        self._begun = BegunCalls(journal.file)
        self._lost = bootstrap.lost_calls(settings, store, journal)
        self._standings = bootstrap.standings(settings, store, journal)
        self._tended_at = self._forgot_at = self._looked_at = 0.0
        self._stop = threading.Event()
        #: When to look for stored calls that were not rated (monotonic seconds): at the start and after a fault.
        self._catch_up_at: float | None = 0.0

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """End after the batch in progress; a signal's handler."""
        self._stop.set()

    def collect(self) -> Collected:
        """Everything that is in the spool now.

        :raises StoreError: the database or the spool cannot be used.
        """
        done = collect_once(
            self._settings.spool_dir,
            self._store,
            bootstrap.utc_now,
            partial_s=self._settings.partial_cdr_s,
            home_area_code=self._settings.home_area_code,
            after_batch=self._after_batch,
            stop=self._stop.is_set,
        )
        self._stored()
        if self._catch_up_at is not None and time.monotonic() >= self._catch_up_at:
            self._catch_up()
        return done

    def run(self) -> None:
        """Collect until ``stop``; the database may go and come back meanwhile."""
        fault = ""
        while not self._stop.is_set():
            pause = self._settings.collect_interval_s
            try:
                self.collect()
                self._keep_callbacks()
                self._keep_signings()
                self._close_lost()
                self._bring_balances()
                if fault:
                    _log.info("collecting-again")
                fault = ""
            except StoreError as error:
                # Said once, not twice a second for as long as it lasts.
                if str(error) != fault:
                    _log.error("collecting-stopped", error=str(error))
                fault, pause = str(error), max(pause, _AFTER_A_FAULT_S)
            self._tend_journal()
            self._stop.wait(pause)

    def _close_lost(self) -> None:
        """Only right behind a run that has stored whatever was in the spool."""
        now = time.monotonic()
        if now - self._looked_at < min(_LOST_EVERY_S, self._settings.lost_after_s / 2):
            return
        self._looked_at = now
        self._remember(self._lost.look())

    def _after_batch(self, call_uuids: Sequence[str]) -> None:
        self._stored()
        self._rate(call_uuids)
        self._note_missed(call_uuids)
        self._begun.settled(call_uuids)
        self._remember(call_uuids)

    def _remember(self, call_uuids: Sequence[str]) -> None:
        """Their talks, for rules that look back."""
        if not call_uuids:
            return
        with self._faults_logged(), self._store.reading() as session:
            self._journal.talked(talks(session, call_uuids))
            callbacks.tell(session, self._requests, of_calls(call_uuids), bootstrap.utc_now())

    def _bring_balances(self) -> None:
        """Behind rating: what was held for calls that are charged by now is free."""
        if self._standings is not None:
            with self._faults_logged("balances-not-brought"):
                self._standings.look()

    def _keep_callbacks(self) -> None:
        with self._faults_logged():
            callbacks.keep(self._store, self._requests)

    def _keep_signings(self) -> None:
        with self._faults_logged("signings-not-kept"):
            self._signings.keep(self._store)

    def _tend_journal(self) -> None:
        """Here and not in the handlers: no call waits for the disk."""
        now = time.monotonic()
        if now - self._tended_at >= _FLUSH_EVERY_S:
            self._tended_at = now
            self._journal.flush()
        if now - self._forgot_at >= _FORGET_EVERY_S:
            self._forgot_at = now
            self._journal.forget(bootstrap.utc_now())

    def _rate(self, call_uuids: Sequence[str]) -> None:
        with self._faults_logged(), self._store.work() as session:
            rate_calls(session, call_uuids, bootstrap.utc_now)
            session.commit()
        # In a unit of work of its own: what the box pays must never keep a call from being charged.
        with self._faults_logged("legs-not-costed"), self._store.work() as session:
            cost_calls(session, call_uuids)
            session.commit()

    def _note_missed(self, call_uuids: Sequence[str]) -> None:
        with self._faults_logged("missed-calls-not-noted"), self._store.work() as session:
            derive_tasks(session, call_uuids)
            session.commit()

    def _catch_up(self) -> None:
        self._catch_up_at = None
        with self._faults_logged():
            rate_all(self._store, bootstrap.utc_now)
        with self._faults_logged("legs-not-costed"):
            cost_all(self._store)
        with self._faults_logged("missed-calls-not-noted"), self._store.work() as session:
            derive_tasks_since(session, bootstrap.utc_now() - _REMEMBERED_AGAIN)
            session.commit()
        # A collector that was killed between the two has stored talks that the journal does not know.
        with self._faults_logged(), self._store.reading() as session:
            now = bootstrap.utc_now()
            self._journal.talked(talks_since(session, now - _REMEMBERED_AGAIN))
            callbacks.tell(session, self._requests, since(now - _REMEMBERED_AGAIN), now)

    @contextmanager
    def _faults_logged(self, what: str = "not-rated") -> Iterator[None]:
        """Whatever is wrong with what follows a call's storing, a fault of ours too: calls are stored on, and it is
        done later."""
        try:
            yield
        except ApplianceError as error:
            _log.error(what, error=str(error))
            self._catch_up_at = time.monotonic() + _CATCH_UP_S
        except Exception:
            _log.exception(what)
            self._catch_up_at = time.monotonic() + _CATCH_UP_S


@click.group()
def cdr() -> None:
    """CDR files of the switch, and the calls they become."""


cdr.add_command(settle)


@cdr.command()
@click.option("--once", is_flag=True, help="Only what is in the spool now.")
def collect(once: bool) -> None:
    """Store the calls of the spool and rate them, until SIGTERM."""
    bootstrap.configure_logging()
    settings = config.load()
    with closing(schema.opened(settings.database_url)) as store:
        try:
            settings.spool_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the spool {settings.spool_dir} cannot be made: {error.strerror}") from error
        journal = Journal(settings.journal_file)
        # A journal of its own, as it has a thread of its own.
        untold = UntoldTalks(
            settings.spool_dir,
            Journal(settings.journal_file),
            settings.home_area_code,
            stalled_s=settings.collect_interval_s + STALLED_S,
        )
        collector = Collector(settings, store, journal, untold.stored)
        if once:
            done = collector.collect()
            callbacks.keep(store, Callbacks(journal.file))
            journal.close()
            click.echo(f"calls stored: {len(done.stored)}, files set aside: {len(done.rejects)}")
            for reject in done.rejects:
                click.echo(f"set aside {reject.file}: {reject.reason}")
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, collector.stop)
        # Beside the handlers, who do the same: a talk outlives them, and its limit must.
        limit = duration.DurationLimit(
            partial(bootstrap.switch_api, settings), bootstrap.utc_now, settings.max_call_s
        )
        _look_again_and_again(limit.look, duration.LOOK_EVERY_S, "durations")
        _look_again_and_again(untold.look, LOOK_EVERY_S, "untold-talks")
        click.echo(f"READY spool={settings.spool_dir}")
        collector.run()
        journal.close()


def _look_again_and_again(look: Callable[[], None], every_s: float, what: str) -> None:
    """In a thread of its own, until the process ends."""

    def work() -> NoReturn:
        while True:
            try:
                look()
            except Exception:
                _log.exception("not looked", what=what)
            time.sleep(every_s)

    threading.Thread(target=work, name=what, daemon=True).start()


@cdr.command()
@click.argument("uuid")
def show(uuid: str) -> None:
    """Show a stored call with its legs and its charge."""
    with closing(schema.opened(config.load().database_url)) as store, reading(store, Scope(None)) as reader:
        found = calls.one(reader, uuid)
    if found is None:
        raise ApplianceError(f"no such call: {uuid}")
    for name, value in _shown(found):
        if value:
            click.echo(f"{name:<10} {value}")


def _shown(call: CallDetail) -> Iterator[tuple[str, str]]:
    row = call.row
    yield "call", row.uuid
    yield "number", row.number
    yield "account", row.account_id or ""
    yield "trunk", row.trunk_id
    yield "calls back", call.callback_id
    yield "caller", " ".join(filter(None, [row.caller or "withheld", f"({row.caller_kind})", row.caller_name]))
    yield "outcome", " ".join(filter(None, [row.outcome, call.hangup_cause, str(call.sip_status or "")]))
    yield "started", _at(row.started_at)
    yield "answered", _at(row.answered_at)
    yield "joined", _at(row.joined_at)
    yield "ended", _at(row.ended_at)
    yield "billed", f"{row.bill_ms / 1000:.3f} s"
    yield "talked", f"{row.bridged_ms / 1000:.3f} s"
    yield "flow", call.flow
    yield "keys", " ".join(f"{node}={key}" for node, key in row.keys)
    if len(call.talks) > 1:
        yield "talks", " ".join(f"{line_id}={ms / 1000:.1f}s" for line_id, ms in call.talks)
    yield "tried", " ".join(f"{attempt.line_id}={attempt.disposition}" for attempt in call.tried)
    yield "line", row.line_id
    yield "recording", row.recording
    for leg in call.legs:
        yield f"leg {leg.role}", f"{_at(leg.started_at)} to {_at(leg.ended_at)} {leg.hangup_cause}"
    if call.settlement is not None:
        decided = call.settlement
        yield "settled", f"{decided.action} by {decided.by_login}, {_at(decided.at)}: {decided.reason}"
    charge = call.charge
    if charge is None:
        yield "charge", "not rated yet"
        return
    amount = "" if row.amount is None else f"{yuan(row.amount)} yuan"
    plan = charge.plan.code if charge.plan else ""
    yield "charge", " ".join(filter(None, [amount, charge.reason, plan]))


def _at(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(SHANGHAI).isoformat(sep=" ", timespec="milliseconds")
