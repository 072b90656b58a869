"""The scenarios' site, and empty databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from appliance.site import check
from appliance.site.apply import apply
from appliance.store import schema
from appliance.store.unit import Store
from tests.calls.scenarios import FOLDER
from tests.simulate.asked import NOW, PLANS, SINCE, SUBSCRIBED
from tests.support.databases import sqlite_database


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The scenarios' site, stored; with it a plan by time, one by call, and a price for mobiles alone."""
    url = sqlite_database(tmp_path_factory.mktemp("site") / "appliance.db")
    text = (FOLDER / "site.yaml").read_text(encoding="utf-8") + PLANS
    for number, plan in SUBSCRIBED.items():
        old = f'{{number: "{number}", '
        assert text.count(old) == 1
        text = text.replace(old, f'{old}subscriptions: [{{plan: {plan}, starts_at: "{SINCE}"}}], ')
    file = Path(url.removeprefix("sqlite:///")).parent / "site.yaml"
    file.write_text(text, encoding="utf-8")
    document = check.load(file, lambda account, name: Path(f"/prompts/{name}.wav"))
    with schema.opened(url) as store:
        apply(store, document, now=NOW)
        yield store


@pytest.fixture
def session(site: Store) -> Iterator[Session]:
    with site.reading() as reading:
        yield reading


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    with schema.opened(sqlite_database(tmp_path / "appliance.db")) as made:
        yield made
