"""Each test here runs on both switches: the embedded one, and FreeSWITCH where there is one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.live import LiveBox, live_box
from tests.support.freeswitch import find_freeswitch, require_freeswitch

#: Modules of few, long cases, each of which needs a box of its own: on FreeSWITCH.
ON_FREESWITCH = frozenset(
    {
        "test_callbacks",
        "test_flow_words",
        "test_flows",
        "test_live_state",
        "test_load",
        "test_prompts",
        "test_reseller",
        "test_service",
    }
)
#: What a caller may send is told in two ways: each switch reads it by itself.
ON_BOTH = frozenset({"test_doctor", "test_hostile", "test_torture"})


@pytest.fixture(scope="module", params=["miniswitch", pytest.param("freeswitch", marks=pytest.mark.freeswitch)])
def switch(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "freeswitch":
        require_freeswitch()
    return name


@pytest.fixture(scope="package")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], LiveBox]]:
    """Gives the box on a switch: a start costs more than most of its tests."""
    running: dict[str, LiveBox] = {}
    with contextlib.ExitStack() as stack:

        def get(switch: str) -> LiveBox:
            if switch not in running:
                running[switch] = stack.enter_context(
                    live_box(tmp_path_factory.mktemp(switch), switch, media_timeout_s=3)
                )
            return running[switch]

        yield get


@pytest.fixture(scope="module")
def box(switch: str, boxes: Callable[[str], LiveBox]) -> LiveBox:
    """A box shared by the modules that name it (``tests/support/dealing.py``): a test looks only at its own calls
    (by their Call-ID or caller)."""
    return boxes(switch)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real calls take seconds: most cases run on one switch, and with ``make accept`` on the other one as well.
    Without FreeSWITCH all run on the embedded switch."""
    if not isinstance(find_freeswitch(), Path):
        return
    seen: dict[str, int] = {}
    for item in items:
        if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
            continue
        module = item.module.__name__.rpartition(".")[2]
        switch = item.callspec.params.get("switch")
        if switch is None:
            continue
        case = item.nodeid.replace(switch, "")
        place = seen.setdefault(case, len(seen))
        chosen = "freeswitch" if module in ON_FREESWITCH or place % 2 == 0 else "miniswitch"
        if switch != chosen and module not in ON_BOTH:
            item.add_marker(pytest.mark.accept)
