"""A price book to change: as a document, and as TOML."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

SAMPLE = Path(__file__).parent / "sample"
NUMBER = "4008001234"
HEADER = "call_id,number,caller,caller_kind,started_at,answered_at,billsec,bridged_seconds\n"

_BOOK: dict[str, Any] = {
    "plans": [
        {
            "code": "basic",
            "name": "基本",
            "charge_by": "time",
            "meter": "answer",
            "included": 0,
            "rollover_months": 0,
            "minimum_monthly": "0",
            "prices": [
                {
                    "effective_from": "2026-01-01T00:00:00+08:00",
                    "caller": "any",
                    "initial_seconds": 60,
                    "step_seconds": 60,
                    "free_seconds": 0,
                    "connect_fee": "0",
                    "per_minute": "0.11",
                    "per_call": "0",
                }
            ],
        }
    ],
    "subscriptions": [{"number": NUMBER, "plan": "basic", "starts_at": "2026-01-01T00:00:00+08:00", "ends_at": ""}],
}


def book(change: Callable[[dict[str, Any]], object] = lambda document: None) -> str:
    """The book in TOML, ``change`` made to it before."""
    document = copy.deepcopy(_BOOK)
    change(document)
    return toml(document)


def toml(document: dict[str, Any]) -> str:
    """As inline values, which JSON's texts and numbers are in TOML too. ``Bare`` stands as it is."""
    return "\n".join(f"{key} = {_value(value)}" for key, value in document.items()) + "\n"


class Bare(str):
    """TOML that is not quoted."""


def _value(value: Any) -> str:
    if isinstance(value, Bare):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


def record(**changes: str) -> str:
    """A good row of call records, some of its cells changed."""
    cells = {
        "call_id": "c1",
        "number": NUMBER,
        "caller": "13800138000",
        "caller_kind": "mobile",
        "started_at": "2026-02-01T10:00:00+08:00",
        "answered_at": "2026-02-01T10:00:05+08:00",
        "billsec": "61",
        "bridged_seconds": "50",
    }
    return ",".join((cells | changes).values()) + "\n"
