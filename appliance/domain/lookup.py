"""What a flow asks of another system (HTTP 查询), and how its answer is read.

An answer comes from outside: only JSON objects are read, and of them only short texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn

#: Bytes of an answer that are read.
MAX_ANSWER = 64 * 1024
#: Characters of a value.
MAX_VALUE = 200

#: Control and format characters, line and paragraph separators, halves of surrogate pairs.
_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
#: Character sets that answers come in; Chinese systems still send the older ones.
_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030"}
#: There is nothing of the kind: RFC 9110, 15.3.5, 15.5.5 and 15.5.11.
_NOTHING_THERE = frozenset({204, 404, 410})
#: The system is not well, or we ask too much; other answers of 4xx mean that it lives and our question was wrong.
_UNWELL = frozenset({408, 425, 429})


class Why(StrEnum):
    """Why there is no answer."""

    #: The address is none, or a place in the template names nothing: the flow's fault.
    BAD_REQUEST = "bad-request"
    #: The host may not be asked (``domain.reach``).
    FORBIDDEN = "forbidden"
    #: It failed several times in a row and is left alone (``domain.breaker``).
    RESTING = "resting"
    #: Its name is not known.
    NO_SUCH_HOST = "no-such-host"
    #: Nobody takes the connection, or it was broken off.
    UNREACHABLE = "unreachable"
    #: Its certificate is not to be trusted.
    UNTRUSTED = "untrusted"
    TIMEOUT = "timeout"
    #: The answer is longer than ``MAX_ANSWER``.
    TOO_LARGE = "too-large"
    #: It answered by a status that means no success: ``Failed.status``.
    STATUS = "status"
    #: The answer is no HTTP, or no JSON object.
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True)
class Request:
    """One question.

    :param url: ``http://…`` or ``https://…``, whole; templates have been filled (``template.filled(…, in_url)``).
    :param method: ``GET`` or ``POST``.
    :param headers: name → value, beyond those that HTTP needs.
    :param body: of a ``POST``; JSON unless a ``Content-Type`` says otherwise.
    :param timeout_s: for all of it together: name, connection, question, answer.
    :param account: the enterprise whose flow asks; who fails for one is still asked for another.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    timeout_s: float = 3.0
    account: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """There is an answer. ``values``: every variable that was wanted; empty where the answer has none."""

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NotFound:
    """The system was asked and knows nothing of it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no answer. ``status``: the HTTP status, where that is the reason."""

    reason: Why
    status: int = 0

    @property
    def was_asked(self) -> bool:
        """Whether the system was asked at all."""
        return self.reason not in (Why.BAD_REQUEST, Why.FORBIDDEN, Why.RESTING)

    @property
    def is_systems_fault(self) -> bool:
        """Whether it says that the system is not well: such failures in a row have it left alone."""
        if self.reason is Why.STATUS:
            return self.status >= 500 or self.status in _UNWELL
        return self.was_asked


Outcome = Found | NotFound | Failed


def read_answer(status: int, content_type: str, body: bytes, wanted: Mapping[str, str]) -> Outcome:
    """What an answer says.

    :param content_type: the header; only its character set counts.
    :param wanted: variable → path in the JSON object: names and places with dots between (``customer.level``,
        ``orders.0.state``). Nothing is found when none of them is there; with none wanted, any object will do.
    """
    if status in _NOTHING_THERE:
        return NotFound()
    if not 200 <= status < 300:
        return Failed(Why.STATUS, status)
    answer = parsed(body, content_type)
    if not isinstance(answer, dict):
        return Failed(Why.GARBAGE)
    values = {name: picked(answer, path) for name, path in wanted.items()}
    if wanted and not any(value is not None for value in values.values()):
        return NotFound()
    return Found({name: value or "" for name, value in values.items()})


def parsed(body: bytes, content_type: str = "") -> Any:
    """A JSON text, numbers as the texts they are; None: it is none.

    >>> parsed(b'{"price": 12.50}')
    {'price': '12.50'}
    """
    named = re.search(r"charset=\"?([\w-]+)", content_type, re.IGNORECASE)
    charset = _CHARSETS.get(named[1].lower(), "utf-8") if named else "utf-8"
    try:
        text = body.decode(charset).removeprefix("\ufeff")
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None


def picked(answer: object, path: str) -> str | None:
    """The value at a path, as a short text without control characters; None: there is none, or no single value.

    >>> answer = {"customer": {"level": "VIP", "tags": ["a", "b"], "active": True}}
    >>> picked(answer, "customer.level"), picked(answer, "customer.tags.1"), picked(answer, "customer.active")
    ('VIP', 'b', 'true')
    >>> picked(answer, "customer") is picked(answer, "customer.tags.x") is picked(answer, "customer.tags.7") is None
    True
    """
    for part in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(part)
        elif isinstance(answer, list) and part.isascii() and part.isdigit() and len(part) < 5:
            answer = answer[int(part)] if int(part) < len(answer) else None
        else:
            return None
    if isinstance(answer, bool):
        return "true" if answer else "false"
    return plain(answer) if isinstance(answer, str) else None


def plain(text: str, limit: int = MAX_VALUE) -> str:
    """A text from outside: what is no character to be read becomes a blank, and it is cut.

    >>> plain("a\\r\\nb\\u202ec")
    'a b c'
    """
    return _UNWANTED.sub(" ", text).strip()[:limit]


def _refused(word: str) -> NoReturn:
    """``NaN`` and ``Infinity`` are no JSON."""
    raise ValueError(word)
