"""Months as options of commands."""

from __future__ import annotations

import re

import click


class Month(click.ParamType[int]):
    """``YYYY-MM`` as a month of ``domain.grants``."""

    name = "YYYY-MM"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        found = re.fullmatch(r"(20[0-9]{2})-(0[1-9]|1[0-2])", str(value), re.ASCII)
        if found is None:
            self.fail(f"{value}: not a month (2026-02)", param, ctx)
        return int(found[1]) * 12 + int(found[2]) - 1


def written(month: int) -> str:
    """The month as it is written.

    >>> written(2026 * 12 + 1)
    '2026-02'
    """
    return f"{month // 12}-{month % 12 + 1:02}"
