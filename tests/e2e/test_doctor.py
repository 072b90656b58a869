"""``appliance doctor`` on a running box."""

from __future__ import annotations

import subprocess
import sys

from tests.e2e.live import LiveBox


def test_a_running_box_passes(box: LiveBox) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "appliance", "doctor"],
        capture_output=True,
        text=True,
        env={"APPLIANCE_CONFIG": str(box.settings.state_dir / "appliance.toml"), "PATH": "/usr/bin:/bin"},
        timeout=30,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "BAD" not in result.stdout
