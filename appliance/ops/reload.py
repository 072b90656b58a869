"""Have a running FreeSWITCH take its rendered configuration, and no call notice it.

What each command does (``mod_sofia.c`` ``cmd_profile``, ``sofia.c`` ``config_sofia``): ``start`` makes a profile
that is not there; ``rescan`` of one that runs adds gateways that it has not yet and reads none again that it has,
and no port moves; ``restart`` and ``stop`` end every call of the profile; ``killgw`` lets a gateway go, whose calls
go on. So a first phone's or first translated trunk's profile is started, only gateways that changed are let go, and
a profile whose address changed is restarted as soon as it carries no call.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from appliance.errors import SwitchError, SwitchRefused

#: Which gateways a switch has taken, by its core's id: those of another life are not known.
TAKEN = ".gateways-taken"
#: The profiles, and the files with their gateways.
_PROFILES = {
    "configuration/sofia.conf.xml": "sip/gateways.xml",
    "sip/profile-outside.xml": "sip/gateways-outside.xml",
    "sip/profile-phones.xml": "",
}
#: So often, and so far apart, it is looked whether a profile runs.
_LOOKS, _LOOK_S = 40, 0.2
_PORT = re.compile(r":(\d+)(?:;|$)")
_RUNNING = re.compile(r"RUNNING \((\d+)\)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A profile as it is rendered. ``address`` is host, port and the external host; ``gateways`` name → digest of
    what is said of it."""

    name: str
    address: tuple[str, str, str]
    gateways: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What was done, a line each, and what has to wait (a profile that carries calls)."""

    done: tuple[str, ...]
    waits: tuple[str, ...] = ()


def reload(folder: Path, api: Callable[[str], str], pause: Callable[[float], object] = time.sleep) -> Reloaded:
    """Have the switch take what is rendered in ``folder``.

    :param api: runs a command of the switch's.
    :raises SwitchError: it is away, refuses, or a profile does not start.
    """
    done, waits = [], []
    for command in ("reloadxml", "reloadacl"):
        if "+OK" not in (answer := api(command)):
            raise SwitchRefused(f"{command}: {answer.strip()}")
        done.append(command)
    running = _profiles(api("sofia xmlstatus"))
    profiles = wanted(folder)
    before = _taken(folder, api)
    taken = dict(before)
    for profile in profiles:
        calls = running.get(profile.name)
        if calls is None:
            _start(profile, api, pause)
            done.append(f"{profile.name}: started at {profile.address[0]}:{profile.address[1]}")
        elif _address(api(f"sofia xmlstatus profile {profile.name}")) != profile.address:
            if calls:
                waits.append(f"{profile.name}: has another address now and {calls} legs; reload again without them")
                continue
            _restart(profile, api, pause)
            done.append(f"{profile.name}: restarted at {profile.address[0]}:{profile.address[1]}")
        else:
            done += _gateways(profile, before.get(profile.name), api)
        taken[profile.name] = dict(profile.gateways)
    _note(folder, api, taken)
    for name in sorted(running.keys() - {profile.name for profile in profiles}):
        waits.append(f"{name}: nothing needs it any more; it stays until the switch is restarted")
    return Reloaded(tuple(done), tuple(waits))


def wanted(folder: Path) -> list[Wanted]:
    """The profiles that are rendered.

    :raises SwitchError: the folder holds no configuration of ours.
    """
    found = []
    for file, gateways in _PROFILES.items():
        try:
            tree = ElementTree.fromstring((folder / file).read_text(encoding="utf-8"))  # noqa: S314 - our own
            for profile in tree.iter("profile"):
                said = {one.get("name", ""): one.get("value", "") for one in profile.iter("param")}
                address = (said["sip-ip"], said["sip-port"], said.get("ext-sip-ip", ""))
                found.append(Wanted(profile.get("name", ""), address, dict(_rendered(folder, gateways))))
        except (OSError, KeyError, ElementTree.ParseError) as error:
            raise SwitchError(f"{folder / file}: not rendered yet, or by another version: {error}") from error
    return found


def _rendered(folder: Path, file: str) -> Iterator[tuple[str, str]]:
    if file and (folder / file).exists():
        tree = ElementTree.fromstring((folder / file).read_text(encoding="utf-8"))  # noqa: S314 - our own
        for gateway in tree.iter("gateway"):
            yield gateway.get("name", ""), hashlib.sha256(ElementTree.tostring(gateway)).hexdigest()


def _profiles(answer: str) -> dict[str, int]:
    """Running profiles and how many legs each has, of ``sofia xmlstatus``."""
    return {
        profile.findtext("name") or "": int(state[1])
        for profile in _xml(answer).iter("profile")
        if (state := _RUNNING.fullmatch((profile.findtext("state") or "").strip()))
    }


def _address(answer: str) -> tuple[str, str, str]:
    """Where a profile is, of ``sofia xmlstatus profile NAME``; empty while it is not there."""
    if "<" not in answer:
        return "", "", ""
    profile = _xml(answer)
    port = _PORT.search(profile.findtext(".//bind-url") or "")
    return profile.findtext(".//sip-ip") or "", port[1] if port else "", profile.findtext(".//ext-sip-ip") or ""


def _xml(answer: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(answer.strip().encode())  # noqa: S314 - the switch's own
    except ElementTree.ParseError as error:
        raise SwitchError(f"sofia xmlstatus: {error}") from error


def _start(profile: Wanted, api: Callable[[str], str], pause: Callable[[float], object]) -> None:
    """``start`` only begins it: that it could not bind its port shows by its not running."""
    api(f"sofia profile {profile.name} start")
    _await(profile, api, pause)


def _restart(profile: Wanted, api: Callable[[str], str], pause: Callable[[float], object]) -> None:
    """It refuses in the first ten seconds of its life; then it starts itself anew."""
    for _ in range(_LOOKS * 2):
        if "restarting" in api(f"sofia profile {profile.name} restart"):
            break
        pause(_LOOK_S)
    _await(profile, api, pause)


def _await(profile: Wanted, api: Callable[[str], str], pause: Callable[[float], object]) -> None:
    for _ in range(_LOOKS):
        is_there = profile.name in _profiles(api("sofia xmlstatus"))
        if is_there and _address(api(f"sofia xmlstatus profile {profile.name}")) == profile.address:
            return
        pause(_LOOK_S)
    raise SwitchError(
        f"the profile {profile.name} is not at {profile.address[0]}:{profile.address[1]}; the port may be taken:"
        " FreeSWITCH's log says why"
    )


def _gateways(profile: Wanted, taken: Mapping[str, str] | None, api: Callable[[str], str]) -> list[str]:
    """Let go what changed or is gone, and have the rest looked for. What a switch that has just started took is not
    known: all of it then."""
    if taken is None:
        api(f"sofia profile {profile.name} killgw _all_")
    elif taken == profile.gateways:
        return []
    else:
        for name in sorted(name for name in taken if profile.gateways.get(name) != taken[name]):
            with contextlib.suppress(SwitchRefused):  # somebody else let it go
                api(f"sofia profile {profile.name} killgw {name}")
    api(f"sofia profile {profile.name} rescan")
    return [f"{profile.name}: gateways read again"]


def _taken(folder: Path, api: Callable[[str], str]) -> dict[str, dict[str, str]]:
    try:
        noted = json.loads((folder / TAKEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return noted["profiles"] if noted.get("core") == api("global_getvar core_uuid").strip() else {}


def _note(folder: Path, api: Callable[[str], str], profiles: Mapping[str, Mapping[str, str]]) -> None:
    noted = {"core": api("global_getvar core_uuid").strip(), "profiles": profiles}
    (folder / TAKEN).write_text(json.dumps(noted), encoding="utf-8")
