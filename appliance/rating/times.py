"""Times as the price book and the call records write them."""

from __future__ import annotations

import re
from datetime import datetime

# ``fromisoformat`` alone takes much more than the rules do; the pattern takes less than a real date.
_TIME = re.compile(
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])",
    re.ASCII,
)


def parse_time(text: str) -> datetime | None:
    """The instant that ``text`` writes, with the offset it writes; None: it is not a time.

    >>> parse_time("2026-02-17T09:30:00.5+08:00").isoformat()
    '2026-02-17T09:30:00.500000+08:00'
    >>> parse_time("2026-02-29T00:00:00Z") is parse_time("2026-02-17 09:30:00Z") is None
    True
    """
    if not _TIME.fullmatch(text):
        return None
    head, point, rest = text.partition(".")
    if point:
        digits = rest.rstrip("Z").partition("+")[0].partition("-")[0]
        # ``fromisoformat`` of Python 3.11 reads three or six decimals only.
        text = f"{head}.{digits.ljust(6, '0')}{rest[len(digits) :]}"
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
