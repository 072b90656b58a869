"""FreeSWITCH asks trunks whether they are there."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.calls.trunks import TrunkWatch
from appliance.domain.routing import RoutingTable, Trunk
from appliance.errors import SwitchGone
from appliance.site.switchparts import Gateway
from appliance.store.journal import Journal
from appliance.testphone import Phone
from tests.support.freeswitch_server import FreeSwitch

pytestmark = pytest.mark.freeswitch


def table(*trunks: str) -> RoutingTable:
    return RoutingTable(1, tuple(Trunk(name, (), "127.0.0.1:9", ping_seconds=5) for name in trunks), {}, {})


def watch(switch: FreeSwitch, journal: Journal, *trunks: str) -> TrunkWatch:
    @contextlib.contextmanager
    def opened() -> Iterator[Callable[[str], str]]:
        yield switch.api

    return TrunkWatch(opened, lambda: table(*trunks), journal, lambda: datetime.now(UTC))


async def until(watching: TrunkWatch, trunk: str, down: bool, within_s: float = 30.0) -> None:
    began = time.monotonic()
    while watching.is_down(trunk) is not down:
        assert time.monotonic() - began < within_s, f"{trunk} is not {'down' if down else 'up'}"
        await asyncio.sleep(0.3)
        await asyncio.to_thread(watching.look)


async def test_a_trunk_goes_down_and_comes_up_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    async with Phone() as carrier:
        port = carrier.port
        gateways = [Gateway("carrier", f"127.0.0.1:{port}", 5), Gateway("dead", "127.0.0.1:9", 5)]
        with FreeSwitch(tmp_path, gateways=gateways) as switch:
            watching = watch(switch, journal, "carrier", "dead", "not-rendered-yet")
            with capture_logs() as log:
                await until(watching, "dead", True)
                assert not watching.is_down("carrier")
                assert [entry["trunk"] for entry in log if entry["event"] == "trunk down"] == ["dead"]
                await asyncio.to_thread(carrier.endpoint.close)
                await until(watching, "carrier", True)
                assert not journal.trunks()["carrier"].up
                async with Phone(port=port):
                    await until(watching, "carrier", False)
                assert [entry["event"] for entry in log if entry.get("trunk") == "carrier"] == [
                    "trunk down",
                    "trunk up",
                ]
            # Handlers that come up anew know at once, and one that is not asked any more is forgotten.
            again = watch(switch, journal, "carrier")
            assert again.is_down("dead")
            again.look()
            assert set(journal.trunks()) == {"carrier"} and not again.is_down("dead")
            assert not watching.is_down("not-rendered-yet")


def test_a_switch_that_is_away_changes_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.trunk_is("a", False, datetime.now(UTC))

    @contextlib.contextmanager
    def gone() -> Iterator[Callable[[str], str]]:
        raise SwitchGone("nobody listens")
        yield

    watching = TrunkWatch(gone, lambda: table("a"), journal, lambda: datetime.now(UTC))
    watching.look()
    assert watching.is_down("a")
