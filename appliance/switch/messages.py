"""Recording what a caller says, in the switch's words (mod_dptools ``record_function``)."""

from __future__ import annotations

import os

import structlog

from appliance.errors import UnsafeArgument
from appliance.switch.leg import Recorded

#: A frame whose mean sample (of 32768) is below it is silence (``switch_ivr_record_file_event``): a quiet voice has
#: some hundreds, a line's noise and comfort noise some tens.
THRESHOLD = 100
LONGEST_S, LONGEST_SILENCE_S = 3600, 60
_log = structlog.get_logger(__name__)


def argument(file: str, max_s: int, silence_s: int) -> str:
    """``FILE LIMIT THRESHOLD SILENCE``; the limit is seconds of the clock, the silence seconds of sound.

    >>> argument("/srv/recordings/a.wav", 120, 5)
    '/srv/recordings/a.wav 120 100 5'
    """
    if not (1 <= max_s <= LONGEST_S and 1 <= silence_s <= LONGEST_SILENCE_S):
        raise UnsafeArgument(f"max_s {max_s} or silence_s {silence_s}")
    return f"{file} {max_s} {THRESHOLD} {silence_s}"


def recorded(milliseconds: str, silence_s: int, key: str) -> Recorded | None:
    """What was recorded.

    :param milliseconds: ``record_ms``, of the file; unset where there is none.
    :param silence_s: how much of its end is the silence that ended it.

    >>> recorded("7500", 5, ""), recorded("5000", 5, ""), recorded("", 0, "")
    (Recorded(seconds=2.5, key=''), None, None)
    """
    length = int(milliseconds) if milliseconds.isascii() and milliseconds.isdigit() else 0
    said = length / 1000 - silence_s
    return Recorded(said, key) if said > 0 else None


def folder_is_there(file: str) -> bool:
    """Make the folder of a message where there is none. ``record`` makes none, other than ``record_session``, and a
    file that cannot be opened ends the call."""
    folder = os.path.dirname(file)  # noqa: PTH120 - a text that is sent as it is
    try:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    except OSError as error:
        _log.error("no folder for messages", folder=folder, error=error.strerror)
        return False
    return True
