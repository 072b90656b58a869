"""Rating from file to file: a price book and call records in, charges and rejects out.

A plain loop over the rules, call by call. It is the definition that ``rating.bulk`` is held equal to, and what is
used where that is not installed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from appliance.domain import grants, money
from appliance.domain.pricing import Assessment, Charge, MeteredCall, PriceBook, Subscription, Unratable, assess
from appliance.errors import RatingError
from appliance.rating.book import read_book
from appliance.rating.records import Reject, read_records

T = TypeVar("T")

#: The columns of the two files that are written.
CHARGES = (
    "call_id",
    "number",
    "plan",
    "price_from",
    "metered_seconds",
    "billable_units",
    "included_units",
    "charged_units",
    "amount_yuan",
    "reason",
)
REJECTS = ("line", "call_id", "reason")


@dataclass(frozen=True, slots=True)
class Rated:
    """Charges in the order of ``call_id``, rejects in the order of their lines."""

    charges: list[tuple[MeteredCall, Charge]]
    rejects: list[Reject]


def rate_files(plans: Path, cdrs: Path, charges: Path, rejects: Path) -> Rated:
    """Rate ``cdrs`` by ``plans`` and write ``charges`` and ``rejects``.

    :raises RatingError: a file would be written in another's place, one of the files to read is refused as a whole,
        or a file cannot be read or written; then nothing is written.
    """
    refuse_one_for_another(plans, cdrs, charges, rejects)
    book = read_plans(plans)
    # A byte that is no UTF-8 spoils the row it stands in, where it matters, and not the file.
    rated = _named(cdrs, lambda text: rate(text, book), "surrogateescape")
    texts = {
        charges: _csv(CHARGES, (_charge_cells(call, charge) for call, charge in rated.charges)),
        rejects: _csv(REJECTS, ((str(each.line), each.call_id, each.reason) for each in rated.rejects)),
    }
    with drafts(*texts) as places:
        for place, text in zip(places, texts.values(), strict=True):
            place.write_bytes(text.encode("utf-8"))
    return rated


def refuse_one_for_another(plans: Path, cdrs: Path, charges: Path, rejects: Path) -> None:
    """Two names of one file, also by way of a link: one would be gone where the other is put.

    :raises RatingError: a file to be written is another one, too.
    """
    named = {"plans": plans, "cdrs": cdrs, "charges": charges, "rejects": rejects}
    real = {name: os.path.realpath(path) for name, path in named.items()}
    for written in ("charges", "rejects"):
        for name in named:
            if name != written and real[name] == real[written]:
                raise RatingError(f"{named[written]}: {written} and {name} are one file")


def read_plans(plans: Path) -> PriceBook:
    """Read a price book from a file.

    :raises RatingError: it cannot be read, or is refused.
    """
    return _named(plans, read_book, "strict")


def rate(records: str, book: PriceBook) -> Rated:
    """Rate call records (CSV) by a book.

    :raises RatingError: the records do not have exactly the columns.
    """
    good, rejects = read_records(records)
    called: dict[Subscription, list[tuple[MeteredCall, Assessment]]] = {}
    for line, call in good:
        assessed = assess(call, book)
        if isinstance(assessed, Unratable):
            rejects.append(Reject(line, call.call_id, assessed.reason))
        else:
            called.setdefault(assessed.subscription, []).append((call, assessed))
    charged = [pair for calls in called.values() for pair in grants.charges(calls)]
    charged.sort(key=lambda pair: pair[0].call_id)
    rejects.sort(key=lambda reject: reject.line)
    return Rated(charged, rejects)


def _charge_cells(call: MeteredCall, charge: Charge) -> tuple[str, ...]:
    return (
        call.call_id,
        call.number,
        charge.plan,
        charge.price_from,
        str(charge.metered_seconds),
        str(charge.billable_units),
        str(charge.included_units),
        str(charge.charged_units),
        money.format(charge.amount),
        charge.reason,
    )


def _csv(header: tuple[str, ...], cells: Iterable[tuple[str, ...]]) -> str:
    lines = [",".join(header), *(",".join(map(cell, row)) for row in cells)]
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """A cell, quoted only where CSV needs it (RFC 4180)."""
    if any(mark in text for mark in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _named(path: Path, read: Callable[[str], T], errors: str) -> T:
    """``read`` the text of a file; what is wrong with it names the file."""
    try:
        return read(path.read_bytes().decode("utf-8", errors))
    except OSError as error:
        raise RatingError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RatingError(f"{path}: not UTF-8 at byte {error.start}") from error
    except RatingError as error:
        raise RatingError(f"{path}: {error}") from error


@contextlib.contextmanager
def drafts(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Places to write files to that are put where they belong when all of them are whole, or not at all.

    :raises RatingError: a file cannot be written.
    """
    places = tuple(path.with_name(f".{path.name}.{os.getpid()}") for path in paths)
    try:
        yield places
        for path, place in zip(paths, places, strict=True):
            place.replace(path)
    except OSError as error:
        named = error.filename or ", ".join(map(str, paths))
        raise RatingError(f"cannot write {named}: {error.strerror}") from error
    finally:
        for place in places:
            with contextlib.suppress(OSError):
                place.unlink()
