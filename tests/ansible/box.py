"""A Debian 12 machine for a test of the playbook: debootstrap makes it, systemd-nspawn boots it.

It is never on a network while it is booted: what is installed from elsewhere is installed before, in the chroot.
Ansible reaches it by its connection `ssh` with a command in ssh's place that enters the machine, so neither a
network, nor an sshd, nor a collection is needed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

SUITE = "bookworm"
PACKAGES = "systemd,systemd-sysv,dbus,python3,python3-venv,ca-certificates,iproute2"
#: The bare system is kept here between runs; remove it for a fresh one.
CACHE = Path(os.environ.get("GATEWAY_BOX_CACHE", "/var/tmp/gateway400-box"))


def missing() -> str:
    """Why no machine can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "not root"
    for program in ("debootstrap", "systemd-nspawn", "nsenter"):
        if shutil.which(program) is None:
            return f"no {program}"
    if playbook_program() is None:
        return "no ansible-playbook: neither $ANSIBLE_PLAYBOOK nor on PATH"
    return ""


def playbook_program() -> str | None:
    """ansible-playbook: ``$ANSIBLE_PLAYBOOK``, or the one on ``PATH``."""
    return shutil.which(os.environ.get("ANSIBLE_PLAYBOOK") or "ansible-playbook")


class Box:
    """One machine under ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.log = folder / "boot.log"
        self.enter_program = folder / "enter"
        self._folder = folder
        self._nspawn: subprocess.Popen[bytes] | None = None
        #: The machine's process 1, as the host numbers it, while it is booted.
        self.leader = 0

    def make(self) -> None:
        """A bare Debian, as its installer leaves it."""
        tar = CACHE / f"{SUITE}.tar"
        if not tar.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(CACHE / "making")
            run(
                [
                    "debootstrap",
                    "--variant=minbase",
                    f"--include={PACKAGES}",
                    SUITE,
                    str(CACHE / "making"),
                    *_mirror(),
                ]
            )
            run(["tar", "-C", str(CACHE / "making"), "-cf", f"{tar}.part", "."])
            shutil.rmtree(CACHE / "making")
            Path(f"{tar}.part").rename(tar)
        self.root.mkdir(parents=True)
        run(["tar", "-C", str(self.root), "-xf", str(tar)])
        (self.root / "etc/hostname").write_text("box\n")
        (self.root / "etc/machine-id").write_text("")
        self._use_the_hosts_registries()

    @contextlib.contextmanager
    def chroot(self) -> Iterator[None]:
        """Not booted, on the host's network: packages can be fetched, services do not run."""
        mounts = [("proc", "proc"), ("sysfs", "sys"), ("devtmpfs", "dev"), ("tmpfs", "run")]
        try:
            for kind, place in mounts:
                run(["mount", "-t", kind, kind, str(self.root / place)])
            self._enter_by(f"exec chroot {self.root} {_SHELL}")
            yield
        finally:
            for _, place in reversed(mounts):
                subprocess.run(["umount", "--recursive", "--lazy", str(self.root / place)], check=False)

    @contextlib.contextmanager
    def booted(self) -> Iterator[None]:
        """Running, with a network of its own that leads nowhere."""
        with self.log.open("wb") as log:
            self._nspawn = subprocess.Popen(
                [
                    *(
                        "systemd-nspawn",
                        "--quiet",
                        "--register=no",
                        "--keep-unit",
                        "--private-network",
                        "--timezone=off",
                    ),
                    *("--console=pipe", "--machine=gatewaybox", f"--directory={self.root}", "--boot"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self.leader = self._leader()
            self._enter_by(f"exec nsenter --target {self.leader} --all {_SHELL}")
            self._wait_until_up()
            yield
        finally:
            # systemd in the machine takes this for an orderly power-off.
            self._nspawn.send_signal(signal.SIGTERM)
            try:
                self._nspawn.wait(60)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait(10)

    def sh(self, script: str, *, check: bool = True) -> str:
        """Run a shell script in the machine; its output, both streams."""
        done = subprocess.run(
            [str(self.enter_program), "box", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=300,
        )
        text = done.stdout.decode(errors="replace")
        assert done.returncode == 0 or not check, f"{script}\n{text}"
        return text

    def play(self, playbook: Path, variables: Path, *options: str) -> dict[str, int]:
        """Run a playbook against the machine; its recap (``ok``, ``changed``, ``failed``…)."""
        program = playbook_program()
        assert program is not None
        inventory = self._folder / "inventory.yml"
        inventory.write_text(
            "all:\n"
            "  hosts: {box: {}}\n"
            "  children: {gateway: {hosts: {box: {}}}, load: {hosts: {box: {}}}}\n"
            "  vars:\n"
            f"    ansible_ssh_executable: {self.enter_program}\n"
            "    ansible_ssh_transfer_method: piped\n"
            '    ansible_ssh_args: ""\n'
            "    ansible_become: false\n"
            "    ansible_python_interpreter: /usr/bin/python3\n"
        )
        done = subprocess.run(
            [program, "-i", str(inventory), "-e", f"@{variables}", *options, str(playbook)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=1500,
            cwd=playbook.parent,
            env=os.environ | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCAL_TEMP": str(self._folder / "ansible")},
        )
        text = done.stdout.decode(errors="replace")
        (self._folder / "play.log").write_text(text)
        recap = re.search(r"^box\s+: (.*)$", text, re.MULTILINE)
        assert done.returncode == 0 and recap, text[-6000:]
        return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", recap[1])}

    def _enter_by(self, command: str) -> None:
        self.enter_program.write_text(
            "#!/bin/sh\n# In ssh's place: what matters is the last argument.\n"
            f'[ "$1" = -V ] && exec echo OpenSSH_9.2\nfor last; do :; done\n{command}\n'
        )
        self.enter_program.chmod(0o755)

    def _leader(self) -> int:
        """The machine's process 1, as the host numbers it."""
        assert self._nspawn is not None
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._nspawn.poll() is None:
            for status in Path("/proc").glob("[0-9]*/status"):
                with contextlib.suppress(OSError):
                    text = status.read_text()
                    if f"\nPPid:\t{self._nspawn.pid}\n" in text and re.search(
                        r"^NSpid:\t\d+\t1$", text, re.MULTILINE
                    ):
                        return int(status.parent.name)
            time.sleep(0.1)
        raise AssertionError(f"the machine did not start:\n{self.log.read_text(errors='replace')[-3000:]}")

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + 60
        state = ""
        while time.monotonic() < deadline:
            state = self.sh("systemctl is-system-running", check=False).strip()
            if state in {"running", "degraded"}:
                return
            time.sleep(0.5)
        raise AssertionError(f"the machine is {state!r}:\n{self.log.read_text(errors='replace')[-3000:]}")

    def _use_the_hosts_registries(self) -> None:
        """apt in the machine fetches from where the host's does. In the machine only."""
        apt = self.root / "etc/apt"
        (apt / "sources.list").unlink(missing_ok=True)
        for name in (
            "sources.list",
            "sources.list.d",
            "apt.conf.d",
            "preferences.d",
            "trusted.gpg.d",
            "auth.conf.d",
        ):
            host = Path("/etc/apt") / name
            if host.is_file():
                shutil.copy2(host, apt / name)
            elif host.is_dir():
                shutil.copytree(host, apt / name, dirs_exist_ok=True)
        shutil.copy2("/etc/resolv.conf", self.root / "etc/resolv.conf")
        shutil.copy2("/etc/ssl/certs/ca-certificates.crt", self.root / "etc/ssl/certs/ca-certificates.crt")


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHELL = f'/usr/bin/env -i -C / HOME=/root LANG=C.UTF-8 PATH={_PATH} /bin/sh -c "$last"'


def _mirror() -> Sequence[str]:
    """The host's own mirror of Debian, where it is one; else debootstrap's."""
    for file in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*.sources")):
        with contextlib.suppress(OSError):
            if found := re.search(
                r"(?:URIs:|^deb) *(?:\[[^]]*\] *)?(\S+/debian)/?\s", file.read_text(), re.MULTILINE
            ):
                return [found[1]]
    return []


def run(command: Sequence[str]) -> str:
    """Run a command on the host; its output, and the end of it in the error when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=1200)
    text = done.stdout.decode(errors="replace")
    assert done.returncode == 0, f"{' '.join(command)}\n{text[-3000:]}"
    return text
