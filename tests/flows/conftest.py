"""Fixtures of these tests."""

from __future__ import annotations

import pytest

from appliance.store.unit import Store
from tests.flows.publishing import apply_site
from tests.support.databases import *  # noqa: F403


@pytest.fixture
def site(store: Store) -> Store:
    """A database with ``publishing.SITE``."""
    apply_site(store)
    return store
