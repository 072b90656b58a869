"""The end of a leg: everything that must happen once, after it was hung up."""

from __future__ import annotations

from appliance.miniswitch import apps, cdr
from appliance.miniswitch.channel import Channel, State


def close(channel: Channel) -> None:
    """Close a leg that was hung up: recordings, final variables, slots, record, ports, in that order.

    Called once, by the thread that runs the leg's call.
    """
    switch = channel.switch
    channel.state = State.CS_REPORTING
    for path in list(channel.recordings):
        apps.stop_recording(channel, path)
    channel.variables.update(cdr.final_variables(channel))
    switch.limits.free_all(channel.uuid)
    switch.events.fire("CHANNEL_HANGUP_COMPLETE", channel)
    cdr.write(channel, switch.settings.spool_dir)
    switch.forget(channel)
    channel.media.close()
    switch.events.fire("CHANNEL_DESTROY", channel)
