"""The dialplan of `docs/switch-contract.md`, step by step.

Each function is one extension: what its conditions decide, then its applications. The same way of a call
stands in `freeswitch-scripts/conf/dialplan/gateway.xml.j2` for FreeSWITCH.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from appliance.miniswitch.channel import Moved, State

if TYPE_CHECKING:
    from appliance.miniswitch.session import Session

TRIES = 3
"""How often a lost call is offered to the handlers again."""
LOSSES = 3
"""How often one call may be lost by handlers before the fallback gets it at once."""

_GONE, _FALLBACK, _CALLBACK = "handlers-gone", "fallback", "callback"


def run(session: Session) -> None:
    """Run extensions until the call ends; a transfer begins the next one.

    Raises `channel.HungUp`.
    """
    channel = session.channel
    while True:
        channel.variables.set("call_uuid", channel.uuid)
        channel.state = State.CS_EXECUTE
        try:
            if channel.remote is None:
                channel.hangup("INCOMPATIBLE_DESTINATION")
            channel.check()
            extension = find(channel.profile.context, channel.profile.destination)
            if extension is None:
                channel.hangup("NO_ROUTE_DESTINATION")
                channel.check()
            else:
                extension(session)
                # The last instruction has run.
                channel.hangup("NORMAL_CLEARING")
                channel.check()
        except Moved:
            session.take_move()


def find(context: str, destination: str) -> Callable[[Session], None] | None:
    """The extension that a call in a context is for.

    Callers are in `gateway`, whatever they dial: an extension's name is a number like any other there.
    """
    if context == "gateway":
        return _call
    return HANDLERS.get(destination) if context == "handlers" else None


def _call(session: Session) -> None:
    """Every call from an address on the list."""
    session.execute("socket", _handlers(session))
    _transfer(session, _GONE)


def _handlers_gone(session: Session) -> None:
    """A loss: nobody listens, or the socket died. The x's in `gw_losses` count how often."""
    variables = session.channel.variables
    losses = variables.get("gw_losses") or ""
    if variables.get("last_bridge_to"):
        # The two had talked: the talk is over.
        session.execute("hangup", "NORMAL_CLEARING")
    elif losses and variables.get("gw_waits"):
        # He waited to music meanwhile: whatever they died of, it was not this call. It is not counted.
        session.execute("multiset", "^^;gw_last=socket;gw_waits=")
        _transfer(session, _try_name(1))
    elif losses == "x" * LOSSES:
        # Handlers that take a call and die of it again and again do not get it for ever.
        session.execute("set", "gw_last=socket")
        _transfer(session, _FALLBACK)
    else:
        session.execute("multiset", f"^^;gw_last=socket;gw_waits=;gw_losses={losses}x")
        _transfer(session, _try_name(2 if losses else 1))


def _handlers_try(session: Session, step: int) -> None:
    """Offer the call to the handlers once more, from the second time on after some music."""
    if step > 1:
        _go_back_if_taken(session)
        session.execute("playback", "{timeout=2000}${gw_music}")
    session.execute("socket", _handlers(session))
    session.execute("set", "gw_last=${current_application}")
    _transfer(session, _try_name(step + 1) if step < TRIES else _FALLBACK)


def _callback(session: Session) -> None:
    """A line that has answered to call somebody back. Without handlers it is let go."""
    session.execute("socket", _handlers(session))
    session.execute("hangup", "NORMAL_CLEARING")


def _fallback(session: Session) -> None:
    """The embedded Python has the call."""
    _go_back_if_taken(session)
    session.execute("python", "fallback")
    session.execute("hangup", "NORMAL_TEMPORARY_FAILURE")


def _go_back_if_taken(session: Session) -> None:
    """Something ran after the last `socket`: a handler had the call, and this is a new loss."""
    if session.channel.variables.get("gw_last") != "socket":
        _transfer(session, _GONE)


def _transfer(session: Session, extension: str) -> None:
    session.execute("transfer", f"{extension} XML handlers")


def _try_name(step: int) -> str:
    return f"handlers-try-{step}"


def _handlers(session: Session) -> str:
    host, port = session.switch.settings.handlers
    return f"{host}:{port} full"


HANDLERS: dict[str, Callable[[Session], None]] = {
    _GONE: _handlers_gone,
    _CALLBACK: _callback,
    _FALLBACK: _fallback,
    **{_try_name(step): partial(_handlers_try, step=step) for step in range(1, TRIES + 1)},
}
"""Context `handlers`, which nobody dials into."""
