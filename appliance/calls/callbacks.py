"""Call back those who asked for it: the line first, by a process that has claimed the request; what follows, once
the line has answered, is done by whichever process gets the line's leg (``calls.called_back``).

A request is a row of the journal, so nothing of it is lost with a process. A try whose process has died is looked
after by the others: while its leg is there it is let be; a leg that is gone and had not rung the caller yet
releases the request; one that had leaves it to the call's record.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from appliance.domain import callback, numbers
from appliance.domain.calendar import DayKinds
from appliance.domain.callback import RECORD_COMES, SOON, Request, Stage
from appliance.domain.callback_turn import Moment, has_way, in_row, may_be_called, terms_of
from appliance.domain.lines import targets_for
from appliance.domain.numbers import Caller
from appliance.domain.outcome import Disposition, Target, Tried, disposition, is_trunk_trouble
from appliance.domain.queue import Waiting, rest_after
from appliance.domain.routing import Line, RoutingTable
from appliance.domain.speech import digits_prompts
from appliance.errors import SwitchError
from appliance.store.callbacks import Callbacks
from appliance.store.journal import Journal
from appliance.store.waitlist import Waitlist

#: A line's leg that has answered is with the handlers within this time.
_HANDED_OVER = timedelta(seconds=5)
_AFTER_A_FAULT = timedelta(minutes=1)
#: What the line hears before it is joined, or asked to press 1; the number follows.
WHISPER = "callback-line"
_log = structlog.get_logger(__name__)


class Dialler(Protocol):
    """What calling back asks of the switch; ``switch.originate``. Raises ``SwitchError`` while it is away."""

    def ring(
        self, targets: Sequence[Target], legs: Mapping[str, str], facts: Mapping[str, Mapping[str, str]]
    ) -> str:
        """Ring lines, all at once, until one of them answers and confirms: its leg then comes to the handlers. The
        cause, ``SUCCESS`` where one did.

        :param legs: line → the UUID that its leg gets: one that no leg ever had.
        :param facts: line → what its leg's record says.
        """

    def exists(self, uuid: str) -> bool:
        """Whether there is such a leg."""

    def count(self, realm: str, name: str) -> int:
        """Calls that are counted there."""


@dataclass(frozen=True, slots=True)
class Sounds:
    """Where announcements come from; see ``Desk``."""

    find_prompt: Callable[[str, str], Path | None]
    together: Callable[[Sequence[Path]], list[Path]] = list


@dataclass(slots=True)
class CallbackService:
    """Calls back for one process.

    :param run: does something beside, for it waits for a telephone.
    :param poke: have the queues' next look now.
    :param has_money: whether a call could be paid for now: a line is not rung in vain.
    """

    journal: Journal
    routing: Callable[[], RoutingTable]
    switch: Dialler
    sounds: Sounds
    now: Callable[[], datetime]
    public_day: DayKinds
    owner: str
    is_alive: Callable[[str], bool]
    run: Callable[[Callable[[], None]], object]
    is_down: Callable[[str], bool] = lambda trunk: False
    poke: Callable[[], None] = lambda: None
    has_money: Callable[[Request], bool] = lambda request: True
    requests: Callbacks = field(init=False)
    _without_way: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.requests = Callbacks(self.journal.file)

    # -- what the queues ask ---------------------------------------------------------------------------------

    def any_open(self) -> bool:
        """Whether there is any request."""
        return self.requests.any_open()

    def in_row(self, callers: Collection[Waiting]) -> list[Waiting]:
        """Those who asked, as callers of their queues, beside the ``callers`` who wait themselves."""
        table, now = self.routing(), self.now()
        at = Moment(table, now, table.day_kinds(self.public_day))
        can_be_called = has_way(table, self.is_down)
        requests = self.requests.open()
        self._without_way.intersection_update(request.id for request in requests)

        def may(request: Request) -> bool:
            return may_be_called(request, at) and self._has_way(request, can_be_called(request))

        return list(in_row(requests, callers, now, may))

    def _has_way(self, request: Request, can_be_called: bool) -> bool:
        """Whether he can be called. That he cannot is logged once, until he can again."""
        if can_be_called:
            self._without_way.discard(request.id)
            return True
        if request.id not in self._without_way:
            self._without_way.add(request.id)
            _log.error("no trunk to call back by", callback=request.id, queue=request.queue)
        return False

    def call(self, request_id: str, lines: Sequence[Line]) -> bool:
        """It is his turn: ring these lines, unless another process does; whether we do."""
        request = self.requests.one(request_id)
        if request is None:
            return False
        legs = _new_legs(line.id for line in lines)
        if not self.requests.claim(request, list(legs.values()), list(legs), self.owner, self.now()):
            return False
        self.run(lambda: self._try(request, lines, legs))
        return True

    def has_talked(self, queue: str, caller: str) -> None:
        """He was rung for, and has left; whether he was answered his record says, and soon."""
        self.requests.postpone(queue, caller, self.now() + SOON)

    def tend(self) -> None:
        """Those whose time is over have ended; tries whose process has died are gone after."""
        now = self.now()
        self.requests.expire(now)
        for request in self.requests.open():
            if request.is_under_way:
                self._go_after(request, now)

    # -- ringing the line ------------------------------------------------------------------------------------

    def _try(self, request: Request, lines: Sequence[Line], legs: dict[str, str]) -> None:
        """Ring the lines until one has answered, or none does."""
        try:
            if self._is_full(request):
                self.requests.release(request.id, _one_of(legs), self.now() + SOON, "full")
                return
            tried = self._rung(request, lines, legs)
        except SwitchError as error:
            _log.error("line not rung for a callback", callback=request.id, error=str(error))
            self.requests.abandon(request.id, _one_of(legs))
            return
        except Exception:
            # Of the site, or ours. It must not be tried every moment, nor stand for ever as under way.
            _log.exception("line not rung for a callback", callback=request.id)
            self.requests.release(request.id, _one_of(legs), self.now() + _AFTER_A_FAULT, "error")
            return
        now = self.now()
        if any(one.disposition is Disposition.ANSWERED for one in tried):
            self.requests.taken(request.id, _one_of(legs), now)
            return
        queue = self.routing().queues.get(request.queue)
        if queue is not None:
            rests = {one.line: now + rest for one in tried if (rest := rest_after(one.disposition, queue))}
            Waitlist(self.journal.file).rest(rests)
        self.requests.release(request.id, _one_of(legs), now, f"line {tried[-1].disposition}" if tried else "line")
        self.poke()

    def _rung(self, request: Request, lines: Sequence[Line], legs: dict[str, str]) -> list[Tried]:
        """Each line by its own trunk, and those that this could not reach by the next one.

        :param legs: those that ring, or rang last: line → UUID.
        """
        table = self.routing()
        caller = numbers.caller(request.callee)
        ways = {line.id: self._ways(request, line, caller, table) for line in lines}
        facts = {line.id: _facts(request, caller, line) for line in lines}
        ended: dict[str, Tried] = {}
        rung = [line for line, targets in ways.items() if targets]
        while rung and self._has_legs(request, rung, legs, again=bool(ended)):
            cause = self.switch.ring([ways[line].pop(0) for line in rung], legs, facts)
            how = disposition(cause)
            ended |= {line: Tried(line, how, cause) for line in rung}
            rung = [line for line in rung if is_trunk_trouble(ended[line]) and ways[line]]
        return list(ended.values())

    def _has_legs(self, request: Request, lines: Sequence[str], legs: dict[str, str], *, again: bool) -> bool:
        """Whether the claim names the legs that these lines are about to get. A leg that ended has written its
        record, and a record is stored once: whoever rings again has a UUID of its own. No: the claim is not ours
        any more, or cannot be written."""
        if not again:
            return True
        new = _new_legs(lines)
        if not self.requests.rings_again(request.id, _one_of(legs), list(new.values())):
            return False
        legs.clear()
        legs.update(new)
        return True

    def _ways(self, request: Request, line: Line, caller: Caller, table: RoutingTable) -> list[Target]:
        return targets_for(line, caller, table, self._whisper(request, line), self.is_down)

    def _whisper(self, request: Request, line: Line) -> Path | None:
        """回电客户 and the number; and that 1 takes it, where it does."""
        names = [WHISPER, *digits_prompts(request.callee), *(("callback-press-1",) if line.confirm else ())]
        found = [self.sounds.find_prompt(request.account, name) for name in names]
        together = self.sounds.together([path for path in found if path is not None])
        return together[0] if together else None

    def _is_full(self, request: Request) -> bool:
        """Whether the number, or the account, has as many calls as it may, or no money for one: a line is not rung
        in vain. The leg is counted once it has answered."""
        table = self.routing()
        route = table.numbers.get(request.number)
        limits = {
            ("number", request.number): route.rules.max_calls if route is not None else 0,
            ("account", request.account): table.account_max_calls.get(request.account, 0),
        }
        full = any(most and self.switch.count(*place) >= most for place, most in limits.items())
        return full or not self.has_money(request)

    # -- tries whose process has died ------------------------------------------------------------------------

    def _go_after(self, request: Request, now: datetime) -> None:
        since = request.since or now
        leg = request.legs[0] if request.legs else ""
        match request.stage:
            case Stage.MISSED:
                self._missed(request, leg, now)
            case Stage.OVER:
                if now - since >= RECORD_COMES:
                    self._missed(request, leg, now)
            case _:
                lost_on_the_way = request.stage is Stage.TAKEN and now - since >= _HANDED_OVER
                if (lost_on_the_way or not self.is_alive(request.owner)) and not self._is_there(request):
                    if request.stage is Stage.CALLER:
                        self.requests.over(request.id, leg, now)
                    else:
                        self.requests.release(request.id, leg, now, "lost")

    def _missed(self, request: Request, leg: str, now: datetime) -> None:
        tried = Tried(leg, Disposition.NO_ANSWER, "")
        what = callback.verdict(tried, request.attempts, terms_of(request, self.routing()), now)
        self.requests.settle(request.id, leg, what, "lost", now)

    def _is_there(self, request: Request) -> bool:
        """Whether a leg of the try is there; while the switch cannot be asked it is taken to be."""
        try:
            return any(self.switch.exists(leg) for leg in request.legs)
        except SwitchError:
            return True


def _new_legs(lines: Iterable[str]) -> dict[str, str]:
    """Line → the UUID of its leg."""
    return {line: str(uuid.uuid4()) for line in lines}


def _one_of(legs: Mapping[str, str]) -> str:
    """By any of its legs a try is known."""
    return next(iter(legs.values()))


def _facts(request: Request, caller: Caller, line: Line) -> dict[str, str]:
    """What the record of a line's leg says until somebody says otherwise."""
    return {
        "number": request.number,
        "account": request.account,
        "caller": request.callee,
        "caller_kind": caller.kind,
        "callback": request.id,
        "line": line.id,
        "outcome": "failed:callback-line",
    }
