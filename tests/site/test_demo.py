"""``appliance demo``: nothing in it is wired to the demonstration's own site, and it leaves nothing behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from appliance import cli
from tests.e2e.live import tone_prompts
from tests.support.ports import free_udp_port
from tests.support.process import Process

SITE = """
version: 1
accounts: [{id: north, name: 北方}, {id: south, name: 南方}]
operators: [{login: nobody, name: 别家, roles: [administrator], account: north},
            {login: boss, name: 老板, roles: [supervisor], account: south}]
trunks:
  - {id: in, name: 来话, accept: ["127.0.0.1"]}
  - {id: out, name: 去话, proxy: "127.0.0.1:@PORT@", caller_id: pass}
lines: [{id: desk, account: south, number: "057160000009", kind: landline, trunk: out}]
flows:
  - name: two-deep
    account: south
    start: first
    nodes:
      first: {type: menu, prompt: tone-1750, keys: {"*": second}, silence: bye, wrong: bye}
      second: {type: menu, prompt: tone-500, keys: {"0": ring, "5": bye}, silence: bye, wrong: bye}
      ring: {type: ring, lines: [desk]}
      bye: {type: hangup}
numbers: [{number: "4006543210", account: south, flow: two-deep, record: all}]
"""


def demo(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with its box in ``folder``."""
    return subprocess.run(
        [sys.executable, "-m", "appliance", "demo", "--folder", str(folder), "--talk", "1", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
        env=os.environ | environment,
    )


def running_from(folder: Path) -> list[str]:
    """Processes that were given anything in ``folder``."""
    return [
        " ".join(process.info["cmdline"] or [])
        for process in psutil.process_iter(["cmdline", "environ"])
        if str(folder) in json.dumps([process.info["cmdline"], process.info["environ"]])
        and process.pid != os.getpid()
    ]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Another site file: number, keys, prompts, line, port, nobody called ``admin``, no plan."""
    tone_prompts(tmp_path / "mine" / "prompts" / "south")
    file = tmp_path / "mine" / "site.yaml"
    file.write_text(SITE.replace("@PORT@", str(free_udp_port())), encoding="utf-8")
    return file


def test_another_site_on_a_machine_whose_ports_are_taken(site: Path, tmp_path: Path) -> None:
    box, installed = tmp_path / "box", tmp_path / "installed"
    with socket.socket(type=socket.SOCK_DGRAM) as sip, socket.socket() as console:
        sip.bind(("127.0.0.1", 0))
        console.bind(("127.0.0.1", 0))
        taken = {
            "APPLIANCE_SIP_PORT": str(sip.getsockname()[1]),
            "APPLIANCE_CONSOLE_PORT": str(console.getsockname()[1]),
        }
        # A box that is installed on this machine is none of the demonstration's business.
        theirs = {"APPLIANCE_STATE_DIR": str(installed), "APPLIANCE_RECORDINGS_DIR": str(installed / "r")}
        theirs |= {"APPLIANCE_DATABASE_URL": f"sqlite:///{installed}/a.db"}
        done = demo(box, "--site", str(site), "--number", "400-654-3210", **taken, **theirs)
    assert done.returncode == 0, done.stdout + done.stderr
    for step in (
        "13800138000 dials 4006543210",
        "the caller presses *",
        "the caller presses 0",
        "line desk (057160000009) rings and answers",
        "keys first=*, second=0, line desk",
        "price: none, the number has no plan",
        "console: boss signed in",
        "everything is shut down again",
    ):
        assert step in done.stdout
    assert list((box / "recordings").rglob("*.opus"))
    assert not installed.exists()
    assert running_from(box) == []


def test_a_folder_that_is_not_a_boxs_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = demo(tmp_path)
    assert (done.returncode, "holds what no box has put there" in done.stderr) == (2, True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_second_box_in_the_same_folder_changes_nothing(site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "box"
    command = [sys.executable, "-m", "appliance", "run", "--site", str(site), "--folder", str(folder)]
    with Process(command) as first:
        first.wait_for_line("ends it", 60)
        before = {file: file.read_bytes() for file in (folder / "appliance.toml", folder / "routing.json")}
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (second.returncode, second.stderr) == (2, f"appliance: a box runs in {folder} already\n")
        assert {file: file.read_bytes() for file in before} == before
        # What `run` says of other commands holds: they find this box.
        doctor = subprocess.run(
            [sys.executable, "-m", "appliance", "doctor"],
            env=os.environ | {"APPLIANCE_CONFIG": str(folder / "appliance.toml")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert doctor.returncode == 0, doctor.stdout + doctor.stderr
        assert "nobody / " in first.output  # the administrator comes before the supervisor


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("account: south}]\ntrunks", "account: north}]\ntrunks"), "no operator who sees the calls of south"),
        (("prompt: tone-500", "prompt: tone-400"), "tone-400"),
        (("127.0.0.1:", "192.0.2.1:"), "stays on this machine"),
    ],
)
def test_what_cannot_be_shown_is_one_message(
    site: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    says: str,
) -> None:
    text = site.read_text(encoding="utf-8")
    assert change[0] in text
    site.write_text(text.replace(*change), encoding="utf-8")
    # In this process: nothing is started before the fault is found.
    monkeypatch.setattr(sys, "argv", ["appliance", "demo", "--folder", str(tmp_path / "box"), "--site", str(site)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code not in (0, None)
    said = capsys.readouterr().err
    assert says in said and "Traceback" not in said
    assert running_from(tmp_path / "box") == []
