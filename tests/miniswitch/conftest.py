"""One embedded switch for a test file, with handlers and phones of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.miniswitch.harness import Handlers, SwitchProcess
from tests.miniswitch.sip_phone import Phone


@pytest.fixture(scope="module")
def handlers() -> Iterator[Handlers]:
    """Where the switch finds its handlers."""
    found = Handlers()
    yield found
    found.close()


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory, handlers: Handlers) -> Iterator[SwitchProcess]:
    """A running switch."""
    process = SwitchProcess(tmp_path_factory.mktemp("switch"), handlers)
    yield process
    process.kill()


@pytest.fixture
def phone() -> Iterator[Callable[..., Phone]]:
    """Makes phones, and closes them after the test."""
    made: list[Phone] = []

    def make(**arguments: object) -> Phone:
        made.append(Phone(**arguments))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def caller(phone: Callable[..., Phone]) -> Phone:
    """The caller's phone."""
    return phone()


@pytest.fixture
def line(phone: Callable[..., Phone]) -> Phone:
    """A bound line."""
    return phone()
