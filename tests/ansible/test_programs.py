"""The program that the playbook brings along: it packs a release."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

from tests.ansible.test_playbook import ANSIBLE, PROJECT

PACK = ANSIBLE / "roles/appliance/files/pack.py"


def source_tree(folder: Path) -> Path:
    """A tree that looks like ours."""
    for name, text in {
        "pyproject.toml": '[project]\nversion = "1.2.3"\n',
        "package-lock.json": "{}",
        "appliance/__init__.py": "",
        "appliance/__pycache__/x.pyc": "old",
        "webui/static/vendor/.stamp": "stamp",
        "requirements/base.lock": "a==1",
        "tests/test_x.py": "",
        "run/secret": "",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def pack(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run pack.py."""
    return subprocess.run([sys.executable, PACK, *map(str, arguments)], capture_output=True, text=True)


def test_the_same_tree_is_the_same_archive(tmp_path: Path) -> None:
    one = pack(source_tree(tmp_path / "one"), tmp_path / "out-1")
    other_tree = source_tree(tmp_path / "two")
    (other_tree / "appliance/__init__.py").touch()
    (other_tree / "run/other").write_text("x")
    two = pack(other_tree, tmp_path / "out-2")
    first, second = json.loads(one.stdout), json.loads(two.stdout)
    assert first["release"] == second["release"]
    assert re.fullmatch(r"1\.2\.3-[0-9a-f]{10}", first["release"])
    assert Path(first["archive"]).read_bytes() == Path(second["archive"]).read_bytes()
    listed = subprocess.run(["tar", "tzf", first["archive"]], capture_output=True, text=True).stdout.split()
    assert listed == [
        "appliance/__init__.py",
        "webui/static/vendor/.stamp",
        "requirements/base.lock",
        "package-lock.json",
        "pyproject.toml",
    ]


def test_another_tree_is_another_release(tmp_path: Path) -> None:
    tree = source_tree(tmp_path / "tree")
    first = json.loads(pack(tree, tmp_path / "out").stdout)["release"]
    (tree / "appliance/__init__.py").write_text("changed = True\n")
    assert json.loads(pack(tree, tmp_path / "out").stdout)["release"] != first


def test_wheels_go_along(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/a-1-py3-none-any.whl").write_text("wheel")
    packed = json.loads(pack(source_tree(tmp_path / "tree"), tmp_path / "out", tmp_path / "wheels").stdout)
    listed = subprocess.run(["tar", "tzf", packed["archive"]], capture_output=True, text=True).stdout.split()
    assert "wheels/a-1-py3-none-any.whl" in listed


def test_a_tree_without_the_consoles_files_is_refused(tmp_path: Path) -> None:
    tree = source_tree(tmp_path / "tree")
    (tree / "webui/static/vendor/.stamp").unlink()
    done = pack(tree, tmp_path / "out")
    assert done.returncode == 1
    assert "make demo" in done.stderr


def test_everything_that_the_program_reads_is_packed() -> None:
    parts = ast.literal_eval(re.search(r"^PARTS = (\(.*?^\))", PACK.read_text(encoding="utf-8"), re.M | re.S)[1])  # type: ignore[index]
    used = set()
    for folder in ("appliance", "webui"):
        for path in (PROJECT / folder).rglob("*.py"):
            used |= set(re.findall(r'(?:PROJECT_ROOT|SOURCE) / "([\w.-]+)"', path.read_text(encoding="utf-8")))
    assert used - {"run"} <= set(parts)
