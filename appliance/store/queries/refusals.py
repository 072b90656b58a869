"""Refused calls, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from appliance.domain.refusal import Refusal
from appliance.store.models import Call
from appliance.store.queries.scope import Reader

_REFUSED = "refused:"
_REASONS = frozenset(Refusal)


class Refused(NamedTuple):
    """How many calls to a number (empty: none of ours) were refused; ``reason`` None: by a reason of another
    version. ``treated``: a flow took them instead."""

    number: str
    reason: Refusal | None
    calls: int
    treated: bool = False


def counted(reader: Reader, since: datetime, until: datetime) -> Sequence[Refused]:
    """Refused calls that began in ``[since, until)``, by number and reason, the most frequent first."""
    query = (
        select(Call.number, Call.outcome, func.count())
        .where(Call.started_at >= since, Call.started_at < until, Call.outcome.startswith(_REFUSED))
        .group_by(Call.number, Call.outcome)
        .order_by(func.count().desc(), Call.number, Call.outcome)
    )
    refused = [Refused(number, _reason(outcome), calls) for number, outcome, calls in reader.rows(query)]
    return [*refused, *_treated(reader, since, until)]


def _treated(reader: Reader, since: datetime, until: datetime) -> list[Refused]:
    """Their ``because`` begins with the reason."""
    query = (
        select(Call.number, Call.because, func.count())
        .where(Call.started_at >= since, Call.started_at < until, Call.because != "")
        .where(Call.outcome.not_like(f"{_REFUSED}%"))
        .group_by(Call.number, Call.because)
    )
    counts: Counter[tuple[str, Refusal]] = Counter()
    for number, because, calls in reader.rows(query):
        word = because.partition(" ")[0]
        if word in _REASONS:
            counts[number, Refusal(word)] += calls
    return [Refused(number, reason, calls, True) for (number, reason), calls in counts.most_common()]


def _reason(outcome: str) -> Refusal | None:
    word = outcome.removeprefix(_REFUSED)
    return Refusal(word) if word in _REASONS else None
