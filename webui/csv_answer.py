"""A list as a CSV file, sent while it is read."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, stream_with_context

from webui.context import now
from webui.shown import local


def downloaded_csv(name: str, lines: Iterable[str]) -> Response:
    """``lines`` as a download ``NAME-YYYYMMDD-HHMM.csv``, the time of Shanghai; nothing is kept in memory."""
    file = f"{name}-{local(now()):%Y%m%d-%H%M}.csv"
    return Response(
        stream_with_context(iter(lines)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )
