"""One FreeSWITCH for the whole run; each test finds it without calls and with an empty spool."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.freeswitch_server import FreeSwitch

MEDIA_TIMEOUT_S = 2
MAX_CALL_S = 10


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeSwitch]:
    """FreeSWITCH with our configuration, short limits, and nobody at the handlers' port."""
    folder = tmp_path_factory.mktemp("freeswitch")
    with FreeSwitch(folder, media_timeout_s=MEDIA_TIMEOUT_S, max_call_s=MAX_CALL_S) as switch:
        yield switch


@pytest.fixture
def switch(running: FreeSwitch) -> Iterator[FreeSwitch]:
    """The switch, idle before and after the test."""
    running.settings.snapshot_file.unlink(missing_ok=True)
    for file in running.settings.spool_dir.iterdir():
        file.unlink()
    yield running
    wait_idle(running)


def wait_idle(switch: FreeSwitch, timeout_s: float = 15.0) -> None:
    """Wait until there is no leg left; a leg that stays fails the test."""
    deadline = time.monotonic() + timeout_s
    while switch.channels():
        assert time.monotonic() < deadline, switch.api("show channels")
        time.sleep(0.1)
