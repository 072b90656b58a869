"""The form of a carrier's file: its encoding, what parts its cells, which column is what."""

from __future__ import annotations

import codecs
import csv
import io
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from appliance.domain.cdr import clean as shown
from appliance.errors import RatingError
from appliance.rating.carrier.columns import NAMES, amount_unit, missing, places, seconds_unit
from appliance.rating.carrier.values import UNITS, clean

#: Longer lines are no lines of a bill.
LONGEST_LINE = 65_536
_HEAD_LINES = 20
_CHUNK = 1 << 20
_DELIMITERS = (",", "\t", ";", "|")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping file or the command line says of a bill's form; nothing: it is to be found out.

    :param columns: the bill's own heading → one of ``NAMES``.
    :param unit: ``yuan`` or ``fen``.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    encoding: str = ""


#: Nothing is said of the form.
UNSAID = Mapped()


class Form(NamedTuple):
    """How a file is read: ``places`` of our names, the bill's own ``headings``, the line of the header.

    ``unit``: millionths of a yuan that an amount counts in; ``seconds_unit``: seconds that a duration counts in.
    """

    encoding: str
    delimiter: str
    places: Mapping[str, int]
    headings: tuple[str, ...]
    unit: int
    header_line: int
    seconds_unit: int = 1


def read_mapping(text: str) -> Mapped:
    """Read a mapping file (TOML): ``[columns]`` with the bill's heading = our name, ``amount_unit``, ``encoding``.

    :raises RatingError: it is not that.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise RatingError(f"not TOML: {error}") from error
    columns, unit, encoding = (
        document.pop(name, kind) for name, kind in (("columns", {}), ("amount_unit", ""), ("encoding", ""))
    )
    if document:
        raise RatingError(f"{min(document)}: unknown field (columns, amount_unit, encoding)")
    if not isinstance(columns, dict) or not isinstance(unit, str) or not isinstance(encoding, str):
        raise RatingError("columns must be a table, amount_unit and encoding texts")
    return checked(Mapped({str(key): str(value) for key, value in columns.items()}, unit, encoding))


def checked(mapped: Mapped) -> Mapped:
    """:raises RatingError: it names a column, a unit or an encoding that there is not."""
    for heading, name in mapped.columns.items():
        if name not in NAMES:
            raise RatingError(f"{heading}: {name} is none of {', '.join(NAMES)}")
    if mapped.unit and mapped.unit not in UNITS:
        raise RatingError(f"amount_unit: {mapped.unit} is none of {', '.join(UNITS)}")
    if mapped.encoding:
        try:
            # It refuses what decodes no bytes to text as well: base64, rot13, zlib.
            io.TextIOWrapper(io.BytesIO(), mapped.encoding)
        except (LookupError, ValueError) as error:
            raise RatingError(f"encoding: {mapped.encoding} is no encoding of text") from error
    return mapped


def find_form(path: Path, mapped: Mapped, by_400: bool = False) -> Form:
    """How the file is read; ``by_400`` as ``columns.places``.

    :raises RatingError: the file cannot be read, or its columns or their units are not recognised.
    """
    encoding = _encoding(path, mapped.encoding)
    found: dict[str, int] = {}
    head: list[str] = []
    for line, text in lines(path, encoding):
        if text is not None and text.strip():
            head.append(text)
            for delimiter in _DELIMITERS:
                headings = tuple(clean(cell) for cell in cells(text, delimiter) or ())
                found = places(headings, mapped.columns, by_400)
                if not missing(found):
                    money = UNITS[mapped.unit] if mapped.unit else amount_unit(headings, found, mapped.columns)
                    time = seconds_unit(headings, found, mapped.columns)
                    return Form(encoding, delimiter, found, headings, money, line, time)
        if line >= _HEAD_LINES:
            break
    raise _no_header(path, head, mapped)


def lines(path: Path, encoding: str) -> Iterator[tuple[int, str | None]]:
    """Lines with their numbers, the first being 1; None for one that is longer than any bill's.

    :raises RatingError: the file cannot be read any further, or holds bytes that are none of its encoding.
    """
    number = 0
    try:
        with path.open(encoding=encoding, newline="\n") as stream:
            while text := stream.readline(LONGEST_LINE):
                number += 1
                if len(text) < LONGEST_LINE or text.endswith("\n"):
                    yield number, text.rstrip("\r\n")
                    continue
                while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith("\n"):
                    pass
                yield number, None
    except OSError as error:
        raise RatingError(f"{path}: {error.strerror}") from error
    except UnicodeError as error:
        raise RatingError(f"{path}: behind line {number}: not {encoding}: {error}") from error


def cells(text: str, delimiter: str) -> list[str] | None:
    """The cells of one line; None: its quotes do not close."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _encoding(path: Path, wanted: str) -> str:
    """UTF-8 and UTF-16 by their mark; else UTF-8 when all of it is, else GB18030, as China's carriers write."""
    if wanted:
        return wanted
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
            for mark, encoding in _MARKS:
                if start.startswith(mark):
                    return encoding
            stream.seek(0)
            decoder = codecs.getincrementaldecoder("utf-8")()
            try:
                while chunk := stream.read(_CHUNK):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return "gb18030"
    except OSError as error:
        raise RatingError(f"{path}: {error.strerror}") from error
    return "utf-8"


def _no_header(path: Path, head: list[str], mapped: Mapped) -> RatingError:
    tried = [tuple(clean(cell) for cell in cells(text, ",") or ()) for text in head]
    best = min(tried, key=lambda one: len(missing(places(one, mapped.columns))), default=())
    lacking = ", ".join(missing(places(best, mapped.columns)))
    named = shown(", ".join(best), 300) or "nothing"
    return RatingError(
        f"{path}: no header in the first {_HEAD_LINES} lines; not recognised: {lacking} (found: {named}). "
        "Say which column is what: --map HEADING=called"
    )
