"""Tasks of missed calls: derived from stored calls and from what people have said, each caller's anew whenever one
of his calls comes; closed by people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from appliance.domain.missed import Closing, MissedTask, Seen, tasks
from appliance.errors import RuleError
from appliance.store.models import Call, Task, TaskEvent

MISSED = "missed"
LONGEST_NOTE = 500
#: Number of PostgreSQL's advisory lock: one at a time writes tasks, collector or clerk.
_TURN = 0x3430305441534B53
_AT_ONCE = 500
#: What a call is seen by, in the order of ``Seen``.
_SEEN = (Call.uuid, Call.number, Call.started_at, Call.joined_at, Call.ended_at, Call.outcome)


def derive_tasks(session: Session, call_uuids: Collection[str]) -> None:
    """Bring the tasks up to date with these calls, stored now or again; calls of withheld numbers make none."""
    touched: dict[tuple[str, str], list[Seen]] = {}
    uuids = sorted(call_uuids)
    for start in range(0, len(uuids), _AT_ONCE):
        part = uuids[start : start + _AT_ONCE]
        rows = session.execute(
            select(*_SEEN, Call.account_id, Call.caller).where(
                Call.uuid.in_(part), Call.caller != "", Call.account_id.is_not(None)
            )
        )
        for row in rows:
            touched.setdefault((str(row.account_id), row.caller), []).append(_seen(row))
    if not touched:
        return
    _take_turn(session)
    known = _known(session, {caller for _, caller in touched})
    for (account, caller), calls in sorted(touched.items()):
        # Most calls are answered, of callers whom nobody has missed.
        if (account, caller) in known or any(call.is_missed for call in calls):
            _derive(session, account, caller, min(call.started_at for call in calls))


def derive_tasks_since(session: Session, since: datetime) -> None:
    """As ``derive_tasks``, for all calls that began since then."""
    derive_tasks(session, session.scalars(select(Call.uuid).where(Call.started_at >= since)).all())


def close_task(
    session: Session, task_id: int, *, operator: str, address: str, account: str | None, note: str, now: datetime
) -> None:
    """A clerk closes a task, and it is noted who, from where and why.

    :param account: whose tasks this operator may close; None: every account's.
    :raises RuleError: there is no open one that the operator may close, or no note is given.
    """
    _take_turn(session)
    mine = () if account is None else (Task.account_id == account,)
    task = session.scalar(select(Task).where(Task.id == task_id, Task.closed_at.is_(None), *mine))
    if task is None:
        raise RuleError(f"there is no open task {task_id}")
    if not note.strip():
        raise RuleError("closing a task needs a note")
    # What was missed up to now is settled, even if the clock has been set back meanwhile.
    at = max(now, task.last_at)
    session.add(
        TaskEvent(
            at=at,
            operator=operator,
            address=address,
            action="close",
            kind=task.kind,
            account_id=task.account_id,
            caller=task.caller,
            note=note.strip()[:LONGEST_NOTE],
        )
    )
    session.flush()
    _derive(session, task.account_id, task.caller, task.first_at)


def _take_turn(session: Session) -> None:
    """SQLite lets one write at a time as it is."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})


def _known(session: Session, callers: Collection[str]) -> set[tuple[str, str]]:
    """Accounts and callers that have, or had, a task."""
    rows = session.execute(select(Task.account_id, Task.caller).where(Task.caller.in_(callers)).distinct())
    return {(account, caller) for account, caller in rows}


def _derive(session: Session, account: str, caller: str, since: datetime) -> None:
    """A caller's tasks from the last one that was settled before ``since``."""
    his = (Call.account_id == account, Call.caller == caller)
    events = (TaskEvent.account_id == account, TaskEvent.caller == caller, TaskEvent.kind == MISSED)
    settled = [
        session.scalar(
            select(func.max(Call.ended_at)).where(*his, Call.outcome == "answered", Call.ended_at < since)
        ),
        session.scalar(select(func.max(TaskEvent.at)).where(*events, TaskEvent.at < since)),
    ]
    after = max((at for at in settled if at is not None), default=None)
    # What began before that is settled by it; what ended before that settles nothing else.
    later = () if after is None else (Call.ended_at > after,)
    calls: list[Seen] = []
    kinds: dict[str, str] = {}
    for row in session.execute(select(*_SEEN, Call.caller_kind).where(*his, *later)):
        seen = _seen(row)
        if seen.reached or after is None or seen.started_at > after:
            calls.append(seen)
            kinds[seen.uuid] = row.caller_kind
    later_events = () if after is None else (TaskEvent.at > after,)
    closings = [
        Closing(event.at, event.operator, event.note)
        for event in session.scalars(select(TaskEvent).where(*events, *later_events))
    ]
    rows = session.scalars(
        select(Task)
        .where(
            Task.account_id == account,
            Task.caller == caller,
            Task.kind == MISSED,
            *(() if after is None else (Task.last_at > after,)),
        )
        .order_by(Task.id)
    ).all()
    _write(session, account, caller, tasks(calls, closings), rows, kinds)


def _write(
    session: Session,
    account: str,
    caller: str,
    wanted: Sequence[MissedTask],
    rows: Sequence[Task],
    kinds: dict[str, str],
) -> None:
    """Rows keep their id for as long as one of their calls is in the task."""
    left = list(rows)
    pairs: list[tuple[MissedTask, Task | None]] = []
    for task in wanted:
        uuids = {call.uuid for call in task.calls}
        row = next((one for one in left if one.first_call in uuids or one.last_call in uuids), None)
        if row is not None:
            left.remove(row)
        pairs.append((task, row))
    for row in left:
        session.delete(row)
    # Closed ones first: there may be one open at a time.
    session.flush()
    for task, row in pairs:
        if row is None:
            row = Task(kind=MISSED, account_id=account, caller=caller)
            session.add(row)
        _fill(row, task, kinds)
        session.flush()


def _fill(row: Task, task: MissedTask, kinds: dict[str, str]) -> None:
    first, last, reach = task.calls[0], task.calls[-1], task.reach
    values = {
        "caller_kind": kinds.get(last.uuid, "unknown"),
        "number": last.number,
        "calls": len(task.calls),
        "first_call": first.uuid,
        "first_at": first.started_at,
        "last_call": last.uuid,
        "last_at": last.started_at,
        "last_outcome": last.outcome,
        "closed_at": None if reach is None else reach.at,
        "closing_call": "" if reach is None else reach.call,
        "closed_by": "" if reach is None else reach.by,
        "note": "" if reach is None else reach.note,
    }
    for name, value in values.items():
        setattr(row, name, value)


def _seen(row: Any) -> Seen:
    return Seen(*row[: len(_SEEN)])
