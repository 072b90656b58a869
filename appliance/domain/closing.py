"""When a month may be closed, and in which month a charge is booked; a month is one number (``month_of``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.domain.grants import month_start


def month_name(month: int) -> str:
    """As people write it.

    >>> month_name(2026 * 12 + 1)
    '2026-02'
    """
    return f"{month // 12:04}-{month % 12 + 1:02}"


def is_over(month: int, now: datetime, grace: timedelta) -> bool:
    """Whether the month ended so long ago that no call of it is on its way any more.

    >>> from datetime import UTC
    >>> is_over(2026 * 12 + 1, datetime(2026, 3, 1, 15, 59, tzinfo=UTC), timedelta(hours=24))
    False
    >>> is_over(2026 * 12 + 1, datetime(2026, 3, 1, 16, 0, tzinfo=UTC), timedelta(hours=24))
    True
    """
    return now >= month_start(month + 1) + grace


def booked_month(month: int, closed_through: int | None) -> int:
    """The month whose bill a charge goes into: the call's, or the first that is open.

    :param closed_through: the last closed month of the account; None: none is closed.

    >>> booked_month(5, None), booked_month(5, 4), booked_month(5, 5), booked_month(2, 5)
    (5, 5, 6, 6)
    """
    return month if closed_through is None else max(month, closed_through + 1)


@dataclass(frozen=True, slots=True)
class Hindrances:
    """What stands in the way of closing a month: UUIDs of calls up to its end, by why."""

    unrated: tuple[str, ...] = ()
    abnormal: tuple[str, ...] = ()
    not_ratable: tuple[str, ...] = ()
    #: Months before it that have charges and are not closed.
    earlier: tuple[int, ...] = ()

    def bar(self, *, although_not_ratable: bool) -> bool:
        """Whether the month may not be closed. A person may let calls without a price be nothing."""
        return bool(
            self.unrated or self.abnormal or self.earlier or (self.not_ratable and not although_not_ratable)
        )
