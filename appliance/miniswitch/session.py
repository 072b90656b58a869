"""The thread of a call: runs its extension, executes applications, and closes the leg at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.miniswitch import apps, bridge, dialplan, digits, esl_out, fallback
from appliance.miniswitch.channel import Channel, HungUp, Interrupted, new_uuid
from appliance.miniswitch.closing import close
from appliance.miniswitch.expand import expand
from appliance.miniswitch.profile import now_us

if TYPE_CHECKING:
    from appliance.miniswitch.switch import Switch

log = logging.getLogger(__name__)

Application = Callable[["Session", str], None]

APPLICATIONS: dict[str, Application] = {
    **apps.APPLICATIONS,
    **digits.APPLICATIONS,
    **bridge.APPLICATIONS,
    **esl_out.APPLICATIONS,
    **fallback.APPLICATIONS,
}

# These cannot run on a caller who hears nothing yet: FreeSWITCH opens early media for them.
NEED_MEDIA = frozenset({"playback", "play_and_get_digits", "record_session"})


class Session:
    """Runs one call in a thread of its own."""

    def __init__(self, switch: Switch, channel: Channel) -> None:
        self.switch = switch
        self.channel = channel
        self.connections: list[esl_out.OutboundConnection] = []

    def start(self, route: Callable[[Session], None] | None = None) -> None:
        """Begin; the route is the dialplan unless another is given."""
        threading.Thread(
            target=self._run, args=(route or dialplan.run,), daemon=True, name=f"call {self.channel.uuid[:8]}"
        ).start()

    def _run(self, route: Callable[[Session], None]) -> None:
        channel = self.channel
        try:
            route(self)
        except HungUp:
            pass
        except Exception:
            log.exception("%s: the call's thread failed", channel.name)
        finally:
            channel.hangup("NORMAL_TEMPORARY_FAILURE")
            close(channel)
            for connection in self.connections:
                connection.close()

    def execute(self, name: str, argument: str = "", app_uuid: str | None = None) -> None:
        """Run an application to its end, between its two events.

        Raises `Interrupted` when the call is hung up, moved, or lost its handler meanwhile; the event of
        completion has been fired then, too.
        """
        channel = self.channel
        work = APPLICATIONS.get(name)
        if work is None:
            log.warning("%s: no application %r", channel.name, name)
            channel.hangup("DESTINATION_OUT_OF_ORDER")
            channel.check()
            return
        if name in NEED_MEDIA:
            channel.pre_answer()
        if not channel.variables.is_true("app_disable_expand_variables"):
            argument = expand(argument, channel.variables.get)
        app_uuid = app_uuid or new_uuid()
        channel.application = (name, argument)
        channel.applications.append((name, argument or None, now_us()))
        channel.variables.update(
            {
                "current_application": name,
                "current_application_data": argument,
                "current_application_response": None,
            }
        )
        facts = (("Application", name), ("Application-Data", argument or None))
        self.switch.events.fire("CHANNEL_EXECUTE", channel, *facts, ("Application-UUID", app_uuid))
        # A break that came before this application began was not meant for it.
        channel.broken = False
        interruption: Interrupted | None = None
        try:
            work(self, argument)
        except Interrupted as why:
            interruption = why
        response = channel.variables.get("current_application_response") or "_none_"
        self.switch.events.fire(
            "CHANNEL_EXECUTE_COMPLETE",
            channel,
            *facts,
            ("Application-Response", response),
            ("Application-UUID", app_uuid),
        )
        if interruption is not None:
            raise interruption
        channel.check()

    def answer(self) -> None:
        """Answer the call, and do at once what `execute_on_answer` asks for."""
        channel = self.channel
        if channel.answered:
            return
        channel.answer()
        name, _, argument = (channel.variables.get("execute_on_answer") or "").partition(" ")
        if name:
            self.execute(name, argument)

    def take_move(self) -> str:
        """The extension that the call was moved to; gives the leg its new caller profile."""
        channel = self.channel
        with channel.changed:
            destination, channel.moved_to = channel.moved_to, ""
        old = channel.profile
        new = old.clone(destination)
        channel.profiles.appendleft(new)
        source = f"{now_us() // 1_000_000}:{new_uuid()}:bl_xfer:{destination}/{new.context}/{new.dialplan}"
        new.transfer_source = source
        channel.variables.update({"transfer_history": source, "transfer_source": source})
        return destination
