"""Values of a site file that telephony gives its form: numbers, peers, causes, keys, recording policies."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import BeforeValidator

from appliance.domain import lists, numbers, talk
from appliance.domain.outcome import Q850
from appliance.domain.recording import read_policy
from appliance.errors import InvalidNumber
from appliance.site.values import as_text, fail, matching, or_nothing

_PEER = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,80}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})")
#: Letters alone: a place stands in a call's record, which the switch carries.
_PLACE = re.compile(r"[^\W\d_]{1,20}(?:/[^\W\d_]{1,20})?")
_CAUSE_KEY = re.compile(r"[3-6][0-9]{2}|[A-Z][A-Z0-9_]{2,48}|q850:([0-9]{1,3})", re.ASCII)
#: What stands in a SIP account: nothing that XML, a URI or the switch's variables read as syntax.
_SIP_WORD = re.compile(r"[A-Za-z0-9+][A-Za-z0-9+._@-]{0,99}", re.ASCII)
_DIGIT = re.compile(r"[0-9]?", re.ASCII)
_ONE_DIGIT = re.compile(r"[0-9]", re.ASCII)
_ACCESS_CODE = re.compile(r"[0-9]{4,6}", re.ASCII)
_REGION_PREFIX = re.compile(r"0(?:10|2[0-9]|[3-9][0-9]{2})|1[3-9][0-9]{1,9}", re.ASCII)


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


Entry = Annotated[str, BeforeValidator(_entry)]


AccessCode = Annotated[str, BeforeValidator(_access_code)]


PlaceText = Annotated[str, BeforeValidator(_place)]


RegionPrefix = Annotated[str, BeforeValidator(_prefix)]


Extension = Annotated[str, BeforeValidator(_extension)]


OptionalNumber = Annotated[str, BeforeValidator(_optional_number)]


CallbackKey = Annotated[str, BeforeValidator(matching(_ONE_DIGIT, "not-one-digit"))]


KeyDigit = Annotated[str, BeforeValidator(matching(_DIGIT, "not-a-digit"))]


SipWord = Annotated[str, BeforeValidator(matching(_SIP_WORD, "not-a-sip-word"))]


OptionalSipWord = Annotated[str, BeforeValidator(or_nothing(matching(_SIP_WORD, "not-a-sip-word")))]


CauseKey = Annotated[str, BeforeValidator(_cause_key)]


Record = Annotated[str, BeforeValidator(_record)]


#: Empty: the number's.
LineRecord = Annotated[str, BeforeValidator(lambda value: _record(value) if value else "")]


FourHundred = Annotated[str, BeforeValidator(_four_hundred)]


Dialable = Annotated[str, BeforeValidator(_dialable)]


ShownNumber = Annotated[str, BeforeValidator(_shown)]


Source = Annotated[str, BeforeValidator(_source)]


Peer = Annotated[str, BeforeValidator(_peer)]
