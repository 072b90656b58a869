"""A SIP phone of the house dials a code: its line is signed in, or out (电话签入).

The switch has asked it for its password; no PIN is needed. Such a call is none to a 400 number: it has no record
and no charge.
"""

from __future__ import annotations

import contextlib

import structlog

from appliance.calls.desk import Desk
from appliance.domain.signing import asks_for_sign_in
from appliance.errors import CallerGone
from appliance.store.signing import Means, Signing, Signings
from appliance.switch.leg import Leg, PhoneCode

_log = structlog.get_logger(__name__)


def take_code(leg: Leg, code: PhoneCode, desk: Desk) -> None:
    """Do it, and say so; then the call ends."""
    with contextlib.suppress(CallerGone):
        _carry_out(leg, code, desk)


def _carry_out(leg: Leg, code: PhoneCode, desk: Desk) -> None:
    table = desk.routing()
    line = table.lines.get(code.line)
    if line is None or not line.is_phone:
        # Taken out of the site, and the switch has not read it yet.
        _log.warning("code of a phone that is no line", line=code.line)
        leg.hang_up("CALL_REJECTED")
        return
    # Done before it is said: who hangs up at once has signed in all the same.
    if asks_for_sign_in(line, table):
        one = Signing(line.id, code.signs_in, desk.now(), line.id, Means.PHONE)
        if Signings(desk.journal.file).sign(one):
            _log.info("signed in" if code.signs_in else "signed out", line=line.id, who=line.id, call=leg.uuid)
        prompt = "service-signed-in" if code.signs_in else "service-signed-out"
    else:
        prompt = "service-not-needed"
    leg.answer()
    desk.play(leg, line.account, prompt)
    leg.hang_up("NORMAL_CLEARING")
