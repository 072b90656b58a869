"""The applications of `docs/switch-contract.md` that need few lines each."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.miniswitch import api, causes
from appliance.miniswitch.channel import Channel
from appliance.miniswitch.expand import expand
from appliance.miniswitch.playing import play
from appliance.miniswitch.recording import Recording
from appliance.miniswitch.separate import separate
from appliance.miniswitch.sound import SoundNotFound

if TYPE_CHECKING:
    from appliance.miniswitch.session import Session

log = logging.getLogger(__name__)


def _answer(session: Session, _: str) -> None:
    session.channel.answer()


def _pre_answer(session: Session, _: str) -> None:
    session.channel.pre_answer()


def _set(session: Session, text: str) -> None:
    """`NAME=VALUE`; no value removes. The value is expanded even where arguments are not."""
    name, _, value = text.partition("=")
    if name:
        session.channel.variables.set(name, expand(value, session.channel.variables.get))


def _multiset(session: Session, text: str) -> None:
    divider = " "
    if text.startswith("^^") and len(text) > 2:
        divider, text = text[2], text[3:]
    for piece in separate(text, divider):
        _set(session, piece)


def _playback(session: Session, text: str) -> None:
    """A file's name, in front of it perhaps `{timeout=MS}`: the longest that it is played."""
    channel = session.channel
    limit = re.match(r"\{timeout=(\d+)\}", text)
    name = text[limit.end() :] if limit else text
    channel.variables.set("playback_terminator_used", None)
    terminators = channel.variables.get("playback_terminators") or "*"
    stops = {"any": "1234567890*#", "none": ""}.get(terminators.lower(), terminators)

    def on_key(key: str) -> bool:
        if key in stops:
            channel.variables.set("playback_terminator_used", key)
        return key in stops

    try:
        response = "PLAYBACK ERROR"
        play(channel, name, on_key, int(limit[1]) / 1000 if limit else None)
        response = "FILE PLAYED"
    except SoundNotFound as error:
        log.warning("%s: %s", channel.name, error)
        response = "FILE NOT FOUND"
    finally:
        channel.variables.set("current_application_response", response)


def _hangup(session: Session, cause: str) -> None:
    session.channel.hangup(causes.parse(cause))


def _transfer(session: Session, text: str) -> None:
    """`EXTENSION [DIALPLAN [CONTEXT]]`."""
    session.channel.move(*text.split()[:3])


def _record_session(session: Session, path: str) -> None:
    channel = session.channel
    variables = channel.variables
    if not path or path in channel.recordings:
        return
    try:
        recording = Recording(
            Path(path),
            variables.is_true("RECORD_STEREO"),
            variables.is_true("RECORD_BRIDGE_REQ"),
            session.switch.recordings,
            swapped=variables.is_true("RECORD_STEREO_SWAP"),
            appends=variables.is_true("RECORD_APPEND"),
        )
    except (OSError, ValueError) as error:
        log.error("%s: cannot record to %s: %s", channel.name, path, error)
        return
    channel.recordings[path] = recording
    channel.media.recordings = (*channel.media.recordings, recording)
    session.switch.events.fire("RECORD_START", channel, ("Record-File-Path", path))


def _stop_record_session(session: Session, path: str) -> None:
    channel = session.channel
    for each in list(channel.recordings) if path in ("", "all") else [path]:
        stop_recording(channel, each)


def stop_recording(channel: Channel, path: str) -> None:
    """End one recording of a leg; a file without any sound is removed, as FreeSWITCH does, but never one that was
    appended to."""
    recording = channel.recordings.pop(path, None)
    if recording is None:
        return
    channel.media.recordings = tuple(each for each in channel.media.recordings if each is not recording)
    recording.close()
    length = recording.milliseconds
    channel.variables.update(
        {"record_ms": str(length), "record_seconds": str(length // 1000), "record_samples": str(length * 8)}
    )
    if not length and not recording.appends:
        channel.variables.set("RECORD_DISCARDED", "true")
        with contextlib.suppress(OSError):
            Path(path).unlink()
    channel.switch.events.fire("RECORD_STOP", channel, ("Record-File-Path", path))


def _limit_execute(session: Session, text: str) -> None:
    """`hash REALM ID MAX APPLICATION ARGUMENT`: runs nothing when the slot is full."""
    words = text.split(" ", 5)
    if len(words) < 5 or words[0] != "hash":
        log.warning("%s: limit_execute %r is not understood", session.channel.name, text)
        return
    _, realm, slot, most, name, *argument = words
    channel, limits = session.channel, session.switch.limits
    most_number = int(most) if most.isdigit() else -1
    usage = limits.take(realm, slot, channel.uuid, most_number)
    if not usage:
        log.info("%s: %s %s is full", channel.name, realm, slot)
        return
    _note_usage(channel, realm, slot, usage)
    session.execute(name, argument[0] if argument else "")
    # Not when the application was interrupted: then the slot stays the channel's until its end, as in
    # FreeSWITCH.
    limits.free(realm, slot, channel.uuid)


def limit(channel: Channel, text: str) -> None:
    """`hash REALM ID [MAX [!CAUSE]]`: hold a place until the leg's end; without MAX it is only counted. Where none
    is left the leg is hung up."""
    words = text.split()
    if len(words) < 3 or words[0] != "hash":
        log.warning("%s: limit %r is not understood", channel.name, text)
        return
    realm, slot, limits = words[1], words[2], channel.switch.limits
    most = int(words[3]) if len(words) > 3 and words[3].isdigit() else -1
    usage = limits.take(realm, slot, channel.uuid, most)
    if not usage:
        channel.hangup(causes.parse(words[4].removeprefix("!") if len(words) > 4 else "CALL_REJECTED"))
        return
    _note_usage(channel, realm, slot, usage)


def _note_usage(channel: Channel, realm: str, slot: str, usage: int) -> None:
    channel.variables.update({"limit_usage": str(usage), f"limit_usage_{realm}_{slot}": str(usage)})


def _limit(session: Session, text: str) -> None:
    limit(session.channel, text)


def _sched_hangup(session: Session, text: str) -> None:
    """`[+]SECONDS [CAUSE]`: the API command of that name, for this leg."""
    when, _, cause = text.partition(" ")
    api.run(session.switch, f"sched_hangup {when} {session.channel.uuid} {cause}")


APPLICATIONS: dict[str, Callable[[Session, str], None]] = {
    "answer": _answer,
    "pre_answer": _pre_answer,
    "set": _set,
    "multiset": _multiset,
    "playback": _playback,
    "hangup": _hangup,
    "sched_hangup": _sched_hangup,
    "transfer": _transfer,
    "record_session": _record_session,
    "stop_record_session": _stop_record_session,
    "limit": _limit,
    "limit_execute": _limit_execute,
}
