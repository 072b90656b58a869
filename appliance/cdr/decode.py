"""A CDR file's bytes become the variables of a leg."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

#: Digits of a time; more are none.
_LONGEST_TIME = 20


class NotWhole(Exception):
    """The bytes are no whole JSON: the switch is still writing, or never finished."""


class NotACdr(Exception):
    """The bytes are JSON, and no CDR; the text says why."""


def variables(data: bytes) -> dict[str, object]:
    """The ``variables`` of a CDR file, as ``domain.cdr.read_leg`` wants them.

    ``bridge_uepoch`` is the first bridge of the whole call: in the variables a transfer sets it back to 0
    (switch_channel_set_caller_profile keeps every time but that one), and another talk to that one's beginning; in
    ``callflow`` each is still there.

    :raises NotWhole: it is not whole JSON (yet).
    :raises NotACdr: it is JSON, but without variables.
    """
    document, raw = _document(data)
    found = document.get("variables") if isinstance(document, dict) else None
    if not isinstance(found, dict):
        raise NotACdr("no variables in it")
    read: dict[str, object] = {
        name: _text(value) if raw and isinstance(value, str) else value for name, value in found.items()
    }
    bridged = min(filter(None, _bridge_times(document.get("callflow"))), default=0)
    noted = read.get("bridge_uepoch", "0")
    if bridged and isinstance(noted, str) and noted.isdecimal() and len(noted) <= _LONGEST_TIME:
        read["bridge_uepoch"] = str(min(int(noted) or bridged, bridged))
    return read


def _document(data: bytes) -> tuple[Any, bool]:
    """The JSON document, and whether its texts are still bytes, one character a byte."""
    try:
        return json.loads(data.decode("utf-8")), False
    except UnicodeDecodeError:
        pass
    except (ValueError, RecursionError) as error:
        raise NotWhole(str(error)[:200]) from error
    # One value in GBK does not make the others wrong, and the second byte of a GBK character can be the
    # backslash that JSON escapes with: so JSON is read first and each value decoded by itself.
    try:
        return json.loads(data.decode("latin-1")), True
    except (ValueError, RecursionError) as error:
        raise NotWhole(str(error)[:200]) from error


def _text(value: str) -> str:
    """A value read byte by byte: UTF-8, else GB18030, else what is left of UTF-8."""
    try:
        data = value.encode("latin-1")
    except UnicodeEncodeError:
        # Written as \uXXXX: it is text already.
        return value
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace")


def _bridge_times(callflow: object) -> Iterator[int]:
    for profile in callflow if isinstance(callflow, list) else []:
        times = profile.get("times") if isinstance(profile, dict) else None
        time = times.get("bridged_time") if isinstance(times, dict) else None
        if isinstance(time, str) and len(time) <= _LONGEST_TIME and time.isascii() and time.isdecimal():
            yield int(time)
