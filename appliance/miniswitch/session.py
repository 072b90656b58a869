"""The thread of a call: runs its extension, executes applications, and closes the leg at the end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.miniswitch import apps, bridge, dialplan, digits, esl_out, extension, fallback, message
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
    **message.APPLICATIONS,
    **bridge.APPLICATIONS,
    **esl_out.APPLICATIONS,
    **extension.APPLICATIONS,
    **fallback.APPLICATIONS,
}

# These cannot run on a caller who hears nothing yet: FreeSWITCH opens early media for them.
NEED_MEDIA = frozenset({"playback", "play_and_get_digits", "record", "record_session"})


class Session:
    """Runs one call in a thread of its own."""

    def __init__(self, switch: Switch, channel: Channel) -> None:
        self.switch = switch
        self.channel = channel

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

    def execute(self, name: str, argument: str = "") -> None:
        """Run an application to its end, between its two events.

        Raises `Interrupted` when the call is hung up or moved meanwhile; the event of completion has been fired
        then, too. On a call that has ended nothing runs.
        """
        channel = self.channel
        if channel.hangup_cause:
            raise HungUp
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
        app_uuid = new_uuid()
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

    def take_move(self) -> None:
        """Give the leg the caller profile of the extension that it was moved to."""
        channel = self.channel
        with channel.changed:
            moved_to, channel.moved_to = channel.moved_to, None
        if moved_to is None:
            raise ValueError("the call was not moved")
        if not channel.variables.is_true("limit_ignore_transfer"):
            # What it held elsewhere (switch_limit.c, hanguphook).
            self.switch.limits.free_all(channel.uuid)
        destination, context = moved_to
        new = channel.profile.clone(destination, context)
        channel.profiles.appendleft(new)
        source = f"{now_us() // 1_000_000}:{new_uuid()}:bl_xfer:{destination}/{new.context}/{new.dialplan}"
        new.transfer_source = source
        channel.variables.update({"transfer_history": source, "transfer_source": source})
