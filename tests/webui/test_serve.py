"""The console as a process: one line, one port, no traces in the home folder."""

from __future__ import annotations

import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from pydantic import SecretStr

from appliance.config import Settings
from tests.support.process import Process
from webui import assets, serve

pytestmark = pytest.mark.skipif(
    not assets.is_current(), reason="the console's files are not installed: python -m webui.assets"
)


def environment(settings: Settings, home: Path) -> dict[str, str]:
    return {"APPLIANCE_STATE_DIR": str(settings.state_dir), "APPLIANCE_CONSOLE_PORT": "0", "HOME": str(home)}


def test_it_serves_until_it_is_told_to_stop(settings: Settings, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    code = "from appliance import config; from webui import serve; serve.main(config.load())"
    with Process([sys.executable, "-c", code], env=environment(settings, home)) as console:
        address = console.wait_for_line(r"^READY console (http://127\.0\.0\.1:[0-9]+)$", 60)[1]
        with urllib.request.urlopen(address + "/healthz", timeout=10) as answer:
            assert answer.read() == b"ok\n"
        with urllib.request.urlopen(address + "/", timeout=10) as answer:
            assert answer.url == address + "/sign-in?next=/"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(address + "/api/v1/calls", timeout=10)
        console.send_signal(signal.SIGTERM)
        assert console.wait(20) == 0
        assert console.output.splitlines() == [f"READY console {address}"]
    assert list(home.iterdir()) == []


def test_settings_reach_the_process_whole(tmp_path: Path) -> None:
    given = Settings(state_dir=tmp_path / "相对", console_port=1234, home_area_code="021")
    written = serve._as_environment(given.model_copy(update={"esl_password": SecretStr("not for the console")}))
    assert "not for the console" not in str(written)
    read = Settings(**{name.removeprefix("APPLIANCE_").lower(): value for name, value in written.items()})
    assert read == given


def test_settings_that_are_wrong_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "secret-key").mkdir()
    environment = {"APPLIANCE_STATE_DIR": str(tmp_path), "APPLIANCE_CONSOLE_PORT": "99999"}
    with Process([sys.executable, "-m", "webui"], env=environment) as console:
        assert console.wait(60) == 2
        assert "console_port" in console.output
        assert "Traceback" not in console.output
