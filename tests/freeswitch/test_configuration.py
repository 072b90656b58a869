"""The rendered configuration: what it refuses to hold, and that FreeSWITCH takes all of it."""

from __future__ import annotations

import json
import os
import re
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path, PurePath

import pytest

from appliance.config import PROJECT_ROOT, load
from appliance.errors import SettingsError
from appliance.site import switchconf
from tests.support.freeswitch_server import PASSWORD, FreeSwitch

CONTRACT = (PROJECT_ROOT / "docs" / "switch-contract.md").read_text(encoding="utf-8")


def listed(kind: str) -> set[str]:
    return {name for _, of, names in switchconf.ALLOWED if of == kind for name in names}


def contract_applications() -> set[str]:
    """Every application in the contract's table, but those it says are not used."""
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|([^|]*)\|([^|]*)\|$", CONTRACT, re.MULTILINE)
    return {
        name
        for names, _, result in rows
        if "not used" not in result
        for name in re.findall(r"`(\w+)`", names)
        if not name.startswith(("gw_", "handlers", "fallback"))
    }


def test_every_application_of_the_contract_is_on_the_allow_list() -> None:
    applications = contract_applications()
    assert {"answer", "playback", "bridge", "limit_execute"} <= applications
    assert applications <= listed("app")


def test_every_application_of_the_dialplan_is_on_the_allow_list(tmp_path: Path) -> None:
    dialplan = switchconf.render(load(state_dir=tmp_path), PASSWORD, [])[PurePath("dialplan/gateway.xml")]
    used = set(re.findall(r'application="(\w+)"', dialplan))
    assert "socket" in used
    assert used <= listed("app")


def test_nothing_that_starts_a_process_is_on_the_allow_list() -> None:
    every = listed("api") | listed("app")
    assert not every & {"system", "bg_system", "bgsystem", "spawn", "bg_spawn", "spawn_stream", "eval", "load"}
    assert "python" not in listed("api")


def test_each_file_is_whole_xml_and_none_is_left_out(tmp_path: Path) -> None:
    files = switchconf.render(load(state_dir=tmp_path), PASSWORD, ["192.0.2.0/24", "198.51.100.7:5060"])
    for path, text in files.items():
        bare = text.removeprefix('<?xml version="1.0" encoding="UTF-8"?>')
        ElementTree.fromstring(f"<files>{bare}</files>")  # a file may hold several contexts
        assert "{{" not in text, path
    included = {
        PurePath(os.path.normpath(path.parent / name))
        for path, text in files.items()
        for name in re.findall(r'cmd="include" data="([^"]+)"', text)
    }
    assert included == {path for path in files if path.name != "freeswitch.xml"}
    acl = files[PurePath("configuration/acl.conf.xml")]
    assert 'cidr="192.0.2.0/24"/>' in acl
    assert 'cidr="198.51.100.7/32" port="5060"/>' in acl
    assert 'default="deny"' in acl


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"esl_host": "0.0.0.0"}, "esl_host"),
        ({"esl_host": "192.0.2.1"}, "esl_host"),
        ({"sip_host": "0.0.0.0"}, "sip_host"),
        ({"sip_host": "carrier.example"}, "sip_host"),
        ({"spool_dir": "/var/${system id}"}, "spool_dir"),
        ({"snapshot_file": "/var/a b"}, "snapshot_file"),
        ({"recordings_dir": '/var/"><x'}, "recordings_dir"),
        ({"handlers_host": "127.0.0.1 async"}, "handlers_host"),
    ],
)
def test_what_cannot_stand_in_the_configuration(tmp_path: Path, wrong: dict[str, str], says: str) -> None:
    settings = load(**({"state_dir": tmp_path} | wrong))
    for make in (switchconf.render, switchconf.render_miniswitch):
        with pytest.raises(SettingsError, match=says):
            make(settings, PASSWORD, [])


@pytest.mark.parametrize("password", ["", "ClueCon", "a" * 15, 'a"' * 10, "a\n" * 10, "秘" * 20])
def test_passwords_that_are_refused(tmp_path: Path, password: str) -> None:
    with pytest.raises(SettingsError, match="esl_password"):
        switchconf.render(load(state_dir=tmp_path), password, [])


@pytest.mark.parametrize(
    "entry", ["0.0.0.0/0", "::/0", "carrier.example", "192.0.2.1/24", "192.0.2.1:0", "192.0.2.1:70000", "1.2.3", ""]
)
def test_addresses_that_are_refused(entry: str) -> None:
    with pytest.raises(SettingsError, match="trunk address"):
        switchconf.accepted([entry])


def test_addresses_of_version_6() -> None:
    assert switchconf.accepted(["2001:db8::/64", "[2001:db8::1]:5060"]) == [
        ("2001:db8::/64", 0),
        ("2001:db8::1/128", 5060),
    ]


def test_an_installed_package_hands_in_its_scripts(tmp_path: Path) -> None:
    scripts = tmp_path / "share"
    with pytest.raises(SettingsError, match="no templates"):
        switchconf.render(load(state_dir=tmp_path), PASSWORD, [], scripts)
    (scripts / "conf").mkdir(parents=True)
    (scripts / "conf" / "one.xml.j2").write_text('<a b="{{ music }}"/>', encoding="utf-8")
    files = switchconf.render(load(state_dir=tmp_path), PASSWORD, [], scripts)
    assert files == {PurePath("one.xml"): f'<a b="{scripts}/prompts/music.wav"/>'}


def test_the_embedded_switch_gets_the_same_facts(tmp_path: Path) -> None:
    settings = load(state_dir=tmp_path, media_timeout_s=7, handlers_port=8085)
    made = switchconf.render_miniswitch(settings, PASSWORD, ["192.0.2.0/24", "198.51.100.7:5060"])
    assert made["accept"] == ["192.0.2.0/24", "198.51.100.7:5060"]
    assert made["handlers"] == "127.0.0.1:8085"
    assert made["rtp_port_range"] == [16384, 32767]
    assert made["media_timeout_s"] == 7
    for name in ("music_file", "apology_file", "fallback_script"):
        assert Path(made[name]).is_file(), name
    assert json.loads(json.dumps(made)) == made


def test_write_touches_only_what_changed(tmp_path: Path) -> None:
    files = {PurePath("a.xml"): "<a/>", PurePath("sub/b.xml"): "<b/>"}
    assert switchconf.write(files, tmp_path / "conf") == [PurePath("a.xml"), PurePath("sub/b.xml")]
    assert switchconf.write(files, tmp_path / "conf") == []
    before = (tmp_path / "conf" / "a.xml").stat()
    assert before.st_mode & 0o777 == 0o640
    assert switchconf.write(files | {PurePath("sub/b.xml"): "<c/>"}, tmp_path / "conf") == [PurePath("sub/b.xml")]
    assert (tmp_path / "conf" / "a.xml").stat().st_mtime_ns == before.st_mtime_ns
    assert (tmp_path / "conf" / "sub" / "b.xml").read_text(encoding="utf-8") == "<c/>"
    assert sorted(p.name for p in (tmp_path / "conf").rglob("*")) == ["a.xml", "b.xml", "sub"]


def shown(switch: FreeSwitch, kind: str, awaited: set[str]) -> set[str]:
    """``show KIND``'s names. The list is kept in a database that is a moment behind."""
    for _ in range(40):
        lines = switch.api(f"show {kind}").splitlines()[1:]
        names = {line.partition(",")[0] for line in lines if re.match(r"\w+,", line)}
        if names >= awaited:
            break
        time.sleep(0.1)
    return names


@pytest.mark.freeswitch
def test_freeswitch_loads_it_without_an_error(tmp_path: Path) -> None:
    with FreeSwitch(tmp_path) as switch:
        assert [line for line in switch.log.splitlines() if re.search(r"\[(ERR|CRIT|ALERT)\]", line)] == []
        assert shown(switch, "application", listed("app")) == listed("app")
        assert shown(switch, "api", listed("api")) == listed("api")
        assert "sofia_reg_gateway400" in switch.api("sofia status profile gateway400")
        assert switch.api("global_getvar media_timeout") == "60000"
        assert "500 session(s) max" in switch.api("status")
        assert "per Sec out of max 60" in switch.api("status")
    assert switch.process is None
