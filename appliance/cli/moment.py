"""Times on the command line."""

from __future__ import annotations

from datetime import datetime

import click

from appliance.domain.calendar import SHANGHAI


class Moment(click.ParamType[datetime]):
    """``2026-11-25 10:00[:30]``, Asia/Shanghai, or with an offset."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        try:
            read = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value}: not a time (2026-11-25 10:00)", param, ctx)
        if not 2000 <= read.year < 2100:
            self.fail(f"{value}: not in 2000 to 2099", param, ctx)
        return read if read.tzinfo is not None else read.replace(tzinfo=SHANGHAI)


def day_begins(now: datetime) -> datetime:
    """The beginning of the day in Shanghai."""
    return now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
