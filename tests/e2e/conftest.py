"""Each test here runs on both switches: the embedded one, and FreeSWITCH where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.live import LiveBox, live_box
from tests.support.freeswitch import find_freeswitch, require_freeswitch

#: Modules whose calls take long: on FreeSWITCH, and with ``make accept`` on the embedded switch as well.
ON_ONE = frozenset({"test_flow_words"})


@pytest.fixture(scope="module", params=["miniswitch", pytest.param("freeswitch", marks=pytest.mark.freeswitch)])
def switch(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "freeswitch":
        require_freeswitch()
    return name


@pytest.fixture(scope="module")
def box(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    """A box shared by the tests of a module: a test looks only at its own calls (by their Call-ID or caller)."""
    folder: Path = tmp_path_factory.mktemp(switch)
    with live_box(folder, switch, media_timeout_s=3) as running:
        yield running


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Scenarios by real calls take seconds: every one runs on one switch, in turns, and with ``make accept`` on
    the other one as well. Without FreeSWITCH all run on the embedded switch."""
    if not isinstance(find_freeswitch(), Path):
        return
    carried_out = 0
    seen: dict[str, int] = {}
    for item in items:
        if isinstance(item, pytest.Function) and item.module.__name__.rpartition(".")[2] in ON_ONE:
            if "miniswitch" in item.callspec.id:
                item.add_marker(pytest.mark.accept)
            continue
        if not isinstance(item, pytest.Function) or item.originalname != "test_a_real_call":
            continue
        switch, _, row = item.callspec.id.partition("-")
        place = seen.setdefault(row, carried_out)
        carried_out = len(seen)
        if (place % 2 == 0) != (switch == "freeswitch"):
            item.add_marker(pytest.mark.accept)
