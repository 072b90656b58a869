"""The dialplan of `docs/switch-contract.md`, step by step.

`inbound` is the extension of every 400 number, `handlers-gone` the one for calls whose handlers are
not there. Numbers in comments are the steps of the page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.miniswitch import playing
from appliance.miniswitch.channel import Moved, State
from appliance.miniswitch.sound import SoundNotFound

if TYPE_CHECKING:
    from appliance.miniswitch.session import Session

HANDLERS_GONE = "handlers-gone"
_TRIES = 3
_MUSIC_S = 1.0


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
            EXTENSIONS.get(destination, inbound)(session)
            # The last instruction has run.
            channel.hangup("NORMAL_CLEARING")
            channel.check()
        except Moved:
            destination = session.take_move()


def inbound(session: Session) -> None:
    """A call to a 400 number."""
    settings = session.switch.settings
    execute = session.execute
    # 1
    for pair in (
        "socket_resume=true",
        "hangup_after_bridge=false",
        "continue_on_fail=true",
        "gw_started=1",
        f"gw_music={settings.music_file}",
        f"gw_apology={settings.apology_file}",
        f"gw_snapshot={settings.snapshot_file or ''}",
    ):
        execute("set", pair)
    # 2
    execute("sched_transfer", f"+3 {HANDLERS_GONE} XML gateway")
    # 3
    execute("socket", _handlers(session))
    # 4
    execute("transfer", f"{HANDLERS_GONE} XML gateway")


def handlers_gone(session: Session) -> None:
    """The handlers did not take the call, or have left it."""
    channel = session.channel
    if channel.variables.is_true("gw_joined"):
        session.execute("hangup", "NORMAL_CLEARING")
    while (tries := int(channel.variables.get("gw_tries") or 0)) < _TRIES:
        session.execute("set", f"gw_tries={tries + 1}")
        session.execute("sched_transfer", f"+3 {HANDLERS_GONE} XML gateway")
        session.execute("socket", _handlers(session))
        # That transfer, or the one of step 2, would begin this extension once more.
        session.execute("sched_cancel")
        _music(session)
    session.execute("python", "fallback")


def _handlers(session: Session) -> str:
    host, port = session.switch.settings.handlers
    return f"{host}:{port} async full"


def _music(session: Session) -> None:
    """One second of music, so that handlers which are restarting find the call again."""
    channel = session.channel
    channel.pre_answer()
    try:
        playing.play(channel, session.switch.settings.music_file, at_most_s=_MUSIC_S)
    except SoundNotFound:
        session.execute("sleep", str(int(_MUSIC_S * 1000)))


EXTENSIONS: dict[str, Callable[[Session], None]] = {HANDLERS_GONE: handlers_gone}
