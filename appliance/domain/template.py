"""Texts with places for values: a lookup's address, a message's words, the fields of an SMS gateway.

``{name}`` is a place; every other brace stands for itself, so that JSON may be written as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from appliance.errors import TemplateError

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.-]{0,59})\}")
#: Scheme, host and port, up to where the path begins.
_BEGINNING = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_HOST = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?"
)


def in_text(value: str) -> str:
    """A value as it is: in a message's words."""
    return value


def in_url(value: str) -> str:
    """A value in a path or a query: whatever is no letter, digit or ``-._~`` is percent-encoded (RFC 3986, 2.1).

    >>> in_url("张 三&x=1")
    '%E5%BC%A0%20%E4%B8%89%26x%3D1'
    """
    return quote(value, safe="", errors="replace")


def in_json(value: str) -> str:
    """A value between the quotes of a JSON text.

    >>> in_json('a"b')
    'a\\\\"b'
    """
    return json.dumps(value, ensure_ascii=False)[1:-1]


def names(template: str) -> tuple[str, ...]:
    """The names of a template's places, each once, in their order.

    >>> names('{"caller": "{caller}", "again": "{caller}"}')
    ('caller',)
    """
    return tuple(dict.fromkeys(_PLACE.findall(template)))


def filled(template: str, variables: Mapping[str, str], encode: Callable[[str], str] = in_text) -> str:
    """The template with the variables' values in its places; a place within a value is text.

    :param encode: how a value is written there: ``in_text`` (default), ``in_url``, ``in_json``.
    :raises TemplateError: a place names no variable; the text says which.

    >>> filled("{caller} 来电", {"caller": "13800138000"})
    '13800138000 来电'
    >>> filled("https://crm.example/c?n={caller}", {"caller": "+86 1&x"}, in_url)
    'https://crm.example/c?n=%2B86%201%26x'
    """
    unknown = [name for name in names(template) if name not in variables]
    if unknown:
        raise TemplateError(f"there is no variable {', '.join(unknown)}")
    return _PLACE.sub(lambda place: encode(variables[place[1]]), template)


def url_fault(template: str) -> str:
    """What is wrong with a template of an address, in a word; empty: nothing.

    ``scheme``: neither ``http://`` nor ``https://``; ``host``: what stands there is no host, or a place, so that a
    caller could choose who is asked; ``password``: a user or password stands before the host; ``character``: a
    blank, a control character or one beyond ASCII, which has to be percent-encoded.

    >>> url_fault("https://crm.example/{caller}"), url_fault("ftp://crm.example/"), url_fault("http://{caller}/")
    ('', 'scheme', 'host')
    """
    found = _BEGINNING.match(template)
    if found is None:
        return "scheme"
    if "@" in found[1]:
        return "password"
    host = _HOST.fullmatch(found[1])
    if host is None or not 1 <= int(host[1] or 80) <= 65535:
        return "host"
    return "character" if re.search(r"[^\x21-\x7e]", template) else ""
