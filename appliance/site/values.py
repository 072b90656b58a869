"""The kinds of values that stand in a site file.

The reader hands over every plain word as the text it is in the file, so nothing is lost on the way: a zero at
the front of an area code, the decimals of an amount, the offset of a time. Each kind here reads its text and
raises a finding's code where it cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from appliance.domain.names import MOST, NAME, is_prompt_name

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WHOLE = re.compile(r"[0-9]{1,9}")
_HASH = re.compile(r"\$argon2id\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")
_SECRET_FILE = re.compile(r"/[A-Za-z0-9._/@+-]{1,250}", re.ASCII)
_ENV_NAME = re.compile(r"(?!APPLIANCE_)[A-Z][A-Z0-9_]{0,99}", re.ASCII)
ID_LIMIT = MOST


def fail(code: str, **values: object) -> NoReturn:
    """Refuse a value; the words are in the catalogue."""
    raise PydanticCustomError(code, "{code}", {"code": code, **values})


def as_text(value: object) -> str:
    """A text without control characters."""
    if not isinstance(value, str):
        fail("must-be-text")
    if _CONTROL.search(value):
        fail("control-character")
    return value


def limited(limit: int) -> Callable[[object], str]:
    """A text of at most so many characters."""

    def read(value: object) -> str:
        text = as_text(value)
        if len(text) > limit:
            fail("too-long", limit=limit)
        return text

    return read


def matching(pattern: re.Pattern[str], code: str) -> Callable[[object], str]:
    """A text of that form; of another the finding ``code`` tells."""

    def read(value: object) -> str:
        text = as_text(value)
        if not pattern.fullmatch(text):
            fail(code, value=text[:80], limit=ID_LIMIT)
        return text

    return read


def whole(low: int, high: int) -> BeforeValidator:
    """A whole number from ``low`` to ``high``."""

    def read(value: object) -> int:
        if not isinstance(value, str) or not _WHOLE.fullmatch(value) or not low <= int(value) <= high:
            fail("must-be-whole", low=low, high=high)
        return int(value)

    return BeforeValidator(read)


def zero_or(low: int, high: int) -> BeforeValidator:
    """Seconds from ``low`` to ``high``, or 0 for never."""

    def read(value: object) -> int:
        seconds = int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else -1
        if seconds and not low <= seconds <= high:
            fail("must-be-zero-or", low=low, high=high)
        return seconds

    return BeforeValidator(read)


def choice(*choices: str) -> BeforeValidator:
    """One of the words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            fail("must-be-one-of", choices=", ".join(choices))
        return value

    return BeforeValidator(read)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        fail("must-be-flag")
    return value


def _prompt_name(value: object) -> str:
    text = as_text(value)
    if text and not is_prompt_name(text):
        fail("not-a-prompt-name", value=text[:80])
    return text


def _needed_prompt(value: object) -> str:
    return _prompt_name(value) or fail("not-a-prompt-name", value="")


def or_nothing(read: Callable[[object], str]) -> Callable[[object], str]:
    """As ``read``, or empty."""
    return lambda value: "" if value is None or value == "" else read(value)


def nothing_as_none(read: Callable[[object], str]) -> Callable[[object], Any]:
    """As ``read``; empty is None."""
    return lambda value: None if value is None or value == "" else read(value)


SecretFile = Annotated[str, BeforeValidator(or_nothing(matching(_SECRET_FILE, "not-a-secret-file")))]
EnvName = Annotated[str, BeforeValidator(or_nothing(matching(_ENV_NAME, "not-an-env-name")))]
PromptName = Annotated[str, BeforeValidator(_prompt_name)]
NeededPrompt = Annotated[str, BeforeValidator(_needed_prompt)]
Id = Annotated[str, BeforeValidator(matching(NAME, "not-an-id"))]
OptionalId = Annotated[str | None, BeforeValidator(nothing_as_none(matching(NAME, "not-an-id")))]
Name = Annotated[str, BeforeValidator(limited(200))]
ShortName = Annotated[str, BeforeValidator(limited(100))]
Flag = Annotated[bool, BeforeValidator(_flag)]
PasswordHash = Annotated[str | None, BeforeValidator(nothing_as_none(matching(_HASH, "not-a-hash")))]
