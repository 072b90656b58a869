"""The switch's configuration, rendered from the settings and the trunks' addresses.

:func:`render` makes every file of FreeSWITCH's ``-conf`` folder out of ``freeswitch-scripts/conf``,
:func:`render_miniswitch` the one file of the embedded switch; :func:`write` puts them in place. What the
switch must do with them is in ``docs/switch-contract.md``; ``tests/freeswitch`` shows it on a running one.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import jinja2

from appliance.config import PROJECT_ROOT, Settings
from appliance.domain.routing import PHONES_REALM
from appliance.errors import SettingsError
from appliance.site.switchparts import NO_PARTS, SwitchParts

SCRIPTS = PROJECT_ROOT / "freeswitch-scripts"
"""Templates, prompts and the fallback script in a checkout; an installation hands in its own folder."""

RINGBACK = "%(1000,4000,450)"
"""What a caller hears while a line rings, in FreeSWITCH's words: milliseconds on, off, and hertz."""

HANDLER_TRIES = 3
"""How often the dialplan offers a lost call to the handlers again, two seconds of music between."""
HANDLER_LOSSES = 3
"""How often one call may be lost by handlers that had taken it before the fallback gets it at once."""

ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "268435456"}
"""For FreeSWITCH's process. Each outbound socket makes two queues of 800 kB (``socket_function``); by default glibc
fetches such blocks from the kernel and gives them back each time, and clearing their pages is a tenth of a call's
CPU. The first is the largest value that glibc takes. The systemd unit in ``ansible/`` sets the same."""

# What may be called at all: (module, kind of interface, names). Everything else is not even registered
# (FreeSWITCH's switch_loadable_module_interface_allowed), so no way in can reach it. A verb that
# docs/switch-contract.md adds is added here too.
ALLOWED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "mod_commands",
        "api",
        (
            *("status", "version", "show", "module_exists", "reloadxml", "reloadacl", "originate"),
            *("uuid_kill", "uuid_break", "uuid_displace", "global_getvar", "sched_hangup"),
            # The warning before a call runs out of money; it runs what stands here, and nothing else.
            "sched_api",
            *("limit_usage", "uuid_limit_release"),
            # Keys in a talk: the other leg's variable, its transfer, the pause of its recording.
            *("uuid_setvar", "uuid_transfer", "uuid_record"),
            # Both lines of a consultation whose caller has gone.
            "hupall",
            # The live state: what is noted on a leg.
            "uuid_getvar",
            # Whether a call that left no CDR is gone: ``show channels`` may lag behind.
            "uuid_exists",
        ),
    ),
    (
        "mod_dptools",
        "app",
        (
            *("answer", "pre_answer", "hangup", "transfer", "set", "multiset"),
            *("playback", "play_and_get_digits", "record", "record_session", "stop_record_session"),
            *("bridge", "execute_extension", "limit", "limit_execute", "sched_hangup"),
            *("bind_meta_app", "att_xfer", "three_way"),
            *("break", "start_dtmf", "start_dtmf_generate"),
        ),
    ),
    ("mod_event_socket", "app", ("socket",)),
    ("mod_hash", "api", ("hash",)),
    ("mod_python3", "app", ("python",)),
    ("mod_sofia", "api", ("sofia",)),
)

# Values that stand in XML, in X-PRE-PROCESS texts and in applications' arguments at once: nothing that any
# of these reads as syntax ($ begins a variable, a blank or a comma ends an argument).
_PLAIN_PATH = re.compile(r"/[\w.@%+/-]*", re.UNICODE)
_PASSWORD = re.compile(r"[A-Za-z0-9_.~-]{16,128}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")


BANNED = "sip/banned.xml"
#: Of the profile for trunks behind an address translation, which is there only when one is.
_OUTSIDE = "gateways-outside.xml.j2"


class Accepted(NamedTuple):
    """One entry of the trunk list: ``network`` as CIDR, ``port`` the sender's, 0 for any."""

    network: str
    port: int


def accepted(accept: Sequence[str]) -> list[Accepted]:
    """Read the trunks' addresses: ``1.2.3.4``, ``1.2.3.0/24``, ``1.2.3.4:5060``, ``2001:db8::/64``,
    ``[2001:db8::1]:5060``.

    A port holds for UDP; a carrier that calls by TCP comes from any port.

    >>> accepted(["192.0.2.7:5060", "198.51.100.0/24"])
    [Accepted(network='192.0.2.7/32', port=5060), Accepted(network='198.51.100.0/24', port=0)]

    :raises SettingsError: an entry is none of these, or takes in every address.
    """
    return [_accepted(entry) for entry in accept]


def render(
    settings: Settings,
    esl_password: str,
    accept: Sequence[str],
    scripts: Path = SCRIPTS,
    parts: SwitchParts = NO_PARTS,
) -> dict[PurePath, str]:
    """FreeSWITCH's configuration folder: text by path relative to it.

    :param accept: who may send calls, see :func:`accepted`. Empty: nobody.
    :param scripts: folder of ``conf/``, ``prompts/`` and ``fallback.py``, as FreeSWITCH will see it.
    :param parts: trunks whose state is followed, phones, whether the external address is shown.
    :raises SettingsError: a value cannot stand in the configuration.
    """
    _check(settings, esl_password, scripts)
    _check_parts(settings, parts)
    environment = _environment(scripts)
    values: dict[str, Any] = {
        "settings": settings,
        "esl_password": esl_password,
        "accepted": accepted(accept),
        "gateways": parts.gateways,
        "phones": parts.phones,
        "has_phones": parts.has_phones,
        "phones_realm": PHONES_REALM,
        "outside": parts.outside,
        "banned": parts.banned,
        "hold_music": scripts / "prompts" / "zh" / "hold-music.wav",
        "allowed": ALLOWED,
        "codes": {
            asked: code
            for asked, code in (("sign-in", settings.sign_in_code), ("sign-out", settings.sign_out_code))
            if code
        },
        "handlers": f"{settings.handlers_host}:{settings.handlers_port}",
        "music": scripts / "prompts" / "music.wav",
        "apology": scripts / "prompts" / "zh" / "apology.wav",
        "ringback": RINGBACK,
        "tries": HANDLER_TRIES,
        "losses": HANDLER_LOSSES,
    }
    templates = sorted(path.relative_to(scripts / "conf") for path in (scripts / "conf").rglob("*.xml*"))
    if not parts.outside:
        templates = [path for path in templates if path.name != _OUTSIDE]
    if not templates:
        raise SettingsError(f"no templates of the switch's configuration in {scripts / 'conf'}")
    # Named one by one where they are included: a file that a newer version no longer has stays unread.
    values["files"] = [path.with_suffix("") if path.suffix == ".j2" else path for path in templates]
    return {
        path.with_suffix("") if path.suffix == ".j2" else path: environment.get_template(path.as_posix()).render(
            values
        )
        for path in templates
    }


def render_banned(addresses: Sequence[str], scripts: Path = SCRIPTS) -> dict[PurePath, str]:
    """The one file of FreeSWITCH's configuration that says which addresses no phone may register from."""
    text = _environment(scripts).get_template(f"{BANNED}.j2").render(banned=addresses)
    return {PurePath(BANNED): text}


def _environment(scripts: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(scripts / "conf"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


def render_miniswitch(
    settings: Settings, esl_password: str, accept: Sequence[str], scripts: Path = SCRIPTS
) -> dict[str, Any]:
    """The embedded switch's configuration, ready for ``json.dumps``: durations in seconds, paths as text.

    :raises SettingsError: as :func:`render`.
    """
    _check(settings, esl_password, scripts)
    return {
        "sip_host": settings.sip_host,
        "sip_port": settings.sip_port,
        "rtp_port_range": [settings.rtp_port_min, settings.rtp_port_max],
        "accept": [
            f"{entry.network.rpartition('/')[0]}:{entry.port}" if entry.port else entry.network
            for entry in accepted(accept)
        ],
        "esl_host": settings.esl_host,
        "esl_port": settings.esl_port,
        "esl_password": esl_password,
        "handlers": f"{settings.handlers_host}:{settings.handlers_port}",
        "spool_dir": str(settings.spool_dir),
        "recordings_dir": str(settings.recordings_dir),
        "music_file": str(scripts / "prompts" / "music.wav"),
        "apology_file": str(scripts / "prompts" / "zh" / "apology.wav"),
        "fallback_script": str(scripts / "fallback.py"),
        "snapshot_file": str(settings.snapshot_file),
        "media_timeout_s": settings.media_timeout_s,
        "max_call_s": settings.max_call_s,
        "ringback": RINGBACK,
        "log_file": str(settings.state_dir / "miniswitch.log"),
    }


def write(files: Mapping[PurePath, str], folder: Path) -> list[PurePath]:
    """Put files into a folder, each whole or not at all, readable by owner and group; return what changed.

    A file that already holds its text is left alone, so the caller knows whether the switch must reload.

    :raises OSError: the folder cannot be written.
    """
    changed = []
    for relative, text in sorted(files.items()):
        target = folder / relative
        if target.is_file() and target.read_text(encoding="utf-8") == text:
            continue
        target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fchmod(stream.fileno(), 0o640)
                os.fsync(stream.fileno())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        changed.append(relative)
    return changed


def _accepted(entry: str) -> Accepted:
    bare, port = entry, 0
    with_port = re.fullmatch(r"\[([0-9A-Fa-f:]+)\]:(\d{1,5})|([0-9.]+):(\d{1,5})", entry)
    if with_port:
        bare, port = with_port[1] or with_port[3], int(with_port[2] or with_port[4])
        if not 0 < port < 65536:
            raise SettingsError(f"trunk address {entry!r}: no such port")
    try:
        network = ipaddress.ip_network(bare)
    except ValueError as error:
        raise SettingsError(f"trunk address {entry!r}: {error}") from error
    if network.prefixlen == 0:
        raise SettingsError(f"trunk address {entry!r}: takes in every address")
    return Accepted(str(network), port)


def _check_parts(settings: Settings, parts: SwitchParts) -> None:
    if parts.outside and not settings.sip_external_host:
        raise SettingsError("sip_external_host: is needed, for a trunk is behind_nat")
    ports = [settings.sip_port]
    ports += [settings.phones_port] if parts.has_phones else []
    ports += [settings.outside_port] if parts.outside else []
    if len(set(ports)) < len(ports):
        raise SettingsError("sip_port, phones_port, outside_port: each needs a port of its own")


def _check(settings: Settings, esl_password: str, scripts: Path) -> None:
    findings = list(_findings(settings, esl_password, scripts))
    if findings:
        raise SettingsError("\n".join(findings))


def _findings(settings: Settings, esl_password: str, scripts: Path) -> Iterator[str]:
    paths = {
        "spool_dir": settings.spool_dir,
        "recordings_dir": settings.recordings_dir,
        "snapshot_file": settings.snapshot_file,
        "freeswitch-scripts": scripts,
    }
    for name, path in paths.items():
        if not _PLAIN_PATH.fullmatch(str(path)):
            yield f"{name}: the switch needs an absolute path of letters, digits and . _ - + @ %: {path}"
    if not _PASSWORD.fullmatch(esl_password):
        yield "esl_password: 16 to 128 letters, digits or . _ ~ -"
    if not _HOST.fullmatch(settings.handlers_host):
        yield f"handlers_host: neither a name nor an address: {settings.handlers_host}"
    try:
        sip_host = ipaddress.ip_address(settings.sip_host)
        if sip_host.is_unspecified or sip_host.is_multicast:
            yield f"sip_host: must be one address of this machine: {settings.sip_host}"
    except ValueError:
        yield f"sip_host: not an address: {settings.sip_host}"
    if settings.sip_external_host:
        try:
            ipaddress.IPv4Address(settings.sip_external_host)
        except ValueError:
            yield f"sip_external_host: not an IPv4 address: {settings.sip_external_host}"
    try:
        if not ipaddress.ip_address(settings.esl_host).is_loopback:
            yield f"esl_host: the event socket stays on this machine (127.0.0.1): {settings.esl_host}"
    except ValueError:
        yield f"esl_host: not an address: {settings.esl_host}"
