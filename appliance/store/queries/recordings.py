"""Kept recordings and messages, and who had to do with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from appliance.domain import numbers
from appliance.domain.recording import Kind
from appliance.store.models import Call, Line, Recording, RecordingAccess
from appliance.store.queries.call_views import Place
from appliance.store.queries.calls import caller_matches
from appliance.store.queries.scope import Reader

KINDS = tuple(kind.value for kind in Kind)


@dataclass(frozen=True, slots=True)
class RecordingFilter:
    """Which recordings. Empty fields filter nothing; ``since`` is inclusive, ``until`` is not.

    :param caller: part of a caller's number.
    :param held: only those under a legal hold.
    """

    number: str = ""
    caller: str = ""
    kind: str = ""
    held: bool = False
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """A kept recording. ``file`` is relative to the recordings folder; ``line`` is who took the call."""

    id: int
    call_uuid: str
    account_id: str | None
    number: str
    caller: str
    line: str
    started_at: datetime
    kind: str
    file: str
    format: str
    channels: int
    bytes: int
    duration_ms: int
    sha256: str
    key_id: str
    made_at: datetime
    keep_until: datetime
    held_at: datetime | None
    held_by: str
    held_why: str
    deleted_at: datetime | None
    deleted_why: str
    fault: str

    @property
    def is_playable(self) -> bool:
        """Whether there is something to hear."""
        return self.deleted_at is None and not self.fault


@dataclass(frozen=True, slots=True)
class AccessRow:
    """What somebody did with a recording; ``recording_id`` None: with the switch's own file."""

    at: datetime
    operator: str
    address: str
    action: str
    call_uuid: str
    recording_id: int | None
    why: str


def count(reader: Reader, wanted: RecordingFilter) -> int:
    """How many a filter finds."""
    found = reader.row(select(func.count(Recording.id)).where(*_conditions(wanted)))
    return found[0] if found else 0


def page(
    reader: Reader, wanted: RecordingFilter, *, limit: int, offset: int = 0, after: Place | None = None
) -> Sequence[RecordingRow]:
    """Recordings of a filter, newest first: ``limit`` of them, from ``offset`` on or behind the place ``after``."""
    statement = _rows().where(*_conditions(wanted))
    if after is not None:
        same = and_(Recording.started_at == after.started_at, Recording.id < after.id)
        statement = statement.where(or_(Recording.started_at < after.started_at, same))
    statement = statement.order_by(Recording.started_at.desc(), Recording.id.desc()).limit(limit).offset(offset)
    return [_row(*found) for found in reader.rows(statement)]


def one(reader: Reader, recording_id: int) -> RecordingRow | None:
    """The recording of that id, deleted or not; None: there is none that this reader may see."""
    found = reader.row(_rows().where(Recording.id == recording_id))
    return _row(*found) if found else None


def of_call(reader: Reader, call_uuid: str) -> Sequence[RecordingRow]:
    """A call's recordings: the talk, then messages in their order."""
    statement = _rows().where(Recording.call_uuid == call_uuid).order_by(Recording.kind, Recording.source)
    return [_row(*found) for found in reader.rows(statement)]


def accesses(
    reader: Reader, *, recording_id: int | None = None, limit: int, offset: int = 0
) -> Sequence[AccessRow]:
    """Who had to do with a recording, or with any, the newest first."""
    which = () if recording_id is None else (RecordingAccess.recording_id == recording_id,)
    statement = (
        select(RecordingAccess)
        .where(*which)
        .order_by(RecordingAccess.at.desc(), RecordingAccess.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [
        AccessRow(row.at, row.operator, row.address, row.action, row.call_uuid, row.recording_id, row.why)
        for row in reader.scalars(statement)
    ]


def _rows() -> Select[Any, Any]:
    return (
        select(Recording, Line.name)
        .join_from(Recording, Call, Call.uuid == Recording.call_uuid, isouter=True)
        .join(Line, Line.id == Call.line_id, isouter=True)
    )


def _conditions(wanted: RecordingFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Recording.deleted_at.is_(None)]
    if wanted.number:
        conditions.append(Recording.number == numbers.compact(wanted.number))
    if wanted.caller:
        conditions.append(caller_matches(Recording.caller, wanted.caller))
    if wanted.kind:
        conditions.append(Recording.kind == wanted.kind)
    if wanted.held:
        conditions.append(Recording.held_at.is_not(None))
    if wanted.since is not None:
        conditions.append(Recording.started_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(Recording.started_at < wanted.until)
    return conditions


def _row(row: Recording, line: str | None) -> RecordingRow:
    fields = {name: getattr(row, name) for name in RecordingRow.__dataclass_fields__ if name != "line"}
    return RecordingRow(line=line or "", **fields)
