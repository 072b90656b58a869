"""The maximum call duration: which of the switch's channels reach it next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime


def nearing_limit(
    channels: Iterable[Mapping[str, str]], now: datetime, max_s: int, within_s: int
) -> dict[str, int]:
    """Callers' legs, and those of lines that call somebody back, that will be ``max_s`` old in ``within_s`` or are
    already: UUID → whole seconds left.

    :param channels: rows of ``show channels``; of a row are used ``uuid``, ``direction``, ``created_epoch``
        (seconds since 1970), ``context`` and ``dest``. A row without them is none of ours.

    >>> from datetime import UTC
    >>> row = {"uuid": "a", "direction": "inbound", "created_epoch": "1000"}
    >>> nearing_limit([row], datetime.fromtimestamp(8195, UTC), 7200, 10)
    {'a': 5}
    >>> nearing_limit([row], datetime.fromtimestamp(8189, UTC), 7200, 10)
    {}
    >>> back = row | {"direction": "outbound", "context": "handlers", "dest": "callback"}
    >>> nearing_limit([back], datetime.fromtimestamp(8195, UTC), 7200, 10)
    {'a': 5}
    """
    left = {}
    for channel in channels:
        created = channel.get("created_epoch", "")
        if not _begins_a_call(channel) or not channel.get("uuid") or not created.isdecimal():
            continue
        seconds = max(0, int(created) + max_s - int(now.timestamp()))
        if seconds <= within_s:
            left[channel["uuid"]] = seconds
    return left


def _begins_a_call(channel: Mapping[str, str]) -> bool:
    """Whether the call ends with this leg: it came in, or is a line's that calls somebody back, which runs an
    extension of its own that nobody dials."""
    calls_back = (channel.get("context"), channel.get("dest")) == ("handlers", "callback")
    return channel.get("direction") == "inbound" or calls_back
