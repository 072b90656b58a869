"""Senders that are killed in the midst of their work: nothing is lost, and hardly anything comes twice."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.http.server import http_server
from tests.notify.sending import SendingBox, received, site

pytestmark = [pytest.mark.accept, pytest.mark.timeout(600)]
KILLS, HOOKS, EACH = 6, 4, 25


def test_no_message_is_lost_when_senders_are_killed(tmp_path: Path) -> None:
    names = {f"h{hook}": [f"{hook}-{number:03}" for number in range(EACH)] for hook in range(HOOKS)}
    with http_server() as server:
        # Each answer takes a while, so that kills find messages under way.
        server.delay_s = 0.2
        server.answers |= {f"/{hook}": (200, {}) for hook in names}
        box = SendingBox(tmp_path / "state")
        box.apply(site({hook: server.url(f"/{hook}") for hook in names}))
        for hook, messages in names.items():
            box.put(messages, hook)
        for _ in range(KILLS):
            with box.sender() as sender:
                time.sleep(0.7)
                os.kill(sender.pid, signal.SIGKILL)
        with box.sender():
            deadline = time.monotonic() + 300
            while sum(len(set(received(server, f"/{hook}"))) for hook in names) < HOOKS * EACH:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            time.sleep(2)
        for hook, messages in names.items():
            came = received(server, f"/{hook}")
            assert list(dict.fromkeys(came)) == messages, "all of them, in their order"
            assert len(came) - len(messages) <= KILLS, "only what was under way at a kill came twice"
