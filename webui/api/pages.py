"""What all lists of the API have in common: how they are asked for, and a page of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from apiflask import Schema
from apiflask.fields import Integer, String
from apiflask.validators import Range

from appliance.store.queries import Reader
from appliance.store.queries.call_views import Place
from webui.api.fields import Cursor, cursor
from webui.context import reader

MOST = 500
_Row = TypeVar("_Row")


class ListQuery(Schema):
    """Which page, and how long it is."""

    limit = Integer(load_default=100, validate=Range(min=1, max=MOST), metadata={"description": "Rows a page."})
    cursor = Cursor(load_default=None, metadata={"description": "`next_cursor` of the page before."})


class ListPage(Schema):
    """Where the next page begins."""

    next_cursor = String(required=True, allow_none=True, metadata={"description": "Null: this was the last page."})


def one_page(
    name: str,
    query: Mapping[str, Any],
    page: Callable[[Reader, int, Place | None], Sequence[_Row]],
    place: Callable[[_Row], Place],
    out: Callable[[_Row], Mapping[str, Any]],
) -> dict[str, Any]:
    """The answer to a ``ListQuery``: the rows as ``name``, and the cursor behind them.

    :param page: at most so many rows behind a place.
    """
    limit = query["limit"]
    with reader() as opened:
        # One more than asked for says whether there is a next page.
        rows = page(opened, limit + 1, query["cursor"])
    more, rows = len(rows) > limit, rows[:limit]
    return {name: [out(row) for row in rows], "next_cursor": cursor(place(rows[-1])) if more else None}
