"""Keeping recordings while its process is killed, and calls on a box without room."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from appliance.media.keep import keep_once, verify
from appliance.store import schema
from appliance.store.unit import Store
from appliance.testphone import LineScript, Phone
from tests.e2e.live import NUMBER, live_box
from tests.media.kept import RING, add_call, files, keeping, rows, talk, write
from tests.support.freeswitch import require_freeswitch

pytestmark = pytest.mark.accept


@pytest.mark.parametrize("step", ["encoded", "sealed", "renamed", "committed"])
def test_sigkill_at_each_step(tmp_path: Path, step: str) -> None:
    root, url = tmp_path / "recordings", f"sqlite:///{tmp_path}/appliance.db"
    schema.upgrade(url)
    store = Store(url)
    for serial in (1, 2, 3):
        add_call(store, serial)
        write(root, talk(serial))
    store.close()
    for _ in range(3):  # each run is killed at its next file
        child = os.fork()
        if child == 0:

            def die(at: str) -> None:
                if at == step:
                    os.kill(os.getpid(), signal.SIGKILL)

            keep_once(keeping(root, Store(url), keyring=RING, at=die))
            os._exit(0)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    with Store(url) as again:
        keep_once(keeping(root, again, keyring=RING))
        kept = rows(again)
    assert len(kept) == 3 and files(root) == {row.file for row in kept}
    for row in kept:
        verify(root / row.file, row.sha256)


@pytest.mark.parametrize("switch", ["miniswitch", pytest.param("freeswitch", marks=pytest.mark.freeswitch)])
async def test_calls_go_on_without_room(switch: str, tmp_path: Path) -> None:
    if switch == "freeswitch":
        require_freeswitch()
    with live_box(tmp_path, switch, disk_floor_mb=1 << 40, disk_warning_mb=1 << 40) as box:
        async with (
            Phone() as phone,
            Phone(port=box.port_a, on_invite=LineScript.answer(0.2, say=900.0)),
        ):
            call = await phone.dial(NUMBER, box.sip, caller="13711112222")
            await call.answered(10)
            await call.press("7")
            await call.hears(900, 10)
            await call.hangup()
        one = await asyncio.to_thread(box.stored_of, "13711112222")
        assert (one.row.outcome, one.unrecorded, one.row.recording) == ("answered", "no-room", "")
        assert not list(box.settings.recordings_dir.rglob("*.wav"))
        assert '"room": "none"' in box.parts.log("keeper")
