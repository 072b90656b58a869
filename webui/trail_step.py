"""One step of a call's trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``at`` is None where the record has no time for it; ``lamp`` as in ``words``."""

    icon: str
    title: str
    note: str = ""
    lamp: str = "off"
    at: datetime | None = None
    key: str = ""
