"""The routing in memory: read in the background, kept when the database is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from appliance import bootstrap
from appliance.calls.routing import LatestRouting
from appliance.config import Settings
from appliance.domain.routing import RoutingTable
from appliance.errors import StoreError
from appliance.store.unit import Store
from tests.site.texts import DEMO, edited


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path)


def apply(settings: Settings, text: str) -> None:
    file = settings.state_dir / "site.yaml"
    file.write_text(text, encoding="utf-8")
    bootstrap.set_up_site(settings, file)


def test_there_is_none_before_the_first_look(settings: Settings) -> None:
    routing = LatestRouting(Store(settings.database_url), lambda table: None, bootstrap.utc_now)
    with pytest.raises(StoreError, match="no routing"):
        routing()
    with pytest.raises(StoreError):
        routing.refresh()


def test_a_change_counts_from_the_next_look(settings: Settings) -> None:
    told: list[RoutingTable] = []
    apply(settings, DEMO)
    routing = LatestRouting(Store(settings.database_url), told.append, bootstrap.utc_now)
    routing.refresh()
    before = routing()
    assert before.lines
    apply(settings, edited(('number: "02160000001"', 'number: "02160000009"')))
    assert routing() is before, "a call does not ask the database"
    routing.refresh()
    after = routing()
    assert after.revision > before.revision
    assert after.lines != before.lines
    routing.refresh()
    assert told == [before, after], "each table is told once"


class Flaky(Store):
    """A database that can be away."""

    away = False

    @contextmanager
    def reading(self) -> Iterator[Session]:
        if self.away:
            raise StoreError("away")
        with super().reading() as session:
            yield session


def test_calls_go_on_when_the_database_is_away(settings: Settings) -> None:
    apply(settings, DEMO)
    store = Flaky(settings.database_url)
    routing = LatestRouting(store, lambda table: None, bootstrap.utc_now)
    routing.refresh()
    table = routing()
    store.away = True
    with capture_logs() as log:
        for _ in range(3):
            routing.refresh()
            assert routing() is table
        store.away = False
        routing.refresh()
    assert [entry["event"] for entry in log] == [
        "database away, calls go on with the last routing",
        "database back",
    ]


def test_a_table_that_cannot_be_kept_counts_all_the_same(settings: Settings) -> None:
    """Handlers come up on a full disk; the fallback's copy follows when there is room."""
    apply(settings, DEMO)
    full, told = [True], []

    def keep(table: RoutingTable) -> None:
        if full[0]:
            raise StoreError("no space left")
        told.append(table)

    routing = LatestRouting(Store(settings.database_url), keep, bootstrap.utc_now)
    with capture_logs() as logs:
        routing.refresh()
        routing.refresh()
        assert routing().lines
        full[0] = False
        routing.refresh()
        routing.refresh()
    assert told == [routing()]
    assert [entry["event"] for entry in logs] == ["new routing not kept for the fallback"]
