"""Signings in the database, where they stay; written by the collector."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.store.models import Line, LineSigning
from appliance.store.signing import Signing


def write(session: Session, signings: Sequence[Signing]) -> None:
    """Keep those that are not kept yet; at least one."""
    moments = [one.at for one in signings]
    rows = session.execute(
        select(LineSigning.line_id, LineSigning.at, LineSigning.signed_in).where(
            LineSigning.at.between(min(moments), max(moments))
        )
    )
    kept = {(line, at, signed_in) for line, at, signed_in in rows}
    # Few lines, and all of them once: a box has hundreds.
    accounts = {row.id: row.account_id for row in session.execute(select(Line.id, Line.account_id))}
    for one in signings:
        key = (one.line, one.at, one.signed_in)
        if key in kept:
            continue
        kept.add(key)
        session.add(
            LineSigning(
                line_id=one.line[:40],
                account_id=accounts.get(one.line),
                at=one.at,
                signed_in=one.signed_in,
                who=one.who[:100],
                means=one.means.value,
            )
        )
