"""How a hook's address, files and headers are written, and refused when they are not."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from appliance.domain.template import url_fault
from appliance.site.values import as_text, fail, limited

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}", re.ASCII)
_HEADERS_OF_HTTP = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding"})


def _address(value: object) -> str:
    text = as_text(value)
    if len(text) > 1000:
        fail("too-long", limit=1000)
    fault = url_fault(text)
    if fault:
        fail(f"not-a-url-{fault}", value=shown_address(text))
    return text


def shown_address(text: str) -> str:
    """As much of an address as may be told: what stands behind the host may be a secret.

    >>> shown_address("https://user:word@qyapi.example/send?key=abc")
    'https://qyapi.example/…'
    """
    scheme, _, rest = text.partition("//")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme[:8]}//{host[:80]}/…" if rest else "…"


def _file(value: object) -> str:
    text = limited(500)(value)
    if text and not text.startswith("/"):
        fail("not-a-file", value=text[:80])
    return text


def _header(value: object) -> str:
    text = as_text(value)
    if not _HEADER.fullmatch(text) or text.lower() in _HEADERS_OF_HTTP:
        fail("not-a-header", value=text[:80])
    return text


Address = Annotated[str, BeforeValidator(_address)]
FileName = Annotated[str, BeforeValidator(_file)]
HeaderName = Annotated[str, BeforeValidator(_header)]
Template = Annotated[str, BeforeValidator(limited(500))]
