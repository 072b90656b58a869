"""The stored hooks as the sender wants them, and what became of messages, for the console."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from appliance.domain import hook as domain
from appliance.domain.hook import ROBOT_PER_MINUTE, ROBOTS, Encoding, HookKind
from appliance.store import models
from appliance.store.models import Notification
from appliance.store.outbox_sending import Ended

#: Rows that go with one pass of forgetting; PostgreSQL takes 65,535 values in a statement.
_AT_ONCE = 1000


def load_hooks(session: Session) -> dict[str, domain.Hook]:
    """Every hook, by its id."""
    return {row.id: _hook(row) for row in session.scalars(select(models.Hook).order_by(models.Hook.id))}


def _hook(row: models.Hook) -> domain.Hook:
    kind = HookKind(row.kind)
    usual = ROBOT_PER_MINUTE if kind in ROBOTS else 0
    return domain.Hook(
        id=row.id,
        account=row.account_id,
        kind=kind,
        url=row.url,
        token=row.token,
        token_file=row.token_file,
        secret=row.secret,
        secret_file=row.secret_file,
        to=row.recipient,
        method=row.method,
        encoding=Encoding(row.encoding),
        fields=dict(row.fields),
        headers=dict(row.headers),
        expect=dict(row.expect),
        expect_text=row.expect_text,
        per_minute=usual if row.per_minute is None else row.per_minute,
    )


def write_notifications(session: Session, ended: Sequence[Ended]) -> None:
    """Store what became of messages; of one that is told again (a dead letter that was sent after all) what is told
    last holds."""
    if not ended:
        return
    session.execute(delete(Notification).where(Notification.id.in_([one.message.id for one in ended])))
    session.execute(
        insert(Notification),
        [
            {
                "id": one.message.id,
                "account_id": one.message.account,
                "hook_id": one.message.hook,
                "call_uuid": one.message.call,
                "recipient": one.message.to,
                "text": one.message.text,
                "made_at": one.message.at,
                "ended_at": one.ended_at,
                "tries": one.tries,
                "sent": one.sent,
                "said": one.said,
            }
            for one in ended
        ],
    )


def forget_notifications(session: Session, before: datetime) -> int:
    """Drop some of those that ended before; how many they were. Again until there are none."""
    old = session.scalars(select(Notification.id).where(Notification.ended_at < before).limit(_AT_ONCE)).all()
    if old:
        session.execute(delete(Notification).where(Notification.id.in_(old)))
    return len(old)
