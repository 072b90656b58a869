"""Journals of a test's own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance.store import journal_file as module
from appliance.store.journal import Journal


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journals(file: Path) -> Iterator[Callable[..., Journal]]:
    """Makes journals, all on one file unless another is named; closed in the end."""
    with contextlib.ExitStack() as opened:

        def make(where: Path = file, **options: bool) -> Journal:
            made = Journal(where, **options)
            opened.callback(made.close)
            return made

        yield make


@pytest.fixture
def journal(journals: Callable[..., Journal]) -> Journal:
    return journals()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic clock by which a journal waits before it tries again; stands still until it is set."""
    made = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made
