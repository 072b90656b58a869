"""The doctor finds our configuration well, and says what is wrong with bad ones."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path, PurePath

import psutil
import pytest

from appliance.config import Settings, load
from appliance.errors import SwitchGone, SwitchRefused
from appliance.ops import doctor
from appliance.ops.doctor import Finding
from appliance.site import switchconf
from tests.support.freeswitch_server import PASSWORD, FreeSwitch, settings_in

SOFIA = PurePath("configuration/sofia.conf.xml")
SWITCH = PurePath("configuration/switch.conf.xml")
SOCKET = PurePath("configuration/event_socket.conf.xml")
MODULES = PurePath("configuration/modules.conf.xml")


def red(findings: list[Finding]) -> dict[str, str]:
    return {finding.name: finding.words for finding in findings if not finding.ok}


@pytest.mark.freeswitch
def test_our_configuration_is_well(switch: FreeSwitch) -> None:
    findings = doctor.examine(switch.settings, switch.api)
    assert red(findings) == {}
    assert len({finding.name for finding in findings}) == len(findings) == 13
    assert "202" in next(finding.words for finding in findings if finding.name == "message")


def spoilt(folder: Path, changes: dict[PurePath, list[tuple[str, str]]]) -> FreeSwitch:
    """A FreeSWITCH whose configuration has each pattern replaced."""
    settings = settings_in(folder)
    files = switchconf.render(settings, PASSWORD, ["127.0.0.1"])
    change = {}
    for path, pairs in changes.items():
        text = files[path]
        for pattern, instead in pairs:
            text, count = re.subn(pattern, instead, text, flags=re.DOTALL)
            assert count, pattern
        change[path] = text
    names = ("sip_port", "esl_port", "handlers_port", "rtp_port_min", "rtp_port_max")
    return FreeSwitch(folder, change=change, **{name: getattr(settings, name) for name in names})


NO_ALLOW_LIST = (r"<interface-allowlist>.*</interface-allowlist>", "")
CHAT = (r'(name="enable-chat" value=)"false"', r'\1"true"')
INFO = (r'(name="extended-info-parsing" value=)"false"', r'\1"true"')
NO_AUTH = (r'(name="auth-messages" value=)"true"', r'\1"false"')


@pytest.mark.freeswitch
def test_without_the_allow_list_and_with_chat(tmp_path: Path) -> None:
    with spoilt(tmp_path, {SWITCH: [NO_ALLOW_LIST], SOFIA: [CHAT, NO_AUTH]}) as switch:
        found = red(doctor.examine(switch.settings, switch.api))
    assert {"commands", "applications", "allow-list", "message"} == set(found)
    assert "system" in found["commands"]
    assert "bgsystem" in found["applications"]
    assert "ran a command" in found["message"]


@pytest.mark.freeswitch
@pytest.mark.parametrize(("careless", "method"), [([CHAT, NO_AUTH], "MESSAGE"), ([INFO], "INFO")])
def test_what_is_allowed_runs_by_a_strangers_request(
    tmp_path: Path, careless: list[tuple[str, str]], method: str
) -> None:
    """The faults themselves, and that the check sees them behind an allow-list: ``hash`` is run."""
    with spoilt(tmp_path, {SOFIA: careless}) as switch:
        found = red(doctor.examine(switch.settings, switch.api))
    assert set(found) == {"message"}
    assert f"a stranger's {method} ran a command" in found["message"]


@pytest.mark.freeswitch
def test_open_to_the_network_and_without_fallback(tmp_path: Path) -> None:
    open_socket = (r'(name="listen-ip" value=)"[^"]+"', r'\1"0.0.0.0"')
    with spoilt(tmp_path, {SOCKET: [open_socket], MODULES: [(r'<load module="mod_python3"/>', "")]}) as switch:
        switch.settings.recordings_dir.rmdir()
        found = red(doctor.examine(switch.settings, switch.api))
    assert set(found) == {"event-socket", "fallback", "recordings", "disk"}
    assert "0.0.0.0" in found["event-socket"]


class Scripted:
    """A switch that answers from a table; ``-ERR`` for the rest."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers

    def __call__(self, command: str) -> str:
        name = command.replace(" ", "_")
        if name not in self.answers:
            raise SwitchRefused("command not found")
        return self.answers[name]


def settings(tmp_path: Path, **more: object) -> Settings:
    for leaf in ("spool", "recordings"):
        (tmp_path / leaf).mkdir()
    return load(state_dir=tmp_path, esl_port=9, sip_port=9, **more)


def verdict(name: str, tmp_path: Path, api: Callable[[str], str], **more: object) -> Finding:
    return next(one for one in doctor.examine(settings(tmp_path, **more), api) if one.name == name)


@pytest.mark.parametrize(
    ("said", "ok"),
    [
        ("FreeSWITCH Version 1.11.3-dev+git~2026 (git cc93a68)", True),
        ("FreeSWITCH Version 1.11.2-release", True),
        ("FreeSWITCH Version 1.12.0", True),
        ("FreeSWITCH Version 1.11.1", False),
        ("FreeSWITCH Version 1.10.12", False),
        ("something else", False),
    ],
)
def test_versions(tmp_path: Path, said: str, ok: bool) -> None:
    assert verdict("version", tmp_path, Scripted(version=said)).ok is ok


def test_what_cannot_be_asked_is_no_good_sign(tmp_path: Path) -> None:
    found = red(doctor.examine(settings(tmp_path), Scripted()))
    assert set(found) >= {"version", "applications", "allow-list", "modules", "message", "event-socket", "profile"}
    assert "cannot be proven" in found["message"]


def test_a_switch_that_is_gone_is_a_finding_each(tmp_path: Path) -> None:
    def gone(command: str) -> str:
        raise SwitchGone("the event socket closed")

    found = red(doctor.examine(settings(tmp_path), gone))
    assert "could not be checked: the event socket closed" in found["version"]


def test_a_switch_that_does_not_answer_on_its_port(tmp_path: Path) -> None:
    def api(command: str) -> str:
        return "1" if re.fullmatch(r"hash select/.*/control", command) else "-ERR no reply"

    assert not verdict("message", tmp_path, api).ok


def test_the_embedded_switch_is_told_what_does_not_apply(tmp_path: Path) -> None:
    findings = doctor.examine(settings(tmp_path, switch="miniswitch"), Scripted())
    other = {one.name for one in findings if one.words == "does not apply to the embedded switch"}
    assert other == {"version", "applications", "allow-list", "modules", "fallback", "message"}
    assert all(one.ok for one in findings if one.name in other)
    assert next(one for one in findings if one.name == "commands").ok


def test_a_full_disk_and_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = verdict("disk", tmp_path, Scripted(), disk_warning_mb=1 << 40, disk_floor_mb=1 << 39)
    assert not short.ok and "MiB free" in short.words and "new calls are not recorded" in short.words
    monkeypatch.setattr(doctor, "_switch_may_write", lambda folder, port: False)
    found = red(doctor.examine(load(state_dir=tmp_path, esl_port=9, sip_port=9), Scripted()))
    assert found["spool"].endswith("the switch's user cannot write there")


def test_whose_folder_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Process:
        def __init__(self, pid: int) -> None:
            self.pid = pid

        def uids(self) -> object:
            return type("Ids", (), {"effective": 65534})()

        gids = uids

    monkeypatch.setattr(psutil, "Process", Process)
    monkeypatch.setattr(doctor, "_listeners", lambda port: iter([("127.0.0.1", 1)]))
    tmp_path.chmod(0o755)
    assert doctor._switch_may_write(tmp_path, 9) is False
    tmp_path.chmod(0o777)
    assert doctor._switch_may_write(tmp_path, 9) is True
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o777
