"""Seals of the ledger: a chain of sums over its postings, one link whenever months are closed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.ledger import UNSEALED, seal
from appliance.store.ledger import last_posting, postings
from appliance.store.models import LedgerPosting, LedgerSeal


def add(session: Session, now: datetime) -> None:
    """Seal what was posted since the last seal; nothing, if nothing was. The caller has taken his turn."""
    last = session.scalar(select(LedgerSeal).order_by(LedgerSeal.through.desc()).limit(1))
    after, before = (last.through, last.digest) if last else (0, UNSEALED)
    through = last_posting(session)
    if through > after:
        digest = seal(before, map(_line, postings(session, after, through)))
        session.add(LedgerSeal(through=through, digest=digest, at=now))
        session.flush()


def broken(session: Session) -> int | None:
    """The first seal that the postings do not agree with, by the posting it ends with; None: all agree."""
    after, before = 0, UNSEALED
    for one in session.scalars(select(LedgerSeal).order_by(LedgerSeal.through)).all():
        if seal(before, map(_line, postings(session, after, one.through))) != one.digest:
            return one.through
        after, before = one.through, one.digest
    return None


def _line(row: LedgerPosting) -> str:
    """Every column, so written that no two rows are written alike."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps(
        [
            row.id,
            row.subject,
            row.account_id,
            row.revision,
            row.kind,
            row.debit,
            row.credit,
            row.amount,
            row.month,
            at,
            row.by_login,
            row.approved_by,
            row.reason,
        ]
    )
