"""The form of a carrier's file: its encoding, what parts its cells, which column is what."""

from __future__ import annotations

import codecs
import csv
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from appliance.errors import RatingError
from appliance.rating.carrier.values import UNITS, clean

#: Our names of the columns that a bill may have. ``start`` may come in two, ``date`` and ``time``.
NAMES = ("caller", "called", "start", "date", "time", "seconds", "amount")
#: Longer lines are no lines of a bill.
LONGEST_LINE = 65_536
_HEAD_LINES = 20
_CHUNK = 1 << 20
_DELIMITERS = (",", "\t", ";", "|")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: What carriers call them, without blanks and without what stands in brackets.
_KNOWN = {
    "caller": "主叫 主叫号码 主叫用户 来电号码 calling callingnumber caller callernumber",
    "called": "被叫 被叫号码 被叫用户 400号码 落地号码 绑定号码 called callednumber callee",
    "start": "开始时间 起始时间 通话开始时间 呼叫开始时间 通话时间 通话起始时间 起始日期时间 start starttime",
    "date": "日期 通话日期 开始日期 起始日期 date",
    "time": "时间 开始时刻 起始时刻 time",
    "seconds": "时长 通话时长 计费时长 通话秒数 秒数 duration seconds billsec",
    "amount": "费用 金额 通话费 通话费用 话费 费用合计 amount fee charge cost",
}
_BY_NAME = {name: ours for ours, names in _KNOWN.items() for name in names.split()}
_BRACKETS = re.compile(r"[（(\[【](.*?)[）)\]】]")


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
    """How a file is read: ``places`` of our names, the bill's own ``headings``, the line of the header."""

    encoding: str
    delimiter: str
    places: Mapping[str, int]
    headings: tuple[str, ...]
    unit: int
    header_line: int


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
            codecs.lookup(mapped.encoding)
        except LookupError as error:
            raise RatingError(f"encoding: {mapped.encoding} is none") from error
    return mapped


def find_form(path: Path, mapped: Mapped) -> Form:
    """:raises RatingError: the file cannot be read, or its columns are not recognised."""
    encoding = _encoding(path, mapped.encoding)
    found: dict[str, int] = {}
    head: list[str] = []
    for line, text in lines(path, encoding):
        if text is not None and text.strip():
            head.append(text)
            for delimiter in _DELIMITERS:
                headings = tuple(clean(cell) for cell in cells(text, delimiter) or ())
                found = _places(headings, mapped)
                if not _missing(found):
                    return Form(encoding, delimiter, found, headings, _unit(headings, found, mapped), line)
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


def _places(headings: tuple[str, ...], mapped: Mapped) -> dict[str, int]:
    """Our names with their places: what is mapped before what is known, the first of two before the second."""
    found = {
        mapped.columns[one]: place for place, one in reversed(list(enumerate(headings))) if one in mapped.columns
    }
    if "start" in found or "date" in found:
        known = {name: ours for name, ours in _BY_NAME.items() if ours not in ("start", "date", "time")}
    else:
        known = _BY_NAME
    for place, heading in enumerate(headings):
        ours = known.get("".join(_BRACKETS.sub("", heading).split()).lower())
        if ours and heading not in mapped.columns:
            found.setdefault(ours, place)
    return found


def _missing(found: Mapping[str, int]) -> list[str]:
    missing = [name for name in ("called", "seconds") if name not in found]
    if "start" not in found and not {"date", "time"} <= found.keys():
        missing.append("start")
    return missing


def _unit(headings: tuple[str, ...], found: Mapping[str, int], mapped: Mapped) -> int:
    """As it is said; else by the heading (``金额(分)``); else yuan."""
    if mapped.unit:
        return UNITS[mapped.unit]
    heading = headings[found["amount"]] if "amount" in found else ""
    inside = _BRACKETS.search(heading)
    return UNITS["fen"] if inside is not None and inside[1].strip().lower() in ("分", "fen") else UNITS["yuan"]


def _no_header(path: Path, head: list[str], mapped: Mapped) -> RatingError:
    tried = [tuple(clean(cell) for cell in cells(text, ",") or ()) for text in head]
    best = min(tried, key=lambda one: len(_missing(_places(one, mapped))), default=())
    missing = ", ".join(_missing(_places(best, mapped)))
    named = ", ".join(best)[:300] or "nothing"
    return RatingError(
        f"{path}: no header in the first {_HEAD_LINES} lines; not recognised: {missing} (found: {named}). "
        "Say which column is what: --map HEADING=called"
    )
