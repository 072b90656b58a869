"""The switches that the contract is held to, each started once a test run."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from appliance.switch.client import Client
from appliance.testphone.tones import tone
from tests.contract.worlds import PROMPTS, FakeWorld, Surroundings, SwitchWorld, World
from tests.support.audio import write_wav
from tests.support.freeswitch_server import PASSWORD, FreeSwitch
from tests.support.ports import HOST, free_rtp_range, free_tcp_port, free_udp_port
from tests.support.process import Process

EMBEDDED = "embedded"
FREESWITCH = pytest.param("freeswitch", marks=pytest.mark.freeswitch)
_ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def handlers(port: int, folder: Path) -> Iterator[int]:
    """The handlers' process; its control port."""
    args = [sys.executable, "-m", "tests.contract.handler_process", str(port)]
    with Process([*args, folder / "prompts", folder / "recordings"], cwd=_ROOT) as process:
        yield int(process.wait_for_line(r"^control (\d+)$")[1])


@contextlib.contextmanager
def freeswitch(folder: Path) -> Iterator[Surroundings]:
    """The real one; skips where it is missing."""
    state = folder / "freeswitch"
    state.mkdir()
    port = free_tcp_port()
    low, high = free_rtp_range(40)
    with (
        FreeSwitch(state, handlers_port=port, rtp_port_min=low, rtp_port_max=high) as switch,
        handlers(port, folder) as control,
    ):
        yield Surroundings(
            name="freeswitch",
            sip=switch.sip_address,
            prompts=folder / "prompts",
            recordings=folder / "recordings",
            spool=switch.settings.spool_dir,
            control_port=control,
            api=switch.api,
        )


@contextlib.contextmanager
def embedded(folder: Path) -> Iterator[Surroundings]:
    """The embedded switch. It is ours: one that cannot be run fails the tests, it skips none."""
    port, esl, sip = free_tcp_port(), free_tcp_port(), free_udp_port()
    (folder / "spool").mkdir()
    settings = {
        "sip_host": HOST,
        "sip_port": sip,
        "rtp_port_range": list(free_rtp_range(40)),
        "accept": ["127.0.0.1"],
        "esl_host": HOST,
        "esl_port": esl,
        "esl_password": PASSWORD,
        "handlers": f"{HOST}:{port}",
        "spool_dir": str(folder / "spool"),
        "recordings_dir": str(folder / "recordings"),
        "music_file": "tone_stream://%(1000,0,500);loops=-1",
        "apology_file": "silence_stream://100",
        "log_file": str(folder / "log"),
    }
    file = folder / "miniswitch.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    with (
        Process([sys.executable, "-m", "appliance.miniswitch", "--config", file], cwd=_ROOT) as process,
        handlers(port, folder) as control,
    ):
        process.wait_for_port(esl)

        def api(command: str) -> str:
            """Over a connection of its own, as FreeSwitch.api."""
            with Client(HOST, esl, PASSWORD) as client:
                answer: str = client.api(command)
                return answer

        yield Surroundings(
            name="embedded",
            sip=(HOST, sip),
            prompts=folder / "prompts",
            recordings=folder / "recordings",
            spool=folder / "spool",
            control_port=control,
            api=api,
        )


Switches = Callable[[str], Surroundings]


@pytest.fixture(scope="session")
def switches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switches]:
    """Gives a switch by name: started when the first test asks for it, stopped at the end of the run."""
    running: dict[str, Surroundings] = {}
    with contextlib.ExitStack() as stack:

        def get(name: str) -> Surroundings:
            if name not in running:
                folder = tmp_path_factory.mktemp(name)
                for leaf in ("prompts", "recordings"):
                    (folder / leaf).mkdir()
                for prompt, (hz, seconds) in PROMPTS.items():
                    write_wav(folder / "prompts" / f"{prompt}.wav", tone(hz, seconds))
                start = {"freeswitch": freeswitch, "embedded": embedded}[name]
                running[name] = stack.enter_context(start(folder))
            return running[name]

        yield get


@pytest.fixture(params=[EMBEDDED, FREESWITCH])
async def real(request: pytest.FixtureRequest, switches: Switches) -> AsyncIterator[SwitchWorld]:
    """Phones on a switch."""
    async with SwitchWorld(switches(request.param)) as world:
        yield world


@pytest.fixture(params=["fake", EMBEDDED, FREESWITCH])
async def world(request: pytest.FixtureRequest, switches: Switches) -> AsyncIterator[World]:
    """Phones on a switch, or the fake: for what holds without sound."""
    if request.param == "fake":
        yield FakeWorld()
        return
    async with SwitchWorld(switches(request.param)) as world:
        yield world
