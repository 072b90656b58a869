"""Fixtures of these tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from appliance.store import schema
from appliance.store.unit import Store
from tests.store.first_version import FIRST, make_old
from tests.support.databases import *  # noqa: F403


def make_upgraded(url: str) -> None:
    make_old(url)
    assert schema.upgrade(url) == (FIRST, schema.check(url))


Copy = Callable[[Callable[[str], None]], str]


@pytest.fixture
def old_url(copy_of: Copy) -> str:
    """A database of the first version."""
    return copy_of(make_old)


@pytest.fixture
def upgraded(copy_of: Copy) -> Iterator[Store]:
    """One that was of the first version, upgraded."""
    with schema.opened(copy_of(make_upgraded)) as store:
        yield store
