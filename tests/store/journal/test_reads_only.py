"""For whoever only asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.domain.hunt import LineUse, Uses
from appliance.store.journal import KEEP, Journal
from tests.store.journal.told import (
    DAY,
    FAMILIAR,
    MINUTE,
    NOW,
    call,
    count,
    rung,
    taken,
    talk,
    uses,
)


def everything(journal: Journal) -> None:
    journal.call_started(call("x"))
    journal.line_rung("h", ["x"], NOW)
    journal.talked([talk("x", "x")])
    journal.trunk_is("x", True, NOW)
    journal.forget(NOW + 2 * KEEP)
    journal.flush()


def test_who_only_asks_makes_no_file(tmp_path: Path) -> None:
    for file in (tmp_path / "journal.db", tmp_path / "none" / "journal.db"):
        journal = Journal(file, reads_only=True)
        everything(journal)
        assert count(journal) == 0 and uses(journal, FAMILIAR, "a") == Uses({"a": LineUse()}, "")
        journal.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("beside_a_writer", [True, False])
def test_who_only_asks_sees_everything_and_writes_nothing(file: Path, beside_a_writer: bool) -> None:
    writing = Journal(file)
    writing.call_started(call("1"))
    writing.talked([talk("1")])
    if not beside_a_writer:
        writing.close()
    content, there = file.read_bytes(), sorted(file.parent.iterdir())
    asking = Journal(file, reads_only=True)
    assert count(asking) == 1 and taken(asking, "a", NOW) == (1, 1)
    everything(asking)
    assert count(asking) == 1 and rung(asking) == []
    asking.close()
    assert file.read_bytes() == content and sorted(file.parent.iterdir()) == there
    if beside_a_writer:
        assert count(writing) == 1
        writing.close()


def test_who_only_asks_leaves_a_broken_file_alone(file: Path) -> None:
    file.write_bytes(b"no database " * 400)
    asking = Journal(file, reads_only=True)
    with capture_logs() as logs:
        assert count(asking) == 0
    assert [entry["event"] for entry in logs] == ["journal cannot be used, goes on in memory"]
    asking.close()
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_what_came_later_is_of_no_matter_to_a_question_about_the_past(journal: Journal) -> None:
    """``appliance route explain --at`` of yesterday: a line's calls of today are not yesterday's."""
    journal.talked([talk("1", "a", NOW), talk("2", "a", NOW + 2 * MINUTE)])
    assert taken(journal, "a", NOW - DAY) == (0, 0)
