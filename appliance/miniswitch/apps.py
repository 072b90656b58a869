"""The applications of `docs/switch-contract.md` that need few lines each."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.miniswitch import causes
from appliance.miniswitch.channel import Channel
from appliance.miniswitch.expand import expand
from appliance.miniswitch.playing import play
from appliance.miniswitch.recording import Recording
from appliance.miniswitch.sound import SoundNotFound

if TYPE_CHECKING:
    from appliance.miniswitch.session import Session

log = logging.getLogger(__name__)


def _answer(session: Session, _: str) -> None:
    session.answer()


def _pre_answer(session: Session, _: str) -> None:
    session.channel.pre_answer()


def _ring_ready(session: Session, _: str) -> None:
    session.channel.ring_ready()


def set_variable(channel: Channel, text: str) -> None:
    """`NAME=VALUE`; no value removes. The value is expanded even where arguments are not."""
    name, _, value = text.partition("=")
    if name:
        channel.variables.set(name, expand(value, channel.variables.get))


def _set(session: Session, text: str) -> None:
    set_variable(session.channel, text)


def _multiset(session: Session, text: str) -> None:
    divider = " "
    if text.startswith("^^") and len(text) > 2:
        divider, text = text[2], text[3:]
    for piece in filter(None, text.split(divider)):
        set_variable(session.channel, piece)


def _export(session: Session, text: str) -> None:
    """Set a variable that goes along to each leg that is rung."""
    set_variable(session.channel, text)
    name = text.partition("=")[0]
    known = (session.channel.variables.get("export_vars") or "").split(",")
    if name and name not in known:
        session.channel.variables.set("export_vars", ",".join(filter(None, [*known, name])))


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


def _sleep(session: Session, text: str) -> None:
    milliseconds = int(text) if text.isdigit() else 0
    channel = session.channel
    channel.wait(lambda: channel.broken, milliseconds / 1000)
    channel.take_break()


def _hangup(session: Session, cause: str) -> None:
    session.channel.hangup(causes.parse(cause))


def _respond(session: Session, text: str) -> None:
    """`CODE REASON`: refuses an unanswered call; on an answered one it does nothing."""
    code, _, reason = text.partition(" ")
    channel = session.channel
    if not code.isdigit() or not 400 <= int(code) <= 699:
        log.warning("%s: respond %r is not a refusal", channel.name, text)
    elif not channel.answered:
        channel.hangup(causes.from_sip(int(code)), int(code), reason or causes.phrase(int(code)))


def _sched_transfer(session: Session, text: str) -> None:
    """`+SECONDS EXTENSION [DIALPLAN CONTEXT]`."""
    when, _, rest = text.partition(" ")
    channel, extension = session.channel, rest.split(" ")[0]
    _schedule(session, when, partial(channel.move, extension) if extension else None)


def _sched_hangup(session: Session, text: str) -> None:
    """`+SECONDS [CAUSE]`."""
    when, _, cause = text.partition(" ")
    _schedule(
        session,
        when,
        partial(session.channel.hangup, causes.parse(cause) if cause else "ALLOTTED_TIMEOUT"),
        tell=False,
    )


def _schedule(session: Session, when: str, work: Callable[[], None] | None, tell: bool = True) -> None:
    """Do something later; `tell` leaves its number in `last_sched_id`, as a transfer does and a hang-up not."""
    channel = session.channel
    if work is None or not when.startswith("+") or not when[1:].isdigit():
        log.warning("%s: a time that is not understood: %r", channel.name, when)
        return
    job = session.switch.scheduler.after(int(when[1:]), work)
    channel.jobs[job.number] = job
    if tell:
        channel.variables.set("last_sched_id", str(job.number))


def _sched_cancel(session: Session, number: str) -> None:
    """One job by its number; without a number all of the channel's, the limit of its length too."""
    jobs = session.channel.jobs
    for each in [int(number)] if number.isdigit() else list(jobs):
        if (job := jobs.pop(each, None)) is not None:
            job.cancel()


def _transfer(session: Session, text: str) -> None:
    session.channel.move(text.split(" ")[0])


def _park(session: Session, _: str) -> None:
    """Wait for whatever ends it."""
    session.channel.wait(lambda: False)


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
    """End one recording of a leg; a file without any sound is removed, as FreeSWITCH does."""
    recording = channel.recordings.pop(path, None)
    if recording is None:
        return
    channel.media.recordings = tuple(each for each in channel.media.recordings if each is not recording)
    recording.close()
    length = recording.milliseconds
    channel.variables.update(
        {"record_ms": str(length), "record_seconds": str(length // 1000), "record_samples": str(length * 8)}
    )
    if not length:
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
    if not limits.take(realm, slot, channel.uuid, most_number):
        log.info("%s: %s %s is full", channel.name, realm, slot)
        return
    usage = str(limits.usage(realm, slot))
    channel.variables.update({"limit_usage": usage, f"limit_usage_{realm}_{slot}": usage})
    session.execute(name, argument[0] if argument else "")
    # Not when the application was interrupted: then the slot stays the channel's until its end, as in
    # FreeSWITCH.
    limits.free(realm, slot, channel.uuid)


APPLICATIONS: dict[str, Callable[[Session, str], None]] = {
    "answer": _answer,
    "pre_answer": _pre_answer,
    "ring_ready": _ring_ready,
    "set": _set,
    "multiset": _multiset,
    "playback": _playback,
    "sleep": _sleep,
    "hangup": _hangup,
    "respond": _respond,
    "sched_transfer": _sched_transfer,
    "sched_hangup": _sched_hangup,
    "export": _export,
    "sched_cancel": _sched_cancel,
    "transfer": _transfer,
    "park": _park,
    "record_session": _record_session,
    "stop_record_session": _stop_record_session,
    "limit_execute": _limit_execute,
}
