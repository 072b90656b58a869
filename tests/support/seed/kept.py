"""What the box has done since: recordings kept, tasks made of missed calls."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from appliance.media.keep import Keeping, keep_once
from appliance.media.keys import NO_KEYS
from appliance.store import recordings as kept
from appliance.store.models import Call, Recording, Task, TaskEvent
from appliance.store.recordings import Who
from appliance.store.tasks import close_task, derive_tasks_since
from appliance.store.unit import Store
from tests.support.seed.site import OTHER_NUMBER
from tests.support.seed.voices import speak


def keep(store: Store, recordings: Path, now: datetime) -> None:
    """Keep the recordings of all calls but the newest two, as the box would have done by now, and a message of a
    caller whom nobody answered; one is held, and was heard."""
    with store.work() as session:
        call = session.scalars(
            select(Call).where(Call.outcome.startswith("failed")).order_by(Call.started_at.desc())
        ).first()
        assert call is not None
        call.messages = f"messages/{call.uuid}-m1.wav"
        session.commit()
    speak(recordings / call.messages, 7.5, random.Random(1), channels=1)
    for file in recordings.rglob("*.wav"):
        fresh = file.stem[-12:] in ("000000000000", "000000000001")
        os.utime(file, (now.timestamp() - (0 if fresh else 7200),) * 2)
    keep_once(Keeping(recordings, store, lambda: now, NO_KEYS, settle_s=3600))
    with store.work() as session:
        boss = Who("desk", "192.0.2.7", "east")
        first = session.scalars(select(Recording.id).where(Recording.kind == "talk").order_by(Recording.id)).first()
        assert first is not None
        kept.note_access(session, first, boss, "play", now - timedelta(minutes=2))
        kept.hold(session, first, boss, "合同纠纷 2026-17", now - timedelta(minutes=1))
        session.commit()


def make_tasks(store: Store, now: datetime) -> None:
    """Those that the calls make, of which one was closed; and one of the second account."""
    with store.work() as session:
        derive_tasks_since(session, datetime(2000, 1, 1, tzinfo=UTC))
        oldest = session.scalars(select(Task).where(Task.closed_at.is_(None)).order_by(Task.last_at)).first()
        assert oldest is not None
        note = "=已用手机回过"
        close_task(session, oldest.id, operator="desk", address="192.0.2.7", account="east", note=note, now=now)
        at = now - timedelta(days=2)
        foreign = {"kind": "missed", "account_id": "west", "caller": "13000000000"}
        session.add(
            Task(
                **foreign,
                number=OTHER_NUMBER,
                calls=2,
                first_call="west-missed-1",
                first_at=at,
                last_call="west-missed-2",
                last_at=at + timedelta(hours=1),
                last_outcome="abandoned:queue",
            )
        )
        session.add(
            TaskEvent(**foreign, at=at - timedelta(days=1), operator="other", action="close", note="打过了")
        )
        session.commit()
