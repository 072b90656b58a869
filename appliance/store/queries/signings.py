"""Who signed in and out at lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select

from appliance.store.models import Line, LineSigning
from appliance.store.queries.scope import Reader


@dataclass(frozen=True, slots=True)
class SigningView:
    """Somebody signed in at a line, or out.

    :param line_name: empty: the line has none, or is gone.
    :param who: an operator's login, the number that called, the line whose phone it was.
    :param means: ``store.signing.Means``.
    """

    line: str
    line_name: str
    at: datetime
    signed_in: bool
    who: str
    means: str


def signings(reader: Reader, since: datetime, until: datetime, at_most: int) -> Sequence[SigningView]:
    """Those in ``[since, until)``, the newest first."""
    rows = reader.rows(
        select(
            LineSigning.line_id,
            Line.name,
            LineSigning.at,
            LineSigning.signed_in,
            LineSigning.who,
            LineSigning.means,
        )
        # Not a line of another account that has the id by now.
        .outerjoin(Line, and_(Line.id == LineSigning.line_id, Line.account_id == LineSigning.account_id))
        .where(LineSigning.at >= since, LineSigning.at < until)
        .order_by(LineSigning.at.desc(), LineSigning.id.desc())
        .limit(at_most)
    )
    return [
        SigningView(line, name or "", at, signed_in, who, means) for line, name, at, signed_in, who, means in rows
    ]
