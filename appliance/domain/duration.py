"""How long calls may last: which of the switch's channels reach the box's maximum next, and one call's limit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

#: The caller's leg, among the options of a line's (``switch.options.leg_options``).
_CALL = re.compile(r"[\[,]gw_call=([0-9a-f-]+)[,\]]", re.ASCII)


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """A call's own limit, which the switch holds by itself.

    :param seconds: at least 2; the call is over before the last of them is.
    :param from_answer: they count from the caller's answer; else from when he is joined to a line.
    :param warning_s: so long before the end both sides hear a warning; 0: they do not.
    """

    seconds: int
    from_answer: bool
    warning_s: int = 0

    @property
    def ends_after_s(self) -> int:
        """When the switch is to end it. It counts whole seconds of its clock and looks every half
        (``switch_scheduler.c``), so that ``+N`` comes N - 1 to N + 0.5 seconds later: one less is never too late.

        >>> TimeLimit(5, True).ends_after_s
        4
        """
        return self.seconds - 1

    @property
    def warns_after_s(self) -> int | None:
        """When the warning is heard; in a short call, in its middle. None: never.

        >>> TimeLimit(300, True, 60).warns_after_s, TimeLimit(40, True, 60).warns_after_s
        (240, 20)
        """
        if not self.warning_s:
            return None
        return self.seconds - min(self.warning_s, self.seconds // 2)


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


def consulted_for(channels: Iterable[Mapping[str, str]]) -> set[str]:
    """Callers' legs for whom a line's side speaks to another line, or rings it.

    :param channels: as in ``nearing_limit``; of a row are used ``application`` and ``application_data``.

    >>> data = "{ignore_early_media=true}[leg_timeout=25,gw_line=b,gw_call=0b1c-7f]sofia/gateway400/1@192.0.2.7"
    >>> consulted_for([{"application": "att_xfer", "application_data": data}, {"application": "bridge"}])
    {'0b1c-7f'}
    """
    asked = (row.get("application_data", "") for row in channels if row.get("application") == "att_xfer")
    return {found[1] for data in asked if (found := _CALL.search(data))}


def _begins_a_call(channel: Mapping[str, str]) -> bool:
    """Whether the call ends with this leg: it came in, or is a line's that calls somebody back, which runs an
    extension of its own that nobody dials."""
    calls_back = (channel.get("context"), channel.get("dest")) == ("handlers", "callback")
    return channel.get("direction") == "inbound" or calls_back
