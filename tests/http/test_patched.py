"""The client keeps its promises where gevent has replaced the sockets: encrypted, dripping, hanging."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_client_in_a_process_as_the_handlers_is() -> None:
    chosen = "encrypted or certificate or handshake or drips or hang or rebinding or looked_up_once or whole"
    done = subprocess.run(
        [sys.executable, "-m", "tests.http.patched", chosen],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.rsplit(" passed", 1)[0].split()[-1]) >= 10, done.stdout
