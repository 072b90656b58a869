"""The price book's rules: no two prices for one moment, no two plans of a number at one time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from appliance.site.findings import Finding, Path
from appliance.site.read import Document
from appliance.site.schema import SubscriptionPart

_NEVER = datetime.max.replace(tzinfo=UTC)


def overlap(first: tuple[datetime, datetime | None], second: tuple[datetime, datetime | None]) -> bool:
    """Whether two half-open spans share a moment; no end is for ever.

    >>> at = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3)]
    >>> overlap((at[0], at[1]), (at[1], None)), overlap((at[0], None), (at[2], None))
    (False, True)
    """
    return first[0] < (second[1] or _NEVER) and second[0] < (first[1] or _NEVER)


def span(part: SubscriptionPart) -> tuple[datetime, datetime | None]:
    """The time that a subscription holds."""
    return part.starts_at.at, part.ends_at.at if part.ends_at else None


def check_plans(document: Document) -> Iterator[Finding]:
    """Two prices of a plan with the same caller and the same instant, whatever offset is written."""
    for index, plan in enumerate(document.site.plans):
        first: dict[tuple[str, datetime], int] = {}
        for at, price in enumerate(plan.prices):
            path: Path = ("plans", index, "prices", at, "effective_from")
            key = (price.caller, price.effective_from.at)
            if key in first:
                yield document.finding(path, "price-twice", caller=price.caller, line=first[key])
            first.setdefault(key, document.line(path))


def check_subscriptions(document: Document) -> Iterator[Finding]:
    """Subscriptions name a plan, end after they begin, and never overlap."""
    plans = {plan.code for plan in document.site.plans}
    for index, number in enumerate(document.site.numbers):
        for at, part in enumerate(number.subscriptions):
            path: Path = ("numbers", index, "subscriptions", at)
            if part.plan not in plans:
                yield document.finding((*path, "plan"), "unknown-plan", value=part.plan)
            if part.ends_at is not None and part.ends_at.at <= part.starts_at.at:
                yield document.finding((*path, "ends_at"), "ends-before-start")
                continue
            for before, other in enumerate(number.subscriptions[:at]):
                if overlap(span(part), span(other)):
                    line = document.line(("numbers", index, "subscriptions", before))
                    yield document.finding(path, "subscriptions-overlap", value=other.starts_at.text, line=line)
