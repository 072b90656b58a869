"""What other systems are sent, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.domain.lookup import MAX_ANSWER


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent. Times are seconds: for the connection, for each part of the answer, for all together."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    connect_s: float = 5.0
    read_s: float = 10.0
    total_s: float = 15.0
    max_answer: int = MAX_ANSWER


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``headers`` in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
