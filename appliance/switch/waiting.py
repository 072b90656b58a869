"""Waiting to music in the switch's words: the arguments that are sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from appliance.errors import UnsafeArgument
from appliance.switch import escape

#: ``argv[128]`` of ``file_string_context``; what is more would be one name that is no file's.
MOST_SOUNDS = 100
#: Keys that end a ``playback`` (``on_dtmf`` of mod_dptools); without it ``*`` does.
TERMINATORS = "playback_terminators"


def joined(sounds: Sequence[Path], prompts: Sequence[Path]) -> str:
    """Sounds as the one argument of ``playback`` that has them played one behind the other.

    Several go as one file, though its first quarter of a second is silent (``next_file`` of mod_dptools): of files
    divided by ``playback_delimiter``, ``uuid_break UUID all`` ends only the one that is heard, since whatever
    ``sendmsg`` has executed counts as a broadcast (``CF_BROADCAST``; ``switch_channel_stop_broadcast``).

    :param prompts: folders that they may lie in.

    >>> joined([Path("/srv/prompts/a.wav"), Path("/srv/prompts/b.wav")], [Path("/srv/prompts")])
    'file_string:///srv/prompts/a.wav!/srv/prompts/b.wav'
    >>> joined([Path("/srv/prompts/a.wav")], [Path("/srv/prompts")])
    '/srv/prompts/a.wav'
    >>> joined([], [Path("/srv/prompts")])
    Traceback (most recent call last):
    appliance.errors.UnsafeArgument: 0 sounds in one wait
    """
    if not 0 < len(sounds) <= MOST_SOUNDS:
        raise UnsafeArgument(f"{len(sounds)} sounds in one wait")
    files = [escape.media_path(sound, *prompts) for sound in sounds]
    # A path that media_path lets through holds no "!".
    return files[0] if len(files) == 1 else "file_string://" + "!".join(files)


def terminators(keys: str) -> str:
    """The value of ``TERMINATORS`` for these keys.

    >>> terminators("1#"), terminators("")
    ('1#', 'none')
    """
    return escape.keys(keys) or "none"
