"""A document as the database keeps it: as JSON of whole numbers and texts, which is set again any time alike."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from appliance.rating.bill.document import Document


def to_json(document: Document) -> dict[str, Any]:
    """All that stands on it."""
    made: dict[str, Any] = _adapter().dump_python(document, mode="json")
    return made


def from_json(kept: dict[str, Any]) -> Document:
    """The document that was kept."""
    return _adapter().validate_python(kept)


@cache
def _adapter() -> TypeAdapter[Document]:
    return TypeAdapter(Document)
