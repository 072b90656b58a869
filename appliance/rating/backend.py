"""Which form of rating files is used: in bulk on an engine, or call by call where that is not installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

Backend = Literal["duckdb", "postgres", "pyspark"]

#: Told what is being done, and how much of it: ``(what, done, of)``; ``of`` 0: nobody knows.
Progress = Callable[[str, int, int], None]

#: What bulk rating imports.
_NEEDED = ("duckdb", "ibis", "pyarrow")


class Rated(NamedTuple):
    """How many charges and rejects were written."""

    charges: int
    rejects: int


def untold(what: str, done: int, of: int) -> None:
    """Nobody wants to know."""


def in_bulk_installed() -> bool:
    """Whether the extra ``rating`` is."""
    return all(map(find_spec, _NEEDED))


def rate_files(
    plans: Path,
    cdrs: Path,
    charges: Path,
    rejects: Path,
    *,
    backend: Backend = "duckdb",
    url: str = "",
    progress: Progress = untold,
) -> Rated:
    """Rate ``cdrs`` by ``plans`` and write ``charges`` and ``rejects``: the same bytes whatever computes them.

    :param url: the database of ``postgres``, the master of ``pyspark`` (empty: this machine).
    :raises RatingError: one of the files to read is refused as a whole, a file cannot be read or written, or the
        engine is missing or fails; then nothing is written.
    """
    # They cost a second to load: who only asks what a command does shall not wait for it.
    if backend == "duckdb" and not in_bulk_installed():
        from appliance.rating import files

        progress("call by call, for the extra rating is not installed", 0, 0)
        rated = files.rate_files(plans, cdrs, charges, rejects)
        return Rated(len(rated.charges), len(rated.rejects))
    from appliance.errors import RatingError

    try:
        from appliance.rating.bulk import files as bulk
    except ImportError as error:
        raise RatingError(f"{backend} needs the extra rating, which is not installed here: {error}") from error
    return bulk.rate_files(plans, cdrs, charges, rejects, backend=backend, url=url, progress=progress)
