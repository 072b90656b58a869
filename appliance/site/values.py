"""The kinds of values that stand in a site file.

The reader hands over every plain word as the text it is in the file, so nothing is lost on the way: a zero at
the front of an area code, the decimals of an amount, the offset of a time. Each kind here reads its text and
raises a finding's code where it cannot.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, NoReturn

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from appliance.domain import calendar, lists, money, numbers, talk
from appliance.domain.names import MOST, NAME, is_prompt_name
from appliance.domain.outcome import Q850
from appliance.domain.recording import read_policy
from appliance.errors import InvalidNumber

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WHOLE = re.compile(r"[0-9]{1,9}")
_TIME = re.compile(
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_PEER = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,80}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})")
_HASH = re.compile(r"\$argon2id\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")
#: Letters alone: a place stands in a call's record, which the switch carries.
_PLACE = re.compile(r"[^\W\d_]{1,20}(?:/[^\W\d_]{1,20})?")
_CAUSE_KEY = re.compile(r"[3-6][0-9]{2}|[A-Z][A-Z0-9_]{2,48}|q850:([0-9]{1,3})", re.ASCII)
#: What stands in a SIP account: nothing that XML, a URI or the switch's variables read as syntax.
_SIP_WORD = re.compile(r"[A-Za-z0-9+][A-Za-z0-9+._@-]{0,99}", re.ASCII)
_SECRET_FILE = re.compile(r"/[A-Za-z0-9._/@+-]{1,250}", re.ASCII)
_ENV_NAME = re.compile(r"(?!APPLIANCE_)[A-Z][A-Z0-9_]{0,99}", re.ASCII)
_DIGIT = re.compile(r"[0-9]?", re.ASCII)
_ONE_DIGIT = re.compile(r"[0-9]", re.ASCII)
_ACCESS_CODE = re.compile(r"[0-9]{4,6}", re.ASCII)
_REGION_PREFIX = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})|1[3-9][0-9]{1,9}", re.ASCII)
ID_LIMIT = MOST


def fail(code: str, **values: object) -> NoReturn:
    """Refuse a value; the words are in the catalogue."""
    raise PydanticCustomError(code, "{code}", {"code": code, **values})


def as_text(value: object) -> str:
    if not isinstance(value, str):
        fail("must-be-text")
    if _CONTROL.search(value):
        fail("control-character")
    return value


def limited(limit: int) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = as_text(value)
        if len(text) > limit:
            fail("too-long", limit=limit)
        return text

    return read


def _matching(pattern: re.Pattern[str], code: str) -> Callable[[object], str]:
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


def _four_hundred(value: object) -> str:
    text = as_text(value)
    try:
        return numbers.validate(text)
    except InvalidNumber:
        fail("not-a-400-number", value=text[:80])


def _dialable(value: object) -> str:
    text = as_text(value)
    if numbers.is_valid(text):
        fail("line-is-400", value=text)
    try:
        return numbers.dialable(text)
    except InvalidNumber:
        fail("not-dialable", value=text[:80])


def _shown(value: object) -> str:
    text = as_text(value)
    if not text:
        return ""
    if numbers.is_valid(text):
        fail("caller-is-400", value=text)
    return _dialable(text)


def _source(value: object) -> str:
    text = as_text(value)
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "")
    try:
        if port or host != text:
            ipaddress.IPv4Address(host)
            if not re.fullmatch(r"[0-9]{1,5}", port, re.ASCII) or not 1 <= int(port) <= 65535:
                raise ValueError(port)
        else:
            ipaddress.ip_network(text, strict=False)
    except ValueError:
        fail("not-a-source", value=text[:80])
    return text


def _peer(value: object) -> str:
    text = as_text(value)
    found = _PEER.fullmatch(text)
    if text and (found is None or not 1 <= int(found[1]) <= 65535):
        fail("not-a-peer", value=text[:80])
    return text


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as the file writes it, and the instant that it is (UTC)."""

    text: str
    at: datetime


def read_moment(text: str) -> Moment | None:
    """Read a time, or None: the form is that of the price book (``docs/site.md``, Times).

    >>> read_moment("2026-01-01T00:00:00+08:00").at.isoformat()
    '2025-12-31T16:00:00+00:00'
    >>> read_moment("2026-01-01 00:00:00+08:00") is read_moment("2026-02-30T00:00:00Z") is None
    True
    """
    if not _TIME.fullmatch(text):
        return None
    try:
        return Moment(text, datetime.fromisoformat(text).astimezone(UTC))
    except ValueError:
        return None


def _moment(value: object) -> Moment:
    text = as_text(value)
    read = read_moment(text)
    if read is None:
        fail("not-a-time", value=text[:80])
    return read


def _end(value: object) -> Moment | None:
    return None if value is None or value == "" else _moment(value)


def read_amount(text: str) -> int | None:
    """Millionths of a yuan, exactly, or None.

    >>> read_amount("0.11"), read_amount("1.3333333"), read_amount("-1"), read_amount(".5")
    (110000, None, None, None)
    """
    return None if text.startswith("-") or not money.is_valid(text) else money.parse(text)


def written_amount(micro: int) -> str:
    """Millionths of a yuan as a site file writes them.

    >>> written_amount(110000), written_amount(50000000)
    ('0.11', '50')
    """
    return money.format(micro).rstrip("0").rstrip(".")


def _amount(value: object) -> int:
    text = as_text(value)
    micro = read_amount(text)
    if micro is None:
        fail("not-an-amount", value=text[:80])
    return micro


def _hours(value: object) -> str:
    text = as_text(value)
    if calendar.read_hours(text) is None:
        fail("not-hours", value=text[:80])
    return text


def _date(value: object) -> str:
    text = as_text(value)
    try:
        if not re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError:
        fail("not-a-date", value=text[:80])
    return text


def weekdays(value: object) -> tuple[str, ...]:
    """``mon``, or ``mon-fri``: the days it names, Monday first; ``sat-mon`` goes round.

    >>> weekdays("mon-wed"), weekdays("sat-mon")
    (('mon', 'tue', 'wed'), ('sat', 'sun', 'mon'))
    """
    first, dash, last = as_text(value).partition("-")
    days = calendar.WEEKDAYS
    if first not in days or (dash and last not in days):
        fail("not-a-weekday", value=str(value)[:80])
    begin = days.index(first)
    length = (days.index(last) - begin) % 7 + 1 if dash else 1
    return tuple(days[(begin + step) % 7] for step in range(length))


def _weekday_key(value: object) -> str:
    weekdays(value)
    return str(value)


def _entry(value: object) -> str:
    text = as_text(value)
    try:
        return lists.validate(text)
    except InvalidNumber:
        fail("not-a-list-entry", value=text[:80])


def _access_code(value: object) -> str:
    if not isinstance(value, str) or not _ACCESS_CODE.fullmatch(value):
        fail("not-an-access-code")
    return value


def _place(value: object) -> str:
    text = as_text(value).strip()
    if not _PLACE.fullmatch(text):
        fail("not-a-place", value=text[:80])
    return text


def _prefix(value: object) -> str:
    text = as_text(value)
    if not _REGION_PREFIX.fullmatch(text):
        fail("not-a-region-prefix", value=text[:80])
    return text


def _cause_key(value: object) -> str:
    text = as_text(value)
    found = _CAUSE_KEY.fullmatch(text)
    if not found or (found[1] and int(found[1]) not in Q850):
        fail("not-a-cause", value=text[:80])
    return text


def _record(value: object) -> str:
    text = as_text(value)
    return text if read_policy(text) else fail("not-a-record-policy", value=text[:80])


def _extension(value: object) -> str:
    text = as_text(value)
    if text and not talk.is_extension(text):
        fail("not-an-extension", value=text[:80])
    return text


def _optional_number(value: object) -> str:
    return "" if value is None or value == "" else _dialable(value)


def _prompt_name(value: object) -> str:
    text = as_text(value)
    if text and not is_prompt_name(text):
        fail("not-a-prompt-name", value=text[:80])
    return text


def _needed_prompt(value: object) -> str:
    return _prompt_name(value) or fail("not-a-prompt-name", value="")


def _or_nothing(read: Callable[[object], str]) -> Callable[[object], str]:
    return lambda value: "" if value is None or value == "" else read(value)


def _nothing_as_none(read: Callable[[object], str]) -> Callable[[object], Any]:
    return lambda value: None if value is None or value == "" else read(value)


HoursText = Annotated[str, BeforeValidator(_hours)]
DateText = Annotated[str, BeforeValidator(_date)]
WeekdayKey = Annotated[str, BeforeValidator(_weekday_key)]
Entry = Annotated[str, BeforeValidator(_entry)]
AccessCode = Annotated[str, BeforeValidator(_access_code)]
PlaceText = Annotated[str, BeforeValidator(_place)]
RegionPrefix = Annotated[str, BeforeValidator(_prefix)]
Extension = Annotated[str, BeforeValidator(_extension)]
OptionalNumber = Annotated[str, BeforeValidator(_optional_number)]
CallbackKey = Annotated[str, BeforeValidator(_matching(_ONE_DIGIT, "not-one-digit"))]
KeyDigit = Annotated[str, BeforeValidator(_matching(_DIGIT, "not-a-digit"))]
SipWord = Annotated[str, BeforeValidator(_matching(_SIP_WORD, "not-a-sip-word"))]
OptionalSipWord = Annotated[str, BeforeValidator(_or_nothing(_matching(_SIP_WORD, "not-a-sip-word")))]
SecretFile = Annotated[str, BeforeValidator(_or_nothing(_matching(_SECRET_FILE, "not-a-secret-file")))]
EnvName = Annotated[str, BeforeValidator(_or_nothing(_matching(_ENV_NAME, "not-an-env-name")))]
CauseKey = Annotated[str, BeforeValidator(_cause_key)]
Record = Annotated[str, BeforeValidator(_record)]
#: Empty: the number's.
LineRecord = Annotated[str, BeforeValidator(lambda value: _record(value) if value else "")]
PromptName = Annotated[str, BeforeValidator(_prompt_name)]
NeededPrompt = Annotated[str, BeforeValidator(_needed_prompt)]
Id = Annotated[str, BeforeValidator(_matching(NAME, "not-an-id"))]
OptionalId = Annotated[str | None, BeforeValidator(_nothing_as_none(_matching(NAME, "not-an-id")))]
Name = Annotated[str, BeforeValidator(limited(200))]
ShortName = Annotated[str, BeforeValidator(limited(100))]
Flag = Annotated[bool, BeforeValidator(_flag)]
FourHundred = Annotated[str, BeforeValidator(_four_hundred)]
Dialable = Annotated[str, BeforeValidator(_dialable)]
ShownNumber = Annotated[str, BeforeValidator(_shown)]
Source = Annotated[str, BeforeValidator(_source)]
Peer = Annotated[str, BeforeValidator(_peer)]
Time = Annotated[Moment, BeforeValidator(_moment)]
End = Annotated[Moment | None, BeforeValidator(_end)]
Amount = Annotated[int, BeforeValidator(_amount)]
PasswordHash = Annotated[str | None, BeforeValidator(_nothing_as_none(_matching(_HASH, "not-a-hash")))]
