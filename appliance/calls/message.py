"""Have the caller leave a message (留言)."""

from __future__ import annotations

from enum import StrEnum

import structlog

from appliance.calls.desk import Desk
from appliance.domain.called import Incoming
from appliance.domain.recording import LEAST_MESSAGE_S, MOST_MESSAGES
from appliance.switch.leg import Leg

#: Prompts of the default set.
PROMPT, BEEP, THANKS = "message-prompt", "beep", "message-thanks"
#: Silence that ends a message, seconds.
SILENCE_S = 5
#: Keys that end one.
KEYS = "#"
_log = structlog.get_logger(__name__)


class Message(StrEnum):
    """What became of it; a flow has an exit for each."""

    LEFT = "left"
    #: The caller said nothing.
    NONE = "none"
    #: He said less than ``LEAST_MESSAGE_S``: nothing is kept.
    TOO_SHORT = "too-short"
    #: There is no room for it on the disk, or he has left too many in this call: he was not asked.
    NO_ROOM = "no-room"


def take_message(leg: Leg, call: Incoming, prompt: str, max_s: int, desk: Desk) -> Message:
    """Ask for a message, record it after the beep, thank for it; answers the call.

    The call's record speaks of the message before it is begun (``messages``): one whose caller hangs up while he
    talks, or whose handlers die, is kept like any other. One that is none is taken back. Whoever comes back from
    dead handlers is asked once more, and both are kept.

    :param prompt: name of the prompt that asks; empty: the usual one.
    :param max_s: longest message, seconds, 1 to 3600.
    """
    if not desk.has_room():
        _log.error("no room for a message", call=leg.uuid)
        return Message.NO_ROOM
    before = leg.notes.get("messages", "")
    ordinal = len(list(filter(None, before.split(";")))) + 1
    if ordinal > MOST_MESSAGES:
        _log.warning("no more messages in one call", call=leg.uuid)
        return Message.NO_ROOM
    account = call.route.account
    leg.answer()
    leg.note(outcome="abandoned:message")
    desk.play(leg, account, prompt or PROMPT)
    desk.play(leg, account, BEEP)
    name = desk.message_name(leg.uuid, ordinal)
    leg.note(messages=f"{before};{name}".lstrip(";"), outcome="ended:message")
    said = leg.record(name, max_s, SILENCE_S, KEYS)
    if said is None or said.seconds < LEAST_MESSAGE_S:
        leg.note(messages=before, outcome="abandoned:message")
        return Message.NONE if said is None else Message.TOO_SHORT
    desk.play(leg, account, THANKS)
    return Message.LEFT
