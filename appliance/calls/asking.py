"""A caller who waits asks to be called back: his number is said back to him, and he confirms it."""

from __future__ import annotations

from datetime import timedelta

import structlog

from appliance.calls.desk import Desk
from appliance.domain import numbers
from appliance.domain.callback import HANGS_UP, HUNG_UP, Request, expires_at
from appliance.domain.callback_number import (
    OTHERS_WITHIN,
    NotCallable,
    agreed_number,
    has_too_many,
    why_not_callable,
)
from appliance.domain.called import Incoming
from appliance.domain.numbers import Caller
from appliance.domain.queue import Queue, Waiting
from appliance.domain.speech import digits_prompts
from appliance.store.callbacks import Asked, Callbacks
from appliance.switch.leg import Digits, Leg

#: How long he may think, and how long a number is.
_KEY_S = 8.0
_LONGEST_NUMBER = 20
#: For how long, at most, a caller who asks is not served: no line is to ring for him meanwhile.
ASKING = timedelta(minutes=2)
_log = structlog.get_logger(__name__)


def has_asked(leg: Leg, queue: Queue, desk: Desk) -> bool:
    """Whether he has asked in this call already, and is to be called."""
    request = Callbacks(desk.journal.file).one(leg.uuid)
    return request is not None and request.queue == queue.id and request.ending is None


def ask_for_callback(leg: Leg, waiting: Waiting, queue: Queue, call: Incoming, desk: Desk) -> bool:
    """Have him confirm the number, and keep the request. False: he waits on.

    The request is on the disk before he is told that it is kept.
    """
    callee = _confirmed(leg, queue, call, desk)
    if callee is None:
        return False
    now = desk.now()
    asked = Callbacks(desk.journal.file).ask(
        Request(
            id=leg.uuid,
            queue=queue.id,
            account=queue.account,
            number=call.route.number,
            caller=call.caller.number,
            callee=callee.number,
            trunk=call.trunk.id,
            priority=waiting.priority,
            skill=waiting.skill,
            entered_at=waiting.entered_at,
            asked_at=now,
            expires_at=expires_at(now, queue.callback),
            due_at=now + HANGS_UP,
        )
    )
    if asked is Asked.FAILED:
        _log.error("callback not kept", queue=queue.id, call=leg.uuid)
        desk.play(leg, queue.account, "callback-not-kept")
        return False
    return True


def take_leave(leg: Leg, account: str, desk: Desk) -> None:
    """His request is kept: the call has done what it was for."""
    leg.note(outcome="ended:callback")
    try:
        desk.play(leg, account, "callback-thanks")
    finally:
        # Sooner than if nobody could say that he is gone (``HANGS_UP``).
        Callbacks(desk.journal.file).ready(leg.uuid, desk.now() + HUNG_UP)
    leg.hang_up("NORMAL_CLEARING")


def _confirmed(leg: Leg, queue: Queue, call: Incoming, desk: Desk) -> Caller | None:
    """The number that he is to be called at, once he has confirmed it; None: he has not."""
    table, terms = desk.routing(), queue.callback

    def why_not(callee: Caller) -> NotCallable | None:
        why = why_not_callable(callee, terms, call.route, table)
        if why is not None or callee.number == call.caller.number:
            return why
        since = desk.now() - OTHERS_WITHIN
        others = Callbacks(desk.journal.file).others_of(queue.account, call.caller.number, since)
        return NotCallable.TOO_MANY if has_too_many(call.caller, callee, others) else None

    def refuse(why: NotCallable) -> None:
        _log.info("number not called back", why=why.value, queue=queue.id, call=leg.uuid)
        desk.play(leg, queue.account, "callback-overseas" if why is NotCallable.OVERSEAS else "callback-cannot")

    return agreed_number(
        call.caller,
        terms,
        why_not,
        refuse,
        lambda callee, may_change: _key(leg, callee, queue.account, desk, may_change=may_change),
        lambda: _keyed(leg, queue, desk),
    )


def _key(leg: Leg, callee: Caller, account: str, desk: Desk, *, may_change: bool) -> str:
    """您的号码是…，确认请按1: the key that he presses."""
    names = ["callback-number", *digits_prompts(callee.number), "callback-confirm"]
    if may_change:
        names.append("callback-other")
    found = [desk.find_prompt(account, name) for name in names]
    paths = desk.together([path for path in found if path is not None])
    for path in paths[:-1]:
        leg.play(path)  # they could not be put together
    answer = leg.collect(paths[-1] if paths else None, _KEY_S)
    return answer.keys if isinstance(answer, Digits) else ""


def _keyed(leg: Leg, queue: Queue, desk: Desk) -> Caller | None:
    """The number that he keys in; None: none."""
    prompt = desk.find_prompt(queue.account, "callback-enter")
    answer = leg.collect(prompt, _KEY_S, _LONGEST_NUMBER)
    return numbers.caller(answer.keys, desk.home_area_code) if isinstance(answer, Digits) else None
