"""A disk that is really full, with all that a box keeps on it: calls go on, it is told of, nothing half-written is
left, and everything goes on by itself when there is room again.

The disk is a small one in memory, mounted for the test: needs the right to mount.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from appliance.config import Settings
from appliance.domain.recording import Room
from appliance.ops.health import Probes, read_health
from appliance.ops.state import State
from appliance.store.queries import Scope, calls, reading
from appliance.store.queries.call_views import CallDetail
from appliance.testphone import CallFailed, LineScript, OutgoingCall, Phone
from tests.e2e.live import LiveBox, live_box
from tests.support.freeswitch import require_freeswitch

pytestmark = [pytest.mark.accept, pytest.mark.timeout(300)]

MB = 1 << 20
SIZE_MB = 96
NUMBER, SELDOM = "4008001234", "4008001235"
SITE = f"""
version: 1
accounts: [{{id: acme, name: 测试企业}}]
trunks:
  - {{id: inbound, name: 来话, accept: ["127.0.0.1"]}}
  - {{id: out, name: 去话, proxy: "127.0.0.1:@A@", caller_id: pass}}
lines:
  - {{id: wide, account: acme, number: "02160000001", kind: landline, trunk: out, max_calls: 20}}
flows:
  - name: front
    account: acme
    start: ask
    nodes:
      ask: {{type: menu, prompt: tone-1750, keys: {{"1": ring}}, silence: ask, wrong: ask}}
      ring: {{type: ring, lines: [wide]}}
numbers:
  - {{number: "{NUMBER}", account: acme, flow: front, record_notice: false}}
  - number: "{SELDOM}"
    account: acme
    lines: [wide]
    record: "off"
    rules: {{caller_limit: {{calls: 1, minutes: 60}}}}
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no right to mount a disk here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture(params=["miniswitch", pytest.param("freeswitch", marks=pytest.mark.freeswitch)])
def box(request: pytest.FixtureRequest, disk: Path) -> Iterator[LiveBox]:
    if request.param == "freeswitch":
        require_freeswitch()
    with live_box(
        disk,
        request.param,
        site=SITE,
        lost_after_s=4,
        partial_cdr_s=1,
        disk_floor_mb=4,
        disk_warning_mb=8,
    ) as running:
        yield running


def fill(folder: Path) -> Path:
    """Take every byte there is."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for piece in (MB, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * piece) == piece:
                    pass
    assert psutil.disk_usage(str(folder)).free == 0
    return path


def nothing() -> None:
    """A part that is well."""


def health(settings: Settings) -> tuple[State, State, Room]:
    """The box, its disk, and the room for recordings."""
    found = read_health(settings, Probes(nothing, nothing, lambda: None))
    return found.state, found.disk.state, found.recordings.room


async def talk(box: LiveBox, phone: Phone, caller: str) -> OutgoingCall:
    call = await phone.dial(NUMBER, box.sip, caller=caller)
    await call.answered(10)
    await call.hears(1750, 5)
    await call.press("1")
    await call.hears(900, 8)
    return call


def all_stored(box: LiveBox, count: int, within_s: float = 40) -> dict[str, CallDetail]:
    deadline = time.monotonic() + within_s
    while True:
        with reading(box.store, Scope(None)) as reader:
            rows = calls.page(reader, calls.CallFilter(), limit=100)
            found = [one for row in rows if (one := calls.one(reader, row.uuid)) is not None]
        if len(found) >= count or time.monotonic() > deadline:
            assert len(found) == count, (sorted(one.row.caller for one in found), box.parts.log("collector"))
            return {one.row.caller: one for one in found}
        time.sleep(0.2)


async def test_a_full_disk(box: LiveBox, disk: Path) -> None:
    behave = LineScript.answer(0.1, say=900.0)
    async with Phone(port=box.port_a, on_invite=behave), Phone() as phone:
        await (await talk(box, phone, "13900000001")).hangup()
        long = await talk(box, phone, "13900000002")
        await asyncio.sleep(2.5)
        filler = fill(disk)
        await asyncio.sleep(2.5)  # the handlers have seen it
        assert await asyncio.to_thread(health, box.settings) == (State.BAD, State.BAD, Room.NONE)
        # Calls are taken, rules look back, a talk goes on.
        for caller in ("13900000003", "13900000004"):
            call = await talk(box, phone, caller)
            await asyncio.sleep(1)
            await call.hangup()
        once = await phone.dial(SELDOM, box.sip, caller="13900000005")
        await once.hears(900, 8)
        await once.hangup()
        twice = await phone.dial(SELDOM, box.sip, caller="13900000005")
        with pytest.raises(CallFailed) as failed:
            await twice.answered(15)
        assert failed.value.status == 603
        assert long.end is None
        await long.hangup()
        assert box.parts.dead() == []
        assert "disk-room" in box.parts.log("handlers")
        await asyncio.sleep(2)
        filler.unlink()
        await asyncio.sleep(2.5)
        await (await talk(box, phone, "13900000006")).hangup()
    found = await asyncio.to_thread(all_stored, box, 7)
    outcomes = {caller: one.row.outcome for caller, one in found.items()}
    print(outcomes)
    assert outcomes["13900000001"] == outcomes["13900000006"] == "answered"
    # What the switch had no room to write of is told of all the same, and not charged.
    assert set(outcomes.values()) <= {"answered", "abnormal", "refused:too-frequent"}
    assert all(found[one].row.joined_at for one in ("13900000001", "13900000002", "13900000006"))
    assert found["13900000003"].row.recording == found["13900000004"].row.recording == ""
    for caller in ("13900000001", "13900000006"):
        assert (await asyncio.to_thread(box.kept, found[caller].row.uuid)).fault == ""
    await asyncio.to_thread(box.kept, found["13900000002"].row.uuid)
    await asyncio.to_thread(assert_nothing_half_written, box)
    assert (await asyncio.to_thread(health, box.settings))[1:] == (State.GOOD, Room.PLENTY)
    assert box.usage("wide") == 0


def assert_nothing_half_written(box: LiveBox) -> None:
    """Neither in the spool, nor among the recordings, nor in the databases."""
    settings, deadline = box.settings, time.monotonic() + 20
    making = settings.recordings_dir / ".making"
    while left := [*settings.spool_dir.glob("*.cdr.json"), *settings.recordings_dir.rglob("*.wav")]:
        left = [path for path in left if path.parent.name != "aside"]
        if not left:
            break
        assert time.monotonic() < deadline, left
        time.sleep(0.3)
    assert not making.exists() or not list(making.iterdir())
    assert [path.name for path in settings.state_dir.glob(".*-*")] == []
    for file in (settings.journal_file, Path(settings.database_url.removeprefix("sqlite:///"))):
        with contextlib.closing(sqlite3.connect(file)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not file.with_name(f"{file.name}.broken").exists()
    assert settings.snapshot_file.read_text(encoding="utf-8").endswith("}\n")
