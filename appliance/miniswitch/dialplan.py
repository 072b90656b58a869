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

_GONE, _FALLBACK = "handlers-gone", "fallback"


def run(session: Session) -> None:
    """Run extensions until the call ends; a transfer begins the next one.

    Raises `channel.HungUp`.
    """
    channel = session.channel
    destination = channel.profile.destination
    while True:
        channel.variables.set("call_uuid", channel.uuid)
        channel.state = State.CS_EXECUTE
        try:
            if channel.remote is None:
                channel.hangup("INCOMPATIBLE_DESTINATION")
            channel.check()
            # A caller who dials an extension's name is a caller like any other.
            ours = channel.variables.get("gw_started") == "1"
            (EXTENSIONS.get(destination, _call) if ours else _call)(session)
            # The last instruction has run.
            channel.hangup("NORMAL_CLEARING")
            channel.check()
        except Moved:
            destination = session.take_move()


def _call(session: Session) -> None:
    """Every call from an address on the list."""
    start = (
        "gw_started=1",
        "gw_last=socket",
        "socket_resume=true",
        "hangup_after_bridge=false",
        "continue_on_fail=true",
        "ignore_early_media=true",
        "effective_caller_id_name=anonymous",
        "effective_caller_id_number=anonymous",
        "export_vars=gw_number,gw_account,gw_trunk,gw_line",
        "bridge_pre_execute_aleg_app=set",
        "bridge_pre_execute_aleg_data=gw_joined=true",
        f"execute_on_answer=sched_hangup +{int(session.switch.settings.max_call_s)} ALLOTTED_TIMEOUT",
    )
    session.execute("multiset", "^^;" + ";".join(start))
    session.execute("sched_transfer", f"+3 {_try_name(2)} XML gateway")
    session.execute("socket", _handlers(session))
    _transfer(session, _GONE)


def _handlers_gone(session: Session) -> None:
    """A loss: nobody listens, or the socket died. The x's in `gw_losses` count how often."""
    variables = session.channel.variables
    losses = variables.get("gw_losses") or ""
    if variables.get("gw_joined") == "true":
        session.execute("hangup", "NORMAL_CLEARING")
    elif len(losses) >= LOSSES:
        # Handlers that take a call and die of it again and again do not get it for ever.
        session.execute("set", "gw_last=socket")
        _transfer(session, _FALLBACK)
    elif losses:
        session.execute("multiset", f"^^;gw_last=socket;gw_losses={losses}x")
        _transfer(session, _try_name(2))
    else:
        session.execute("set", "gw_losses=x")
        _transfer(session, _try_name(1))


def _handlers_try(session: Session, step: int) -> None:
    """Offer the call to the handlers once more, from the second time on after some music."""
    following = _try_name(step + 1) if step < TRIES else _FALLBACK
    if step > 1 and _was_taken(session):
        _transfer(session, _GONE)
    session.execute("sched_cancel", "${last_sched_id}")
    if step > 1:
        session.execute("playback", "{timeout=2000}${gw_music}")
    session.execute("multiset", "^^;socket_resume=true;gw_last=socket")
    session.execute("sched_transfer", f"+2 {following} XML gateway")
    session.execute("socket", _handlers(session))
    session.execute("set", "gw_last=${current_application}")
    _transfer(session, following)


def _fallback(session: Session) -> None:
    """The embedded Python has the call."""
    if _was_taken(session):
        _transfer(session, _GONE)
    session.execute("sched_cancel", "${last_sched_id}")
    session.execute("python", "fallback")
    session.execute("hangup", "NORMAL_TEMPORARY_FAILURE")


def _was_taken(session: Session) -> bool:
    """Something ran after the last `socket`: a handler had the call, and this is a new loss."""
    return session.channel.variables.get("gw_last") != "socket"


def _transfer(session: Session, extension: str) -> None:
    session.execute("transfer", f"{extension} XML gateway")


def _try_name(step: int) -> str:
    return f"handlers-try-{step}"


def _handlers(session: Session) -> str:
    host, port = session.switch.settings.handlers
    return f"{host}:{port} async full"


EXTENSIONS: dict[str, Callable[[Session], None]] = {
    _GONE: _handlers_gone,
    _FALLBACK: _fallback,
    **{_try_name(step): partial(_handlers_try, step=step) for step in range(1, TRIES + 1)},
}
