"""`originate`: place a call of the switch's own accord, as for a test call or a call back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.miniswitch import dialstring
from appliance.miniswitch.ringing import DEFAULT_TIMEOUT_S, Ringing
from appliance.miniswitch.session import Session

if TYPE_CHECKING:
    from appliance.miniswitch.channel import Channel
    from appliance.miniswitch.switch import Switch

_USAGE = (
    "-USAGE: <call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] [<cid_name>] [<cid_num>]"
    " [<timeout_sec>]\n"
)


def originate(switch: Switch, text: str) -> str:
    """`DIALSTRING EXTENSION [XML CONTEXT]` or `DIALSTRING &APPLICATION(ARGUMENT)`; waits for the answer."""
    url, what = _split(text)
    if not url or not what:
        return _USAGE
    try:
        targets = dialstring.parse(url)
    except dialstring.DialError as error:
        return f"-ERR {error}\n"
    leg, cause = _ring(switch, targets)
    if leg is None:
        return f"-ERR {cause}\n"
    _begin(switch, leg, what)
    return f"+OK {leg.uuid}\n"


def _split(text: str) -> tuple[str, str]:
    """The dial string, in quotes where it holds blanks, and what the leg does once it has answered."""
    if text.startswith("'"):
        url, _, rest = text[1:].partition("'")
        return url, rest.strip()
    url, application, rest = text.partition(" &")
    if application:
        return url, "&" + rest
    url, _, rest = text.partition(" ")
    return url, rest


def _ring(switch: Switch, targets: list[dialstring.Target]) -> tuple[Channel | None, str]:
    changed = threading.Condition()

    def wake() -> None:
        with changed:
            changed.notify_all()

    def wait(done: Callable[[], bool], timeout: float) -> bool:
        with changed:
            return changed.wait_for(done, timeout)

    ringing = Ringing(switch, None, wait, wake, timeout_s=dialstring.timeout_s(targets) or DEFAULT_TIMEOUT_S)
    early = ringing.place(targets)
    leg, cause = (None, early) if early else ringing.run()
    ringing.give_up("LOSE_RACE" if leg is not None else cause, leg)
    return leg, cause


def _begin(switch: Switch, leg: Channel, rest: str) -> None:
    """Run an application, or an extension of the dialplan, on a leg that has answered."""
    if not rest.startswith("&"):
        leg.move(*rest.split()[:3])
        Session(switch, leg).start()
        return
    name, _, argument = rest[1:].partition("(")

    def only(session: Session) -> None:
        session.execute(name, argument.rpartition(")")[0])
        session.channel.hangup("NORMAL_CLEARING")

    Session(switch, leg).start(only)
