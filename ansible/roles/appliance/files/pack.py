#!/usr/bin/env python3
"""Pack the source tree into gateway400-VERSION-DIGEST.tar.gz and print its path and the release's name as JSON.

    pack.py [SOURCE] [FOLDER] [WHEELS]

The same files give the same archive, wherever and whenever it is packed: names are sorted, and times, owners
and the packer's umask are left out. So the digest in the name says what is in it. With a folder of WHEELS these
are part of it, and its installation asks no package index.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

PARTS = (
    "appliance",
    "webui",
    "freeswitch-scripts",
    "requirements",
    "docs",
    "package.json",
    "package-lock.json",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
)
LEFT_OUT = {"__pycache__", "node_modules"}
#: Made at set-up and never committed: what the console's pages load.
ASSETS = "webui/static/vendor/.stamp"


def files_of(source: Path) -> Iterator[Path]:
    """Every file that belongs to a release, sorted."""
    for part in PARTS:
        top = source / part
        if top.is_file():
            yield top
        for folder, folders, names in os.walk(top):
            folders[:] = sorted(name for name in folders if name not in LEFT_OUT and not name.startswith("."))
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_file() and path.suffix != ".pyc":
                    yield path


def packed(source: Path, wheels: Path | None) -> bytes:
    """The archive, not yet compressed."""
    names = {path.relative_to(source).as_posix(): path for path in files_of(source)}
    if wheels is not None:
        names |= {f"wheels/{path.name}": path for path in sorted(wheels.iterdir()) if path.is_file()}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, path in names.items():
            info = tarfile.TarInfo(name)
            data = path.read_bytes()
            info.size = len(data)
            info.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def main(source: Path, folder: Path, wheels: Path | None) -> None:
    """Write the archive unless it is there already; print where it is."""
    if not (source / "appliance").is_dir():
        sys.exit(f"no source tree of the gateway: {source}")
    if not (source / ASSETS).is_file():
        sys.exit(f"the console's files are not there yet: run `make demo` once in {source}")
    # Not by tomllib: a controller's Python may be older than the appliance's.
    version = re.search(r'^version = "([^"]+)"$', (source / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    if version is None:
        sys.exit(f"no version in {source / 'pyproject.toml'}")
    tar = packed(source, wheels)
    release = f"{version[1]}-{hashlib.sha256(tar).hexdigest()[:10]}"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"gateway400-{release}.tar.gz"
    if not archive.exists():
        fresh = archive.with_name(f".{archive.name}.{os.getpid()}")
        fresh.write_bytes(gzip.compress(tar, 6, mtime=0))
        fresh.replace(archive)
    sys.stdout.write(json.dumps({"archive": str(archive.resolve()), "release": release}) + "\n")


if __name__ == "__main__":
    given: list[Path | None] = [Path(argument).resolve() for argument in sys.argv[1:4]]
    source, folder, wheels = (given + [None] * 3)[:3]
    main(source or Path.cwd(), folder or Path.cwd() / "dist", wheels)
