"""What the pages load from others: locked, allow-listed, fetched once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.config import PROJECT_ROOT
from appliance.errors import SettingsError
from webui import assets, serve

LOCK = json.loads((PROJECT_ROOT / "package-lock.json").read_text())


def test_the_lock_names_no_registry() -> None:
    for name, package in LOCK["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-"), name


def test_no_package_runs_a_script_when_it_is_installed() -> None:
    assert [name for name, package in LOCK["packages"].items() if package.get("hasInstallScript")] == []


def test_every_package_is_free_to_hand_on() -> None:
    licences = {package["license"] for name, package in LOCK["packages"].items() if name}
    assert licences <= {"MIT", "0BSD", "BSD-3-Clause", "ISC", "Apache-2.0"}


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "static" / "vendor"
    monkeypatch.setattr(assets, "VENDOR", folder)
    return folder


class Npm:
    """Installs files that look like the real ones."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, folder: Path) -> None:
        self.runs += 1
        assert (folder / "package-lock.json").exists()
        for name in (*assets.FILES, "left/behind.js"):
            file = folder / "node_modules" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("body{}\n/*# sourceMappingURL=x.map */")
        icons = folder / "node_modules" / "@tabler" / "icons" / "icons" / "outline"
        icons.mkdir(parents=True)
        for name in assets.ICONS:
            (icons / f"{name}.svg").write_text(
                '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h24v24H0z"/><path d="M1 1"/></svg>'
            )


def test_the_allow_list_is_copied_and_the_rest_is_gone(vendor: Path) -> None:
    assert assets.install(Npm())
    assert {file.name for file in vendor.iterdir()} == {*assets.FILES.values(), "icons.svg", ".stamp"}
    assert [entry.name for entry in vendor.parent.iterdir()] == ["vendor"]
    assert "sourceMappingURL" not in (vendor / "tabler.min.css").read_text()
    sprite = (vendor / "icons.svg").read_text()
    assert '<symbol id="user" viewBox="0 0 24 24"><path d="M1 1" /></symbol>' in sprite
    assert "M0 0h24" not in sprite


def test_a_second_run_does_nothing(vendor: Path) -> None:
    npm = Npm()
    assert [assets.install(npm), assets.install(npm)] == [True, False]
    assert npm.runs == 1


def test_another_lock_or_list_is_installed_anew(vendor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = Npm()
    assets.install(npm)
    monkeypatch.setattr(assets, "ICONS", assets.ICONS[:3])
    assert not assets.is_current()
    assert assets.install(npm)
    assert npm.runs == 2


def test_a_release_brings_its_files_and_no_lock(vendor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets.install(Npm())
    monkeypatch.setattr(assets, "_LOCK", vendor / "no-lock.json")
    assert assets.is_current()
    (vendor / ".stamp").unlink()
    assert not assets.is_current()


def test_a_failed_run_leaves_what_was_there(vendor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets.install(Npm())
    monkeypatch.setattr(assets, "ICONS", assets.ICONS[:3])

    def fails(_folder: Path) -> None:
        raise SettingsError("no network")

    with pytest.raises(SettingsError):
        assets.install(fails)
    assert (vendor / "htmx.min.js").exists()


def test_the_console_says_what_to_run_when_they_are_missing(vendor: Path) -> None:
    from appliance.config import Settings

    with pytest.raises(SettingsError, match=r"python -m webui\.assets"):
        serve.main(Settings())
