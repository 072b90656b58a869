"""An upgrade that cannot be, and what an older database is told."""

from __future__ import annotations

import sqlite3

import pytest

from appliance.errors import StoreError
from appliance.store import engine as engines
from appliance.store import schema
from tests.store.first_version import FIRST, columns, contents


def test_before_the_upgrade_it_is_said_to_be_older(old_url: str) -> None:
    with pytest.raises(StoreError, match=r"at version 0001, older than this program; run `appliance db upgrade`"):
        schema.check(old_url)


def test_a_second_upgrade_changes_nothing(old_url: str) -> None:
    schema.upgrade(old_url)
    now = columns(old_url)
    before = contents(old_url, now)
    head = schema.check(old_url)
    assert schema.upgrade(old_url) == (head, head)
    assert (columns(old_url), contents(old_url, now)) == (now, before)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_rows_that_refer_to_nothing_stop_the_upgrade(old_url: str) -> None:
    """SQLite does not mind them while tables are rebuilt: somebody may have meddled with the file."""
    meddled = sqlite3.connect(old_url.removeprefix("sqlite:///"))
    meddled.execute("UPDATE lines SET trunk_id = 'gone'")
    meddled.commit()
    meddled.close()
    first = columns(old_url)
    before = contents(old_url, first)
    with pytest.raises(StoreError, match="rows refer to what is not there; nothing was changed"):
        schema.upgrade(old_url)
    assert (columns(old_url), contents(old_url, first)) == (first, before)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_an_upgrade_without_room_leaves_the_old_database(old_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = engines._prepare

    def limited(connection: sqlite3.Connection, record: object) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA max_page_count = 1")

    first = columns(old_url)
    before = contents(old_url, first)
    with monkeypatch.context() as patch:
        patch.setattr(engines, "_prepare", limited)
        with pytest.raises(StoreError, match="is full; nothing was stored"):
            schema.upgrade(old_url)
    assert (columns(old_url), contents(old_url, first)) == (first, before)
    assert schema.upgrade(old_url)[0] == FIRST
    first["flows"].remove("published")
    assert contents(old_url, first) == {**before, "flows": contents(old_url, first)["flows"]}
