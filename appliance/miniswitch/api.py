"""API commands of the event socket: the few that `docs/switch-contract.md` lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.miniswitch import api_show, causes

if TYPE_CHECKING:
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


def _uuid_kill(switch: Switch, text: str) -> str:
    uuid, _, cause = text.partition(" ")
    if not uuid:
        return "-USAGE: <uuid> [cause]\n"
    channel = switch.find(uuid)
    if channel is None:
        return _NO_CHANNEL
    channel.hangup(causes.parse(cause))
    return "+OK\n"


def _uuid_transfer(switch: Switch, text: str) -> str:
    words = text.split()
    if len(words) < 2:
        return "-USAGE: <uuid> <dest-exten> [<dialplan>] [<context>]\n"
    channel = switch.find(words[0])
    if channel is None:
        return _NO_CHANNEL
    channel.move(words[1])
    return "+OK\n"


def _uuid_exists(switch: Switch, text: str) -> str:
    return "true" if switch.find(text) is not None else "false"


def _uuid_break(switch: Switch, text: str) -> str:
    uuid, _, flag = text.partition(" ")
    if not uuid:
        return "-USAGE: <uuid> [all]\n"
    channel = switch.find(uuid)
    if channel is None:
        return _NO_CHANNEL
    with channel.changed:
        if "all" in flag:
            channel.messages.clear()
        channel.broken = True
        channel.changed.notify_all()
    return "+OK\n"


def _uuid_setvar(switch: Switch, text: str) -> str:
    words = text.split(" ", 2)
    if len(words) < 2:
        return "-USAGE: <uuid> <var> [value]\n"
    channel = switch.find(words[0])
    if channel is None:
        return _NO_CHANNEL
    channel.variables.set(words[1], words[2] if len(words) > 2 else None)
    return "+OK\n"


def _uuid_getvar(switch: Switch, text: str) -> str:
    words = text.split()
    if len(words) != 2:
        return "-USAGE: <uuid> <var>\n"
    channel = switch.find(words[0])
    return _NO_CHANNEL if channel is None else channel.variables.get(words[1]) or "_undef_"


def _reloadxml(_: Switch, __: str) -> str:
    return "+OK [Success]\n"


def _reloadacl(_: Switch, __: str) -> str:
    return "+OK acl reloaded\n"


def _global_getvar(switch: Switch, name: str) -> str:
    return switch.globals.get(name, "")


def _fsctl(switch: Switch, text: str) -> str:
    if text.split()[:1] != ["shutdown"]:
        return "-ERR only shutdown is offered\n"
    switch.ask_to_stop()
    return "+OK\n"


def _originate(switch: Switch, text: str) -> str:
    return switch.originate(text)


COMMANDS: dict[str, Callable[[Switch, str], str]] = {
    **api_show.COMMANDS,
    "limit_usage": _limit_usage,
    "uuid_kill": _uuid_kill,
    "uuid_transfer": _uuid_transfer,
    "uuid_exists": _uuid_exists,
    "uuid_break": _uuid_break,
    "uuid_setvar": _uuid_setvar,
    "uuid_getvar": _uuid_getvar,
    "reloadxml": _reloadxml,
    "reloadacl": _reloadacl,
    "global_getvar": _global_getvar,
    "originate": _originate,
    "fsctl": _fsctl,
}
