"""API commands of the event socket: the few that `docs/switch-contract.md` lists."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from appliance.miniswitch import api_show, causes

if TYPE_CHECKING:
    from appliance.miniswitch.channel import Channel
    from appliance.miniswitch.switch import Switch

_NO_CHANNEL = "-ERR No such channel!\n"


def run(switch: Switch, text: str) -> str:
    """Run one command and return its output, in FreeSWITCH's words."""
    name, _, argument = text.partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        return f"-ERR {name} Command not found!\n"
    return command(switch, argument.strip())


def _limit_usage(switch: Switch, text: str) -> str:
    words = text.split()
    if len(words) < 3 or words[0] != "hash":
        return "USAGE: limit_usage <backend> <realm> <id>\n"
    return str(switch.limits.usage(words[1], words[2]))


def _uuid_limit_release(switch: Switch, text: str) -> str:
    """`UUID hash REALM ID`: a leg gives back what it holds."""
    words = text.split()
    if len(words) < 4 or words[1] != "hash":
        return "-USAGE: <uuid> <backend> [realm] [resource]\n"
    if switch.find(words[0]) is None:
        return _NO_CHANNEL
    switch.limits.free(words[2], words[3], words[0])
    return "+OK\n"


def _uuid_exists(switch: Switch, uuid: str) -> str:
    return str(switch.find(uuid) is not None).lower()


def _uuid_kill(switch: Switch, text: str) -> str:
    uuid, _, cause = text.partition(" ")
    if not uuid:
        return "-USAGE: <uuid> [cause]\n"
    return "+OK\n" if switch.hangup(uuid, causes.parse(cause)) else _NO_CHANNEL


def _uuid_break(switch: Switch, text: str) -> str:
    """`UUID [all]`: end what is played. When nothing is, it is lost: FreeSWITCH clears `CF_BREAK` as an application
    begins."""
    uuid, _, _ = text.partition(" ")
    if not uuid:
        return "-USAGE: <uuid> [all]\n"
    channel = switch.find(uuid)
    if channel is None:
        return _NO_CHANNEL
    channel.break_off()
    return "+OK\n"


def _uuid_displace(switch: Switch, text: str) -> str:
    """`UUID start|stop FILE [0 [m|mr]]`: a sound in the place of what the leg hears, which goes on beneath; `m`
    mixes it in, `mr` into what the leg says."""
    words = text.split()
    if len(words) < 3 or words[1] not in ("start", "stop"):
        return "-USAGE: <uuid> [start|stop] <path> [<limit>] [mux]\n"
    channel = switch.find(words[0])
    if channel is None:
        return "-ERR Cannot locate session!\n"
    if words[1] == "stop":
        return "+OK Success\n" if channel.media.hush(words[2]) else "-ERR Cannot stop displace session!\n"
    flags = words[4] if len(words) > 4 else ""
    if flags:
        done = "m" in flags and channel.media.mix_in(words[2], said="r" in flags)
        return "+OK Success\n" if done else "-ERR Cannot displace session!\n"
    return "+OK Success\n" if channel.media.say_over(words[2]) else "-ERR Cannot displace session!\n"


def _uuid_getvar(switch: Switch, text: str) -> str:
    """`UUID NAME`: a variable of a leg."""
    words = text.split()
    if len(words) < 2:
        return "-USAGE: <uuid> <var>\n"
    channel = switch.find(words[0])
    if channel is None:
        return _NO_CHANNEL
    value = channel.variables.get(words[1])
    return "_undef_" if value is None else value


def _uuid_setvar(switch: Switch, text: str) -> str:
    """`UUID NAME [VALUE]`; no value removes."""
    uuid, _, rest = text.partition(" ")
    name, _, value = rest.partition(" ")
    if not name:
        return "-USAGE: <uuid> <var> [value]\n"
    channel = switch.find(uuid)
    if channel is None:
        return _NO_CHANNEL
    channel.variables.set(name, value)
    return "+OK\n"


def _sched_hangup(switch: Switch, text: str) -> str:
    """`+SECONDS UUID [CAUSE]`; without `+` seconds since 1970."""
    when, uuid, cause = ([*text.split(), "", "", ""])[:3]
    seconds = when.removeprefix("+")
    if not seconds.isdigit():
        return "-USAGE: [+]<time> <uuid> [<cause>]\n"
    if switch.find(uuid) is None:
        return _NO_CHANNEL
    delay = int(seconds) - (0 if when.startswith("+") else time.time())
    reason = causes.parse(cause) if cause else "ALLOTTED_TIMEOUT"
    # By its UUID: a call that is over by then need not be remembered.
    switch.scheduler.after(delay, partial(switch.hangup, uuid, reason))
    return "+OK\n"


def _sched_api(switch: Switch, text: str) -> str:
    """`+SECONDS GROUP COMMAND`; the group is by what FreeSWITCH would cancel it."""
    when, _, command = ([*text.split(" ", 2), "", ""])[:3]
    seconds = when.removeprefix("+")
    if not (when.startswith("+") and seconds.isdigit() and command):
        return "-ERR Invalid syntax. USAGE: [+@]<time> <group_name> <command_string>[&]\n"
    switch.scheduler.after(int(seconds), partial(run, switch, command))
    return "+OK\n"


def api_on(channel: Channel, moment: str) -> None:
    """Run the commands that stand in a leg's variables for that moment: `api_on_answer`, `api_before_bridge`. Each
    name is a beginning, of as many as there are (`switch_channel_api_on`)."""
    for name, command in channel.variables.items():
        if name.lower().startswith(moment):
            run(channel.switch, command)


def _reloadxml(_: Switch, __: str) -> str:
    return "+OK [Success]\n"


def _reloadacl(_: Switch, __: str) -> str:
    return "+OK acl reloaded\n"


def _global_getvar(switch: Switch, name: str) -> str:
    return switch.globals.get(name) or ""


def _originate(switch: Switch, text: str) -> str:
    return switch.originate(text)


COMMANDS: dict[str, Callable[[Switch, str], str]] = {
    **api_show.COMMANDS,
    "limit_usage": _limit_usage,
    "uuid_exists": _uuid_exists,
    "uuid_kill": _uuid_kill,
    "uuid_break": _uuid_break,
    "uuid_displace": _uuid_displace,
    "uuid_getvar": _uuid_getvar,
    "uuid_limit_release": _uuid_limit_release,
    "uuid_setvar": _uuid_setvar,
    "sched_hangup": _sched_hangup,
    "sched_api": _sched_api,
    "reloadxml": _reloadxml,
    "reloadacl": _reloadacl,
    "global_getvar": _global_getvar,
    "originate": _originate,
}
