"""The port ``Leg`` over an event-socket session.

Commands that belong together go out together and the switch works them off by itself: a verb costs one round
trip, ``note``, ``answer`` and ``early_media`` cost none. So a line's slot, its recording and ``socket_resume`` are
put in order by the switch even when the handlers die in the talk.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import structlog

from appliance.errors import UnsafeArgument
from appliance.switch import escape
from appliance.switch.dialling import LINE_FULL, RINGBACK, caller_id, disposition, limited_bridge
from appliance.switch.invites import invite_of, notes_of
from appliance.switch.leg import Digits, NoInput, Played, Target, Tried
from appliance.switch.session import Session

#: Nothing that is played is longer; a wait without a limit would outlive any fault.
PLAY_LIMIT_S = 3600.0
#: The dialplan ends longer calls by itself (``sched_hangup``).
TALK_LIMIT_S = 24 * 3600.0
#: Pause between two keys after which a number is taken for whole.
BETWEEN_KEYS_MS = 3000
#: Most keys that are taken at once (``digit_buffer[128]`` in ``play_and_get_digits_function``).
MOST_KEYS = 64
_KEYS = "[0-9*#]+"
#: Letters are no keys: with one key asked for, ``#`` is an answer, not an end.
_NO_TERMINATOR = "none"
_SILENCE = "silence_stream://20"
_log = structlog.get_logger(__name__)

Application = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Folders:
    """Where files that are named to the switch may lie; absolute."""

    prompts: tuple[Path, ...]
    recordings: Path


class EslLeg:
    """A caller's leg that an event-socket session controls. Built when the session is connected."""

    def __init__(self, session: Session, folders: Folders) -> None:
        self._session = session
        self._folders = folders
        self.invite = invite_of(session.data)
        self.uuid = session.uuid
        self._notes = notes_of(session.data)
        self._unsent: dict[str, str] = {}
        self._collected = 0
        # The dialplan fetches a call back that nobody took up within three seconds. Only that task is
        # cancelled: without its number every task of the channel would go, its longest duration too.
        task = session.data.get(b"variable_last_sched_id")
        session.start([("sched_cancel", task if task.isdecimal() else "")])

    @property
    def notes(self) -> Mapping[str, str]:
        """See ``Leg.notes``."""
        return MappingProxyType(self._notes)

    def note(self, **facts: str) -> None:
        """See ``Leg.note``."""
        for name, fact in facts.items():
            self._unsent[escape.variable(f"gw_{name}")] = escape.value(str(fact))
            self._notes[name] = str(fact)

    def answer(self) -> None:
        """See ``Leg.answer``. Not waited for: what follows runs after it."""
        self._session.start([*self._due(), ("answer", "")])

    def early_media(self) -> None:
        """See ``Leg.early_media``. Not waited for."""
        self._session.start([*self._due(), ("pre_answer", "")])

    def play(self, prompt: Path) -> Played:
        """See ``Leg.play``."""
        file = escape.media_path(prompt, *self._folders.prompts)
        event = self._session.run([*self._due(), ("playback", file)], PLAY_LIMIT_S)
        # "FILE PLAYED", "FILE NOT FOUND" or "PLAYBACK ERROR" (mod_dptools playback_function).
        return Played.WHOLE if event.get(b"Application-Response") == "FILE PLAYED" else Played.MISSING

    def collect(self, prompt: Path | None, timeout_s: float, at_most: int = 1) -> Digits | NoInput:
        """See ``Leg.collect``."""
        if not (0 < timeout_s <= 600 and 1 <= at_most <= MOST_KEYS):
            raise UnsafeArgument(f"timeout_s {timeout_s} or at_most {at_most}")
        file = _SILENCE if prompt is None else escape.media_path(prompt, *self._folders.prompts)
        began = time.monotonic()
        answer, spoiled = self._collect(file, timeout_s, at_most)
        # A prompt that cannot be played ends the waiting before it begins (switch_ivr_read).
        if answer is None and not spoiled and time.monotonic() - began < 0.9 * timeout_s:
            _log.warning("prompt not played", prompt=file, call=self.uuid)
            answer, _ = self._collect(_SILENCE, timeout_s, at_most)
        return NoInput() if answer is None else Digits(answer)

    def _collect(self, file: str, timeout_s: float, at_most: int) -> tuple[str | None, bool]:
        """Keys (None: none), and whether what was pressed were no keys (A to D)."""
        # A name of its own each time: an answer left over from an earlier one is never taken for this one's.
        self._collected += 1
        name = f"collected_{self._collected}"
        terminator = _NO_TERMINATOR if at_most == 1 else "#"
        argument = (
            f"1 {at_most} 1 {int(timeout_s * 1000)} {terminator} {file} {_SILENCE} {name} {_KEYS}"
            f" {min(BETWEEN_KEYS_MS, int(timeout_s * 1000))}"
        )
        due = [*self._due({name: ""}), ("play_and_get_digits", argument)]
        event = self._session.run(due, PLAY_LIMIT_S + timeout_s)
        keys = event.get(f"variable_{name}".encode())
        return keys or None, bool(event.get(f"variable_{name}_invalid".encode()))

    def connect(self, target: Target, record_to: str | None) -> Tried:
        """See ``Leg.connect``."""
        bridge = ("limit_execute", limited_bridge(target))
        variables = {
            **caller_id(target),
            "originate_disposition": LINE_FULL,
            "ignore_early_media": "true",
            "ringback": RINGBACK,
            # With it, handlers that die would end the talk (mod_event_socket listener_run).
            "socket_resume": "false",
        }
        resume = ("multiset", escape.multiset({"socket_resume": "true"}))
        if record_to is None:
            work = [bridge, resume]
        else:
            file = escape.media_path(self._folders.recordings / record_to, self._folders.recordings)
            variables |= {"RECORD_STEREO": "true", "RECORD_BRIDGE_REQ": "true"}
            # The last one's end is waited for: then the slot is free and the file is whole.
            work = [("record_session", file), bridge, resume, ("stop_record_session", file)]
        self.note(line=target.line)
        event = self._session.run([*self._due(variables), *work], TALK_LIMIT_S)
        cause = event.get(b"variable_originate_disposition")
        tried = Tried(target.line, disposition(cause), cause)
        entry = f"{target.line}={tried.disposition}"
        self.note(tried=";".join(filter(None, [self._notes.get("tried", ""), entry])))
        return tried

    def hang_up(self, cause: str) -> None:
        """See ``Leg.hang_up``. Returns when the switch has ended the call."""
        self._session.hangup(escape.cause(cause), self._due())

    def _due(self, more: Mapping[str, str] | None = None) -> list[Application]:
        """Facts noted since the last verb, and ``more`` variables, as one ``multiset``; none: nothing."""
        variables = {**self._unsent, **(more or {})}
        due = [("multiset", escape.multiset(variables))] if variables else []
        self._unsent.clear()
        return due
