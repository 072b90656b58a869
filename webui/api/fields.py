"""Fields that several answers of the API share: times, cursors."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from apiflask.fields import DateTime, String
from marshmallow import ValidationError

from appliance.store.queries.call_views import Place
from webui.call_filter import read_time
from webui.shown import stamp


class Start(String):
    """A day of Shanghai, or a time with its offset."""

    end_of_day = False

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime | None:  # type: ignore[override]
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return read_time(text.strip(), end_of_day=self.end_of_day)
        except ValueError as error:
            raise ValidationError("must be a date (2026-11-22) or a time with an offset") from error


class End(Start):
    """The same; a day means its end."""

    end_of_day = True


class Cursor(String):
    """Where the last page ended: opaque to its user, a time and a row to us."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Place | None:  # type: ignore[override]
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text:
            return None
        try:
            at, _, row = base64.urlsafe_b64decode(text.encode("ascii", "strict")).decode("ascii").rpartition("/")
            place = Place(datetime.fromisoformat(at), int(row))
        except (ValueError, binascii.Error) as error:
            raise ValidationError("is not a cursor that this API gave out") from error
        if place.started_at.tzinfo is None or not 1970 <= place.started_at.year < 9999 or place.id >= 2**63:
            raise ValidationError("is not a cursor that this API gave out")
        return place


class Stamp(DateTime):
    """A time in Shanghai with its offset, ``2026-11-22T11:05:30.250+08:00``."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else stamp(value)


def cursor(place: Place) -> str:
    """The next page's beginning, behind this place."""
    return base64.urlsafe_b64encode(f"{place.started_at.isoformat()}/{place.id}".encode()).decode()
