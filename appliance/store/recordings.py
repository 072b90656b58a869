"""Kept recordings: written by the keeper, held and deleted by people, each access noted with what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from appliance.domain.recording import RETENTION_DAYS
from appliance.errors import MediaError
from appliance.store.models import Call, Number, Recording, RecordingAccess

#: Who deletes what is past its retention.
KEEPER = "appliance"
LONGEST_WHY = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that was kept, or could not be (``fault``). Fields are those of the table."""

    source: str
    kind: str
    file: str
    format: str
    channels: int
    bytes: int
    duration_ms: int
    sha256: str
    key_id: str
    made_at: datetime
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Who:
    """Who has to do with a recording: a login and the address it comes from (empty: this box), and whose
    recordings that operator may touch (None: every account's)."""

    operator: str
    address: str = ""
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class KnownCall:
    """A stored call, as far as a recording wants to know. ``messages`` and ``recording`` are the names that it
    speaks of."""

    uuid: str
    messages: frozenset[str]
    recording: str = ""


def call_of(session: Session, uuid: str) -> KnownCall | None:
    """The call of that UUID, once it is stored."""
    noted = session.execute(select(Call.messages, Call.recording).where(Call.uuid == uuid)).one_or_none()
    if noted is None:
        return None
    return KnownCall(uuid, frozenset(filter(None, noted.messages.split(";"))), noted.recording)


def stored_until(session: Session) -> datetime | None:
    """When the last call that is stored began; None: none is stored."""
    return session.scalar(select(func.max(Call.started_at)))


def kept_file(session: Session, source: str) -> str | None:
    """The file that was made of that source; None: it was not kept yet."""
    return session.scalar(select(Recording.file).where(Recording.source == source))


def add(session: Session, call_uuid: str, kept: Kept) -> None:
    """Note a kept file with its call, once for each source; a second time what is kept now is noted."""
    call = session.scalars(select(Call).where(Call.uuid == call_uuid)).one()
    days = session.scalar(select(Number.retention_days).where(Number.number == call.number)) or RETENTION_DAYS
    row = session.scalar(select(Recording).where(Recording.source == kept.source))
    if row is None:
        row = Recording(source=kept.source, call_uuid=call.uuid)
        session.add(row)
    row.account_id, row.number, row.caller, row.started_at = (
        call.account_id,
        call.number,
        call.caller,
        call.started_at,
    )
    row.keep_until = call.started_at + timedelta(days=days)
    for name, value in asdict(kept).items():
        setattr(row, name, value)


def expired(session: Session, now: datetime, most: int) -> Sequence[int]:
    """Ids of those past their retention that nobody holds, the oldest first."""
    free = (Recording.keep_until <= now, Recording.held_at.is_(None), Recording.deleted_at.is_(None))
    statement = select(Recording.id).where(*free).order_by(Recording.keep_until, Recording.id).limit(most)
    return session.scalars(statement).all()


def delete(session: Session, recording_id: int, why: str, now: datetime) -> str | None:
    """Note that one past its retention is deleted; its file, which the caller removes before the commit. None:
    somebody holds it by now, or it is gone."""
    row = session.scalar(select(Recording).where(Recording.id == recording_id).with_for_update())
    if row is None or row.held_at is not None or row.deleted_at is not None or row.keep_until > now:
        return None
    row.deleted_at, row.deleted_why = now, why
    _note(session, row, Who(KEEPER), "delete", why, now)
    return row.file


def hold(session: Session, recording_id: int, who: Who, why: str, now: datetime) -> None:
    """Keep a recording whatever its retention; a second hold changes who and why.

    :raises MediaError: there is none that this operator may see, it is deleted, or no reason is given.
    """
    row = _touched(session, recording_id, who)
    if not why.strip():
        raise MediaError("a hold needs a reason")
    row.held_at, row.held_by, row.held_why = now, who.operator, why.strip()[:LONGEST_WHY]
    _note(session, row, who, "hold", row.held_why, now)


def release(session: Session, recording_id: int, who: Who, why: str, now: datetime) -> None:
    """End a hold: retention counts again.

    :raises MediaError: there is none that this operator may see, or nobody holds it.
    """
    row = _touched(session, recording_id, who)
    if row.held_at is None:
        raise MediaError(f"nobody holds recording {recording_id}")
    row.held_at, row.held_by, row.held_why = None, "", ""
    _note(session, row, who, "release", why.strip()[:LONGEST_WHY], now)


def note_access(session: Session, recording_id: int, who: Who, action: str, now: datetime) -> None:
    """Note that a recording is played, downloaded or exported. Parts that a player fetches of one play are one:
    they follow the play's row within the recording's length and a minute.

    :raises MediaError: there is none that this operator may see, or it is deleted.
    """
    row = _touched(session, recording_id, who)
    if action == "play":
        since = now - timedelta(milliseconds=row.duration_ms, minutes=1)
        one = (
            RecordingAccess.recording_id == recording_id,
            RecordingAccess.action == action,
            RecordingAccess.operator == who.operator,
            RecordingAccess.address == who.address,
            RecordingAccess.at > since,
        )
        if session.scalar(select(RecordingAccess.id).where(*one).limit(1)) is not None:
            return
    _note(session, row, who, action, "", now)


def note_unkept(session: Session, call_uuid: str, who: Who, action: str, now: datetime) -> None:
    """As ``note_access``, for the switch's own file of a call, which was not kept yet."""
    mine = () if who.account_id is None else (Call.account_id == who.account_id,)
    call = session.scalar(select(Call).where(Call.uuid == call_uuid, *mine))
    if call is None:
        raise MediaError(f"no such call: {call_uuid}")
    _note(session, call, who, action, "", now)


def damaged(session: Session) -> int:
    """How many could not be kept as they should."""
    statement = select(func.count(Recording.id)).where(Recording.fault != "", Recording.deleted_at.is_(None))
    return session.scalar(statement) or 0


def _touched(session: Session, recording_id: int, who: Who) -> Recording:
    conditions: list[ColumnElement[bool]] = [Recording.id == recording_id, Recording.deleted_at.is_(None)]
    if who.account_id is not None:
        conditions.append(Recording.account_id == who.account_id)
    row = session.scalar(select(Recording).where(*conditions).with_for_update())
    if row is None:
        raise MediaError(f"there is no recording {recording_id}")
    return row


def _note(session: Session, of: Recording | Call, who: Who, action: str, why: str, now: datetime) -> None:
    """A line of the record: of a recording, or of a call whose own is not kept yet."""
    session.add(
        RecordingAccess(
            at=now,
            operator=who.operator,
            address=who.address,
            action=action,
            call_uuid=of.call_uuid if isinstance(of, Recording) else of.uuid,
            recording_id=of.id if isinstance(of, Recording) else None,
            account_id=of.account_id,
            why=why,
        )
    )
