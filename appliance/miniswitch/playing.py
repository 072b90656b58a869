"""Playing a sound to a leg until it ends, a key stops it, or something interrupts it."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable

from appliance.miniswitch import sound
from appliance.miniswitch.channel import Channel
from appliance.miniswitch.g711 import PCMA


class Played(enum.Enum):
    """How a playing ended."""

    TO_THE_END = enum.auto()
    STOPPED = enum.auto()


def play(
    channel: Channel, name: str, on_key: Callable[[str], bool] | None = None, at_most_s: float | None = None
) -> Played:
    """Play a file, tone or silence to this leg.

    `on_key` gets each key and says whether it stops the playing; without it keys stay for later. Raises
    `sound.SoundNotFound`, and `channel.Interrupted` when the call goes elsewhere.
    """
    channel.check()
    law = channel.remote.law if channel.remote is not None else PCMA
    player = sound.Player(*sound.load_all(name, law))
    deadline = None if at_most_s is None else time.monotonic() + at_most_s
    switch = channel.switch
    switch.events.fire("PLAYBACK_START", channel, ("Playback-File-Path", name))
    channel.media.player = channel.playing = player
    try:
        while True:
            ready = channel.wait(
                lambda: player.done or bool(on_key and channel.keys),
                None if deadline is None else max(0.0, deadline - time.monotonic()),
            )
            if not ready:
                return Played.STOPPED
            while on_key and channel.keys:
                if on_key(channel.keys.popleft()):
                    return Played.STOPPED
            if player.done:
                return Played.TO_THE_END
    finally:
        channel.playing = None
        if channel.media.player is player:
            channel.media.player = None
        played = player.frames_played * 20
        channel.variables.update(
            {
                "playback_ms": str(played),
                "playback_seconds": str(played // 1000),
                "playback_samples": str(played * 8),
            }
        )
        switch.events.fire(
            "PLAYBACK_STOP",
            channel,
            ("Playback-File-Path", name),
            ("Playback-Status", "done" if player.done and not player.broken_off else "break"),
        )
