"""Is the running switch as tight, and as able to work, as it was rendered?

:func:`examine` asks the switch itself, sends it harmless SIP requests as a stranger would, and looks at its port
and folders. A version number or a file proves nothing: FreeSWITCH up to at least 1.11.2 runs API commands out of
an inbound MESSAGE (CVE-2026-116779), and out of an INFO, unless its configuration, as loaded, forbids it.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psutil

from appliance.config import Settings
from appliance.errors import SwitchError, SwitchRefused
from appliance.ops.messages import DEAD_WITHIN, in_words, judged_messages
from appliance.ops.sip_request import send_request
from appliance.ops.state import State
from appliance.store import outbox

Api = Callable[[str], str]
"""Runs one API command on the switch and returns its text; may raise :class:`SwitchError`."""

OLDEST = (1, 11, 2)
"""The first FreeSWITCH with the interface allow-list."""
FORBIDDEN_APIS = ("system", "bg_system", "spawn", "bg_spawn", "spawn_stream", "pyrun", "python", "lua", "luarun")
FORBIDDEN_APPLICATIONS = ("system", "bgsystem", "lua", "javascript")
FORBIDDEN_MODULES = (
    *("mod_xml_rpc", "mod_verto", "mod_rtmp", "mod_sms", "mod_erlang_event", "mod_xml_curl", "mod_rayo"),
    *("mod_skinny", "mod_spy", "mod_lua", "mod_v8", "mod_perl", "mod_shell"),
)
NEVER_LISTED = ("load", "unload", "reload", "eval", "expand", "global_setvar", "chat", "db")
"""Commands that every FreeSWITCH has and no allow-list of ours names: their absence shows that it works."""
REQUEST_TIMEOUT_S = 2.0


class Finding(NamedTuple):
    """One check: what was looked at, whether it is as it must be, and what was seen or is to be done."""

    name: str
    ok: bool
    words: str


def examine(settings: Settings, api: Api) -> list[Finding]:
    """Run every check against the switch that ``settings`` describes; takes about a second.

    A check never raises for what the switch or the machine says: that is a finding. An embedded switch gets
    the checks that mean something for it; the others say so and are ok.
    """
    embedded = settings.switch == "miniswitch"
    checks: tuple[tuple[str, bool, Callable[[], Finding]], ...] = (
        ("version", False, lambda: _version(api)),
        ("commands", True, lambda: _commands(api)),
        ("applications", False, lambda: _applications(api)),
        ("allow-list", False, lambda: _allow_list(api)),
        ("modules", False, lambda: _modules(api)),
        ("fallback", False, lambda: _fallback(api)),
        ("message", False, lambda: _message(settings, api)),
        ("event-socket", True, lambda: _event_socket(settings)),
        ("profile", True, lambda: _profile(api)),
        ("spool", True, lambda: _folder("spool", settings.spool_dir, settings)),
        ("recordings", True, lambda: _folder("recordings", settings.recordings_dir, settings)),
        ("disk", True, lambda: _disk(settings)),
        ("messages", True, lambda: _messages(settings)),
    )
    return [
        _safely(name, check)
        if applies or not embedded
        else Finding(name, True, "does not apply to the embedded switch")
        for name, applies, check in checks
    ]


def _safely(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except (SwitchError, OSError, psutil.Error) as error:
        return Finding(name, False, f"could not be checked: {error or type(error).__name__}")


def _ask(api: Api, command: str) -> str:
    """The answer's text; a refusal is text that begins with ``-ERR``, whichever way the port reports it."""
    try:
        return api(command).strip()
    except SwitchRefused as refused:
        return f"-ERR {refused}"


def _names(api: Api, kind: str) -> set[str]:
    """The names of ``show KIND``: a table of commas under a header; other lines are rests of descriptions."""
    names = set(re.findall(r"^(\w+),", _ask(api, f"show {kind}"), re.MULTILINE)) - {"name"}
    if not names:
        raise SwitchError(f"the switch does not show its {kind}s")
    return names


def _version(api: Api) -> Finding:
    said = _ask(api, "version")
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    ok = found is not None and tuple(map(int, found.groups())) >= OLDEST
    oldest = ".".join(map(str, OLDEST))
    return Finding("version", ok, said if ok else f"needs at least {oldest}, the switch says: {said}")


def _commands(api: Api) -> Finding:
    # `true` does nothing, wherever it should run after all.
    callable_ = [name for name in FORBIDDEN_APIS if not _ask(api, f"{name} true").startswith("-ERR")]
    if callable_:
        return Finding("commands", False, f"can be called and must not be: {', '.join(callable_)}")
    return Finding("commands", True, f"none of {', '.join(FORBIDDEN_APIS)} can be called")


def _applications(api: Api) -> Finding:
    present = sorted(_names(api, "application") & set(FORBIDDEN_APPLICATIONS))
    if present:
        return Finding("applications", False, f"loaded and must not be: {', '.join(present)}")
    return Finding("applications", True, f"none of {', '.join(FORBIDDEN_APPLICATIONS)} is loaded")


def _allow_list(api: Api) -> Finding:
    present = sorted(_names(api, "api") & set(NEVER_LISTED))
    if present:
        there = ", ".join(present)
        words = f"no interface allow-list is in force, there are: {there}; switch.conf is read at start only"
        return Finding("allow-list", False, words)
    return Finding("allow-list", True, "the interface allow-list is in force")


def _modules(api: Api) -> Finding:
    loaded = [name for name in FORBIDDEN_MODULES if _ask(api, f"module_exists {name}") != "false"]
    if loaded:
        return Finding("modules", False, f"loaded and must not be: {', '.join(loaded)}")
    return Finding("modules", True, "none is loaded that opens another way in")


def _fallback(api: Api) -> Finding:
    """The switch can run the fallback: mod_python3 looks for it in the folder given by ``-scripts``."""
    if _ask(api, "module_exists mod_python3") != "true":
        return Finding("fallback", False, "mod_python3 is not loaded: without handlers calls are lost")
    files = [Path(_ask(api, "global_getvar script_dir")) / "fallback.py"]
    files += [Path(_ask(api, f"global_getvar {name}")) for name in ("gw_music", "gw_apology")]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        return Finding("fallback", False, f"not there: {', '.join(missing)}; is -scripts freeswitch-scripts?")
    return Finding("fallback", True, f"{files[0]}")


def _message(settings: Settings, api: Api) -> Finding:
    """A MESSAGE to the chat protocol ``api`` must not run its command (mod_dptools' api_chat_send), nor an INFO
    that asks for one (sofia_handle_sip_i_info, ``extended-info-parsing``).

    The command leaves a mark in the switch's hash, which nothing else reads. That the same command leaves it
    when it is allowed to is shown first, or a missing mark would prove nothing.
    """
    mark = f"doctor-{secrets.token_hex(8)}"
    _ask(api, f"hash insert/{mark}/control/1")
    if _ask(api, f"hash select/{mark}/control") != "1":
        return Finding("message", False, "cannot be proven: the command hash cannot be called")
    _ask(api, f"hash delete/{mark}/control")
    requests = {
        "MESSAGE": (f"api+hash%20insert%2F{mark}%2FMESSAGE%2F1", "text/plain", "status"),
        "INFO": ("doctor", "freeswitch/api-request", f"hash:insert/{mark}/INFO/1"),
    }
    answers, ran = {}, []
    for method, request in requests.items():
        answers[method] = send_request((settings.sip_host, settings.sip_port), method, *request)
        if _ask(api, f"hash select/{mark}/{method}") == "1":
            ran.append(method)
        _ask(api, f"hash delete/{mark}/{method}")
    seen = ", ".join(f"{method} was answered by {status}" for method, status in answers.items())
    if ran:
        needed = "enable-chat=false, auth-messages=true, extended-info-parsing=false"
        return Finding("message", False, f"a stranger's {' and '.join(ran)} ran a command: set {needed}, restart")
    if set(answers.values()) == {"none"}:
        return Finding("message", False, "cannot be proven: the switch does not answer on its SIP port")
    return Finding("message", True, f"a stranger's request runs nothing ({seen})")


def _listeners(port: int) -> Iterator[tuple[str, int | None]]:
    """Who listens for TCP on ``port``: address and process, the latter None where we may not see it."""
    for one in psutil.net_connections(kind="tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port:
            yield one.laddr.ip, one.pid


def _event_socket(settings: Settings) -> Finding:
    addresses = sorted({ip for ip, _ in _listeners(settings.esl_port)})
    if not addresses:
        return Finding("event-socket", False, f"nobody listens on port {settings.esl_port}")
    outside = [ip for ip in addresses if not ipaddress.ip_address(ip.partition("%")[0]).is_loopback]
    if outside:
        words = f"reachable from outside on {', '.join(outside)}: listen-ip must be 127.0.0.1"
        return Finding("event-socket", False, words)
    return Finding("event-socket", True, f"only on {', '.join(addresses)}")


def _profile(api: Api) -> Finding:
    up = re.search(r"^\s*gateway400\s+profile\s.*\bRUNNING\b", _ask(api, "sofia status"), re.MULTILINE)
    return Finding("profile", bool(up), "gateway400 is up" if up else "the SIP profile gateway400 is not up")


def _folder(name: str, folder: Path, settings: Settings) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            pass
    except OSError as error:
        return Finding(name, False, f"{folder}: we cannot write there: {error.strerror}")
    try:
        writable = _switch_may_write(folder, settings.esl_port)
    except psutil.Error:
        writable = None
    if writable is None:
        return Finding(name, True, f"{folder}: we can write; whose process the switch is, only root can see")
    if not writable:
        return Finding(name, False, f"{folder}: the switch's user cannot write there")
    return Finding(name, True, f"{folder}: the switch and we can write there")


def _switch_may_write(folder: Path, esl_port: int) -> bool | None:
    """May the process behind the event socket make files in ``folder``, by owner, group and mode?"""
    pid = next((pid for _, pid in _listeners(esl_port) if pid is not None), None)
    if pid is None:
        return None
    process = psutil.Process(pid)
    user, group = process.uids().effective, process.gids().effective
    if user == 0:
        return True
    groups = {group}
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("Groups:"):
            groups |= {int(word) for word in line.split()[1:]}
    about = folder.stat()
    if about.st_uid == user:
        needed = stat.S_IWUSR | stat.S_IXUSR
    elif about.st_gid in groups:
        needed = stat.S_IWGRP | stat.S_IXGRP
    else:
        needed = stat.S_IWOTH | stat.S_IXOTH
    return about.st_mode & needed == needed


def _disk(settings: Settings) -> Finding:
    free = {folder: shutil.disk_usage(folder).free for folder in (settings.spool_dir, settings.recordings_dir)}
    least_mb = settings.disk_warning_mb
    short = [f"{folder}: {free[folder] >> 20} MiB" for folder in free if free[folder] >> 20 < least_mb]
    if short:
        lowest = min(free.values()) >> 20
        then = "; new calls are not recorded" if lowest < settings.disk_floor_mb else ""
        return Finding("disk", False, f"less than {least_mb} MiB free, {', '.join(short)}{then}")
    least = min(free.values())
    return Finding("disk", True, f"{least >> 20} MiB free")


def _messages(settings: Settings) -> Finding:
    """A receiver that does not take them is told of, and is no fault of the box."""
    now = datetime.now(UTC)
    found = judged_messages(outbox.fill(settings.journal_file, now - DEAD_WITHIN), now)
    return Finding("messages", found.state is not State.BAD, in_words(found))
