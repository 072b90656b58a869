"""Bulk rating from file to file: the same bytes as ``rating.files`` writes, for files of any size."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from appliance.domain.pricing import PriceBook
from appliance.errors import RatingError
from appliance.rating.backend import Backend, Progress, Rated, untold
from appliance.rating.bulk import expressions, tables
from appliance.rating.bulk.ahead import ahead
from appliance.rating.bulk.blocks import BLOCK, Lines, blocks
from appliance.rating.bulk.engines import Engine, opened
from appliance.rating.bulk.output import charge_lines, reject_lines
from appliance.rating.bulk.parse import CALLS, Malformed, parse
from appliance.rating.files import CHARGES, REJECTS, drafts, read_plans, refuse_one_for_another


def rate_files(
    plans: Path,
    cdrs: Path,
    charges: Path,
    rejects: Path,
    *,
    backend: Backend = "duckdb",
    url: str = "",
    progress: Progress = untold,
    block: int = BLOCK,
) -> Rated:
    """See ``rating.backend``. What does not fit into memory is in a folder beside ``charges`` until the end.

    :param block: bytes of the records that are read at once.
    """
    refuse_one_for_another(plans, cdrs, charges, rejects)
    book = read_plans(plans)
    with (
        _sought(cdrs) as file,
        drafts(charges, rejects) as (charges_draft, rejects_draft),
        _folder(charges.parent) as folder,
        closing(opened(backend, folder, url)) as engine,
    ):
        try:
            parts = rated(engine, file, book, progress, block)
        except RatingError as error:
            raise RatingError(f"{cdrs}: {error}") from error
        return Rated(
            _write(charges_draft, CHARGES, parts.charges, "charges", progress),
            _write(rejects_draft, REJECTS, parts.rejects, "rejects", progress),
        )


class Parts(NamedTuple):
    """The lines of both files, in pieces of so many; to be read one after the other."""

    charges: Iterable[tuple[int, pa.Buffer]]
    rejects: Iterable[tuple[int, pa.Buffer]]


def rated(engine: Engine, file: BinaryIO, book: PriceBook, progress: Progress, block: int = BLOCK) -> Parts:
    """Rate a file of records on an engine: expression, totals of the months, fold, expression.

    :raises RatingError: the records do not have exactly the columns, or the engine fails.
    """
    laid_out = tables.lay_out(book)
    malformed: list[Malformed] = []
    size = file.seek(0, 2)
    read = _read(blocks(file, block), size, malformed, progress)
    engine.load("calls", pa.RecordBatchReader.from_batches(CALLS, read))
    for name in ("subscriptions", "prices", "rates"):
        engine.load(name, getattr(laid_out, name).to_reader())
    progress("prices", 0, 0)
    rules = _rules(engine.dialect)
    engine.keep("assessed", rules.assessed)
    engine.drop("calls")
    progress("included units", 0, 0)
    totals = (
        (row["subscription"], row["month"], int(row["units"]))
        for batch in engine.read(rules.totals)
        for row in batch.to_pylist()
    )
    engine.load("cover", tables.cover(laid_out, book.plans, totals).to_reader())
    return Parts(
        charge_lines(engine.read(rules.charges), laid_out),
        reject_lines(engine.read(rules.refused), _in_order(malformed)),
    )


class _Rules(NamedTuple):
    """The expressions over tables of these names: ``calls``, the book's, ``assessed`` and ``cover``."""

    assessed: ir.Table
    totals: ir.Table
    charges: ir.Table
    refused: ir.Table


@cache
def _rules(dialect: str) -> _Rules:
    found = expressions.assess(
        _table("calls", CALLS), _table("subscriptions", tables.SUBSCRIPTIONS), _table("prices", tables.PRICES)
    )
    assessed = ibis.table(found.schema(), name="assessed")
    cover, rates = _table("cover", tables.COVER), _table("rates", tables.RATES)
    return _Rules(
        assessed=found,
        totals=expressions.month_totals(assessed, dialect),
        charges=expressions.charge(assessed, cover, rates, dialect),
        refused=expressions.refused(assessed),
    )


def _table(name: str, schema: pa.Schema) -> ir.Table:
    return ibis.table(ibis.Schema.from_pyarrow(schema), name=name)


def _read(
    found: Iterator[Lines], size: int, malformed: list[Malformed], progress: Progress
) -> Iterator[pa.RecordBatch]:
    """The good rows of a file; the others are put on the list."""
    for lines, (batch, bad) in ahead(found, parse):
        malformed.append(bad)
        progress("records", min(lines.read, size), size)
        yield batch


def _in_order(malformed: list[Malformed]) -> Malformed:
    lines = np.concatenate([np.empty(0, np.int64), *(each.lines for each in malformed)])
    reasons = np.concatenate([np.empty(0, np.int8), *(each.reasons for each in malformed)])
    order = np.argsort(lines)
    return Malformed(lines[order], reasons[order])


def _write(
    draft: Path, header: tuple[str, ...], parts: Iterable[tuple[int, pa.Buffer]], what: str, progress: Progress
) -> int:
    written = 0
    with draft.open("wb") as out:
        out.write((",".join(header) + "\n").encode())
        for count, text in parts:
            out.write(text)
            written += count
            progress(what, written, 0)
    return written


@contextmanager
def _sought(path: Path) -> Iterator[BinaryIO]:
    """A file to read; what comes through a pipe is put into one first.

    :raises RatingError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            if file.seekable():
                yield file
                return
            with tempfile.TemporaryFile() as copy:
                shutil.copyfileobj(file, copy)
                yield copy
    except OSError as error:
        raise RatingError(f"{error.filename or path}: {error.strerror}") from error


@contextmanager
def _folder(beside: Path) -> Iterator[Path]:
    """A folder that is gone at the end, on the disk that the charges are to be on."""
    with tempfile.TemporaryDirectory(prefix=".rating-", dir=beside, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
