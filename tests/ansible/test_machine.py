"""The playbook on a machine of its own: installed, run again, booted, called, upgraded under calls, removed.

Needs root, debootstrap, systemd-nspawn and ansible-playbook ($ANSIBLE_PLAYBOOK or on PATH); is skipped without.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ansible import box as boxes
from tests.ansible.box import Box, run

pytestmark = [
    pytest.mark.accept,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(bool(boxes.missing()), reason=f"no machine can be made here: {boxes.missing()}"),
]

PROJECT = Path(__file__).resolve().parents[2]
SCENARIOS = PROJECT / "tests/support/sipp"
PARTS = ("ansible", "appliance", "webui", "freeswitch-scripts", "requirements", "docs")
SERVICES = (
    "switch.service",
    "handlers@{}.service",
    "collector.service",
    "notify.service",
    "keeper.service",
    "live.service",
    "console.service",
    "firewall.service",
)


class Site:
    """A machine, and the source tree and variables that it is made from."""

    def __init__(self, folder: Path) -> None:
        self.box = Box(folder / "box")
        self.source = folder / "source"
        self.variables = folder / "variables.yml"
        self._folder = folder
        self._sipps: list[subprocess.Popen[bytes]] = []

    def prepare(self) -> None:
        """A copy of the tree that may be changed, its locked distributions, a bare machine."""
        for part in PARTS:
            shutil.copytree(PROJECT / part, self.source / part, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "package.json", "package-lock.json"):
            shutil.copy2(PROJECT / name, self.source)
        wheels = self._folder / "wheels"
        lock = PROJECT / "requirements/demo.lock"
        run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps"),
                *("--prefer-binary", "--no-build-isolation", "--requirement", str(lock), "--dest", str(wheels)),
            ]
        )
        from appliance.site.demo import demo_site

        (self._folder / "site.yaml").write_text(demo_site(0, 5090, 5091), encoding="utf-8")
        self.box.make()

    def play(self, playbook: str = "site.yml", **variables: object) -> dict[str, int]:
        """Run a playbook; its recap."""
        known = {
            "gateway_switch": "miniswitch",
            "gateway_sip_host": "127.0.0.1",
            "base_time_sync": "false",
            "appliance_wheels": self._folder / "wheels",
            "appliance_site_file": self._folder / "site.yaml",
        }
        lines = [f"{name}: {value}\n" for name, value in (known | variables).items()]
        self.variables.write_text("".join(lines), encoding="utf-8")
        return self.box.play(self.source / "ansible" / playbook, self.variables)

    def sipp(self, *arguments: str) -> subprocess.Popen[bytes]:
        """SIPp on the machine's own network."""
        with (self._folder / "sipp.log").open("ab") as log:
            started = subprocess.Popen(
                [
                    *("nsenter", "--target", str(self.box.leader), "--net"),
                    *("sipp", *arguments, "-i", "127.0.0.1", "-nostdin"),
                ],
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        self._sipps.append(started)
        return started

    def close(self) -> None:
        """End what may still call or listen."""
        for sipp in self._sipps:
            sipp.kill()
            sipp.wait()

    def line(self) -> subprocess.Popen[bytes]:
        """A called telephone."""
        return self.sipp("-sf", str(SCENARIOS / "line-answers.xml"), "-p", "5090", "-mp", "40000")

    def calls(self, count: int) -> subprocess.Popen[bytes]:
        """Callers that press 1, one every two seconds."""
        return self.sipp(
            *("127.0.0.1:5060", "-sf", str(SCENARIOS / "caller-presses-1.xml"), "-s", "4008001234"),
            *("-p", "5070", "-mp", "50000", "-m", str(count), "-r", "1", "-rp", "2000", "-l", "50"),
            *("-timeout", "600"),
        )

    def outcomes(self) -> str:
        """Stored calls by outcome."""
        query = "SELECT outcome, count(*) FROM calls GROUP BY 1"
        return self.box.sh(f'sqlite3 -separator " " /var/lib/gateway400/appliance.db "{query}"').strip()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("machine")
    made = Site(folder)
    made.prepare()
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)


def test_a_machine_from_the_playbook(site: Site) -> None:
    """One story, because each part needs the one before it."""
    box = site.box
    with box.chroot():
        assert site.play(gateway_manage_services="false")["changed"] > 20
        assert site.play(gateway_manage_services="false")["changed"] == 0, "a second run changes nothing"
        units = box.sh("systemd-analyze verify /etc/systemd/system/gateway400*.service 2>&1", check=False)
        assert "gateway400" not in units, units

    with box.booted():
        # Everything starts by itself; the playbook waits for READY and asks the doctor.
        site.play()
        assert site.play()["changed"] == 0
        assert "gateway400" not in box.sh("systemctl --failed --no-legend")
        active = box.sh("gateway400-handlers active").strip()
        for service in SERVICES:
            assert box.sh(f"systemctl is-active gateway400-{service.format(active)}").strip() == "active"
        assert "127.0.0.1" in box.sh("nft list set inet gateway400 trunks4")
        assert "302" in box.sh("curl -sI http://127.0.0.1:8400/ | head -1")
        for unit in ("switch", f"handlers@{active}", "collector", "keeper", "notify", "live", "console"):
            exposure = box.sh(f"systemd-analyze security --no-pager gateway400-{unit} | tail -1")
            assert " OK " in exposure, exposure

        if shutil.which("sipp"):
            site.line()
            assert site.calls(2).wait(120) == 0
            site.close()
            time.sleep(3)
            assert site.outcomes() == "answered 2"

        # Handlers that are killed come back while music plays.
        box.sh(f"systemctl kill --signal=KILL gateway400-handlers@{active}")
        time.sleep(10)
        assert box.sh("ss -ltnH sport = :8084").strip()

        # Another release while calls go on. The embedded switch is part of the release: leave it running.
        old = box.sh("readlink /opt/gateway400/current")
        changed = site.source / "appliance/__init__.py"
        changed.write_text(changed.read_text(encoding="utf-8") + "\n# Another release.\n", encoding="utf-8")
        during = [site.line(), site.calls(120)] if shutil.which("sipp") else []
        site.play(freeswitch_restart_on_change="false")
        assert box.sh("readlink /opt/gateway400/current") != old
        assert box.sh("gateway400-handlers active").strip() != active
        if during:
            assert during[1].poll() is None, "calls went on while it was upgraded"
            assert during[1].wait(400) == 0
            site.close()
            time.sleep(3)
            assert site.outcomes() == "answered 122"
        assert "before-" in box.sh("ls /var/lib/gateway400/backups")

        # A release whose handlers do not come up takes no call.
        now = box.sh("gateway400-handlers active").strip()
        broken = site.source / "appliance/cli/calls.py"
        good = broken.read_text(encoding="utf-8")
        broken.write_text(good.replace("    server.start()\n", "    raise SystemExit(3)\n"), encoding="utf-8")
        with pytest.raises(AssertionError, match="did not become ready"):
            site.play(handlers_ready_timeout_s=8, freeswitch_restart_on_change="false")
        assert box.sh("gateway400-handlers active").strip() == now
        assert box.sh(f"systemctl is-active gateway400-handlers@{now}").strip() == "active"
        broken.write_text(good, encoding="utf-8")
        site.play()
        assert site.play()["changed"] == 0

        with pytest.raises(AssertionError, match="remove_confirmed"):
            site.play("remove.yml")
        site.play("remove.yml", remove_confirmed="true")
        assert "appliance.db" in box.sh("ls /var/lib/gateway400")
        assert box.sh("systemctl list-units --no-legend 'gateway400*'").strip() == ""
        site.play("remove.yml", remove_confirmed="true", remove_state="true")
        assert "gateway400" not in box.sh("ls /var/lib /etc /opt /var/log")
