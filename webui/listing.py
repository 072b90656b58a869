"""A list page by page: where its reader stands, and all of it for an export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import request

from appliance.store.queries import Reader
from appliance.store.queries.call_views import Place
from webui.context import reader
from webui.export import MOST_ROWS

PAGE_SIZE = 50
#: Rows that an export reads at once.
EXPORT_PAGE = 500
_LAST_NUMBER = 1_000_000
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Turned:
    """The page of a list that was asked for; beyond the end: the last one."""

    number: int
    last: int
    count: int

    @property
    def offset(self) -> int:
        """Rows before it."""
        return (self.number - 1) * PAGE_SIZE

    def shown(self) -> dict[str, Any]:
        """What templates say of it (``_listing.html``)."""
        return {
            "count": self.count,
            "page": self.number,
            "last_page": self.last,
            "first_row": self.offset + 1,
        }


def turned_to(count: int) -> Turned:
    """The page that the request asks for, of a list of ``count`` rows."""
    last = max(1, -(-count // PAGE_SIZE))
    return Turned(min(asked_page(), last), last, count)


def asked_page() -> int:
    """The number of the page that the request asks for, whether there is one or not."""
    return min(max(request.args.get("page", 1, type=int), 1), _LAST_NUMBER)


def is_part() -> bool:
    """Whether the rows alone are asked for, to be put into the page."""
    return request.headers.get("HX-Target") == "results"


def all_pages(
    page: Callable[[Reader, int, Place | None], Sequence[_Row]], place: Callable[[_Row], Place]
) -> Iterator[Sequence[_Row]]:
    """Page by page, each in a reading of its own: a slow download holds nothing open.

    :param page: at most so many rows behind a place.
    """
    after: Place | None = None
    for _ in range(0, MOST_ROWS, EXPORT_PAGE):
        with reader() as opened:
            rows = page(opened, EXPORT_PAGE, after)
        yield rows
        if len(rows) < EXPORT_PAGE:
            return
        after = place(rows[-1])
