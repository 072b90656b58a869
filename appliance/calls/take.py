"""Somebody records a prompt by telephone (电话录制提示音), by a code that the console gave him.

What he keeps is a file that waits; another process makes the prompt of it (``media.takes``), for that takes CPU and
the database. What he does not keep is gone when the call is.
"""

from __future__ import annotations

import contextlib
from enum import Enum, auto

import structlog

from appliance.calls.going import Going
from appliance.calls.keyed import secretly_keyed
from appliance.domain.flow import Service
from appliance.domain.pin import CODE_DIGITS, OF_CODES
from appliance.store.takes import FOLDER, Code, Takes
from appliance.store.tries import Try, of_codes
from appliance.switch.leg import Digits, Recorded

#: Longest recording, and the silence that ends one, seconds.
LONGEST_S, SILENCE_S = 300, 4
#: Shorter ones are a slip of the finger.
LEAST_S = 0.5
#: How often a caller records in one call.
_MOST = 10
_log = structlog.get_logger(__name__)


class Wish(Enum):
    """What he makes of a recording."""

    KEEP = auto()
    AGAIN = auto()
    NOTHING = auto()


def record_prompt(going: Going, node: Service) -> bool:
    """Ask for the code, have him record, and keep it; False: no code that is known."""
    leg, desk, account = going.leg, going.desk, going.account
    code = _code(going, node)
    if code is None:
        return False
    if not desk.has_room():
        _log.error("no room for a prompt's recording", call=leg.uuid)
        desk.play(leg, account, "service-not-saved")
        return True
    # A name that no other call and no other code has.
    file = f"{FOLDER}/{leg.uuid}-{code.id[:8]}.wav"
    kept = False
    try:
        if _recorded(going, node, file):
            kept = Takes(desk.journal.file).keep(code, file, going.call.caller.number, desk.now())
            _log.info("prompt recorded", prompt=code.prompt, account=account, kept=kept, call=leg.uuid)
            desk.play(leg, account, "take-kept" if kept else "service-not-saved")
    finally:
        if not kept:
            _discard(going, file)
    return True


def _code(going: Going, node: Service) -> Code | None:
    leg, desk, account = going.leg, going.desk, going.account
    for _ in range(node.attempts):
        keyed = secretly_keyed(leg, desk.find_prompt(account, "take-code"), node.timeout_s, CODE_DIGITS)
        if not keyed:
            desk.play(leg, account, "no-key")
            continue
        one = Try(desk.journal.file, {of_codes(account): OF_CODES}, desk.now())
        if one.is_locked:
            _log.warning("code not looked at: too many were wrong", account=account, call=leg.uuid)
            desk.play(leg, account, "service-locked")
            return None
        code = Takes(desk.journal.file).find(account, keyed, desk.now())
        if code is not None:
            one.was_right()
            return code
        _log.warning("wrong code", account=account, call=leg.uuid)
        desk.play(leg, account, "service-wrong")
    return None


def _recorded(going: Going, node: Service, file: str) -> bool:
    """Whether there is a recording that he wants to keep."""
    leg, desk, account = going.leg, going.desk, going.account
    for _ in range(_MOST):
        desk.play(leg, account, "take-speak")
        desk.play(leg, account, "beep")
        said = leg.record(file, LONGEST_S, SILENCE_S, "#")
        if not isinstance(said, Recorded) or said.seconds < LEAST_S:
            desk.play(leg, account, "take-nothing")
            continue
        leg.play(desk.recordings / file)
        wish = _wish(going, node, file)
        if wish is not Wish.AGAIN:
            return wish is Wish.KEEP
    return False


def _wish(going: Going, node: Service, file: str) -> Wish:
    leg, desk, account = going.leg, going.desk, going.account
    misses = 0
    while misses < node.attempts:
        answer = leg.collect(desk.find_prompt(account, "take-check"), node.timeout_s)
        match answer.keys if isinstance(answer, Digits) else "":
            case "1":
                return Wish.KEEP
            case "2":
                return Wish.AGAIN
            case "3":
                leg.play(desk.recordings / file)
            case wrong:
                misses += 1
                desk.play(leg, account, "wrong-key" if wrong else "no-key")
    return Wish.NOTHING


def _discard(going: Going, file: str) -> None:
    """``media.takes`` removes what cannot be removed here."""
    with contextlib.suppress(OSError):
        (going.desk.recordings / file).unlink(missing_ok=True)
