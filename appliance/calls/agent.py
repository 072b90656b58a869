"""An agent signs in or out at his line by a telephone: by the line's number or extension, and its PIN.

A calling number can be made up, so it says only whose PIN is asked for. Nothing tells a wrong extension from a
wrong PIN, neither in words nor in time: who guesses learns of both together.
"""

from __future__ import annotations

from enum import Enum, auto

import structlog

from appliance.calls.going import Going
from appliance.calls.keyed import secretly_keyed
from appliance.domain import pin
from appliance.domain.flow import Service
from appliance.domain.routing import Line
from appliance.domain.signing import asks_for_sign_in, line_called_from
from appliance.domain.talk import LONGEST_EXTENSION
from appliance.store.signing import Means, Signing, Signings
from appliance.store.tries import Try, of_account, of_line
from appliance.switch.leg import Digits

_log = structlog.get_logger(__name__)


class Verdict(Enum):
    """What a PIN is."""

    RIGHT = auto()
    WRONG = auto()
    #: Too many were wrong: it was not even looked at.
    LOCKED = auto()


def sign_in_or_out(going: Going, node: Service) -> bool:
    """Ask who he is, say how his line stands, and change it if he likes; False: he is nobody that is known."""
    leg, desk, account = going.leg, going.desk, going.account
    called_from = line_called_from(going.call.caller, account, going.table)
    for _ in range(node.attempts):
        line, asked = called_from, called_from.id if called_from is not None else ""
        if line is None:
            asked = secretly_keyed(
                leg, desk.find_prompt(account, "service-extension"), node.timeout_s, LONGEST_EXTENSION
            )
            if not asked:
                desk.play(leg, account, "no-key")
                continue
            line = going.table.lines.get(going.table.extensions_of(account).get(asked, ""))
        keyed = secretly_keyed(leg, desk.find_prompt(account, "service-pin"), node.timeout_s, pin.LONGEST)
        if not keyed:
            # Perhaps he calls from a colleague's telephone.
            called_from = None
            desk.play(leg, account, "no-key")
            continue
        match _verdict(going, line, asked, keyed):
            case Verdict.RIGHT if line is not None:
                _offer(going, node, line)
                return True
            case Verdict.LOCKED:
                desk.play(leg, account, "service-locked")
                return False
            case _:
                desk.play(leg, account, "service-wrong")
    return False


def _verdict(going: Going, line: Line | None, asked: str, keyed: str) -> Verdict:
    """Whether he may; ``asked``: the line, or the extension that nobody has."""
    desk, account = going.desk, going.account
    subject = of_line(line.id) if line is not None else f"extension {account} {asked}"
    locks = {subject: pin.OF_A_LINE, of_account(account): pin.OF_AN_ACCOUNT}
    one = Try(desk.journal.file, locks, desk.now())
    about = {"line": line.id if line is not None else "", "account": account, "call": going.leg.uuid}
    if one.is_locked:
        _log.warning("PIN not looked at: too many were wrong", **about)
        return Verdict.LOCKED
    if not desk.is_pin(line.pin_hash if line is not None else "", keyed):
        _log.warning("wrong PIN", **about)
        return Verdict.WRONG
    one.was_right(anew=subject)
    return Verdict.RIGHT


def _offer(going: Going, node: Service, line: Line) -> None:
    """Say how the line stands, and what can be done."""
    leg, desk, account = going.leg, going.desk, going.account
    if not asks_for_sign_in(line, going.table):
        desk.play(leg, account, "service-not-needed")
        return
    signings = Signings(desk.journal.file)
    desk.play(leg, account, "service-is-in" if signings.is_signed_in(line.id) else "service-is-out")
    for _ in range(node.attempts):
        answer = leg.collect(desk.find_prompt(account, "service-keys"), node.timeout_s)
        match answer.keys if isinstance(answer, Digits) else "":
            case "1" | "2" as key:
                signs_in = key == "1"
                who = going.call.caller.number or "withheld"
                if signings.sign(Signing(line.id, signs_in, desk.now(), who, Means.CALL)):
                    _log.info("signed in" if signs_in else "signed out", line=line.id, who=who, call=leg.uuid)
                desk.play(leg, account, "service-signed-in" if signs_in else "service-signed-out")
                return
            case "#":
                return
            case wrong:
                desk.play(leg, account, "wrong-key" if wrong else "no-key")
