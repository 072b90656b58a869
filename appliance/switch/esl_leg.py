"""The port ``Leg`` over an event-socket session.

Commands that belong together go out as one message and the switch works them off by itself: a verb costs one round
trip, ``note``, ``answer`` and ``early_media`` cost none. So a line's slot and its recording are put in order by the
switch even when the handlers die in the talk.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import structlog

from appliance.domain import cdr
from appliance.domain.duration import TimeLimit
from appliance.domain.outcome import MediaTerms, as_announced, disposition, with_tried
from appliance.errors import CallerGone, SwitchGone, UnsafeArgument
from appliance.switch import escape, messages, timelimit, waiting
from appliance.switch.dialling import LINE_FULL, causes_of, ringing
from appliance.switch.invites import invite_of, notes_of
from appliance.switch.leg import Digits, NoInput, Played, Recorded, Target, Tried
from appliance.switch.link import REPLY_TIMEOUT_S
from appliance.switch.options import RANG, SPOKE, media_variables
from appliance.switch.session import Application, Session

#: Nothing that is played is longer; a wait without a limit would outlive any fault.
PLAY_LIMIT_S = 3600.0
#: Longer calls are ended by ``calls.duration``.
TALK_LIMIT_S = 24 * 3600.0
#: Longest silent wait in one command: only at its end does the switch see that the handlers have died.
LONGEST_WAIT_S = 2.5
#: A wait that was over so soon played nothing, or was woken as it began. On a busy machine "nothing" takes a while;
#: a sound that is as short is followed by silence, which nobody minds.
_AT_ONCE_S = 0.4
#: What is waited to then: whoever waits again and again does not keep the switch busy.
_INSTEAD = "silence_stream://500"
#: Handlers that have kept a call waiting for so long do not die of taking it.
FORGIVEN_AFTER_S = 1.0
#: Not worth another command.
_NO_TIME_S = 0.05
#: Pause between two keys after which a number is taken for whole.
BETWEEN_KEYS_MS = 2000
#: How long a # behind the last key is waited for.
_HASH_S = 1.0
#: Most keys that are taken at once (``digit_buffer[128]`` in ``play_and_get_digits_function``).
MOST_KEYS = 64
_KEYS = "[0-9*#]+"
#: ``sip:480``, of the line that was rung last (``sofia_on_hangup``); nothing when it gave no answer.
_SIP_STATUS = "last_bridge_proto_specific_hangup_cause"
_LOSSES = "losses"
#: Set while a call waits: should its handlers die meanwhile, it was not this call that they died of.
_WAITS = "gw_waits"
#: Noted by the dialplan itself, for itself.
_THE_DIALPLANS = frozenset({_LOSSES, "waits", "last", "transfer", "moved", "after", "spoke", "rang"})
#: The leg that the caller was joined to (``switch_ivr_multi_threaded_bridge``).
_JOINED = "last_bridge_to"
#: Set on the caller's leg by a line's side before it takes the caller out of their talk (``switch.talk_leg``).
TRANSFER, MOVED = "gw_transfer", "gw_moved"
#: Set there as well, beside what is packed, when a line is consulted with which he is not to be recorded.
UNRECORDED = "gw_unrecorded"
#: Goes before ``ringback`` for a caller who is answered (``switch_ivr_originate``); a file is played in a loop.
_MUSIC = "transfer_ringback"
#: Letters are no keys: with one key asked for, ``#`` is an answer, not an end.
_NO_TERMINATOR = "none"
_SILENCE = "silence_stream://20"
#: The switch takes it away itself before it asks (``switch_ivr_read``).
_COLLECTED = "collected"
_log = structlog.get_logger(__name__)


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
        self._facts = {name: fact for name, fact in self._notes.items() if name not in _THE_DIALPLANS}
        self._variables: dict[str, str] = {}
        # The call ends with a talk unless somebody said otherwise: earlier handlers, perhaps.
        self._goes_on = session.data.get(b"variable_hangup_after_bridge") == "false"
        self._music = session.data.get(f"variable_{_MUSIC}".encode())
        self._due: list[Application] = []
        #: The caller was taken elsewhere: the call goes on without this connection.
        self.moved = False
        # What stands beside the packed facts goes before them: it goes among them, to be noted anew.
        self._noted = bool(session.data.get(f"variable_{UNRECORDED}".encode()))
        for name in (TRANSFER, MOVED, UNRECORDED):
            if session.data.get(f"variable_{name}".encode()):
                self._variables[name] = ""

    @property
    def notes(self) -> Mapping[str, str]:
        """See ``Leg.notes``."""
        return MappingProxyType(self._notes)

    def note(self, **facts: str) -> None:
        """See ``Leg.note``."""
        for name, fact in facts.items():
            escape.variable(name)
            self._facts[name] = self._notes[name] = escape.value(fact)
        self._noted = True

    def use(self, terms: MediaTerms) -> None:
        """See ``Leg.use``."""
        for name, wanted in media_variables(terms):
            self._variables[name] = escape.value(wanted)

    def limit(self, limit: TimeLimit, warning: Path | None) -> None:
        """See ``Leg.limit``."""
        file = "" if warning is None else escape.media_path(warning, *self._folders.prompts)
        data = self._session.data
        if limit.from_answer and data.get(b"Answer-State") == "answered":
            left = timelimit.since_answer(limit, data.get(b"Caller-Channel-Answered-Time"), time.time())
            self._session.api(timelimit.orders(self.uuid, left, file))
        else:
            self._variables |= timelimit.variables(self.uuid, limit, file)

    def answer(self) -> None:
        """See ``Leg.answer``."""
        self._queue("answer")

    def early_media(self) -> None:
        """See ``Leg.early_media``."""
        self._queue("pre_answer")

    def play(self, prompt: Path) -> Played:
        """See ``Leg.play``."""
        file = escape.media_path(prompt, *self._folders.prompts)
        # "FILE PLAYED", "FILE NOT FOUND" or "PLAYBACK ERROR" (mod_dptools playback_function).
        response = self._run([("playback", file)], "current_application_response", PLAY_LIMIT_S)
        return Played.WHOLE if response == "FILE PLAYED" else Played.MISSING

    def collect(self, prompt: Path | None, timeout_s: float, at_most: int = 1) -> Digits | NoInput:
        """See ``Leg.collect``."""
        if not (0 < timeout_s <= 600 and 1 <= at_most <= MOST_KEYS):
            raise UnsafeArgument(f"timeout_s {timeout_s} or at_most {at_most}")
        file = _SILENCE if prompt is None else escape.media_path(prompt, *self._folders.prompts)
        between_ms = min(BETWEEN_KEYS_MS, int(timeout_s * 1000))
        piece = min(timeout_s, LONGEST_WAIT_S)
        began = time.monotonic()
        keys = self._collect(file, piece, at_most, between_ms)
        now = time.monotonic()
        # A prompt that cannot be played ends the waiting before it begins (switch_ivr_read).
        if not keys and now - began < 0.9 * piece:
            _log.warning("asking ended early: a letter was keyed, or the prompt cannot be played", prompt=file)
            piece = 0.0
        until = now + timeout_s - piece
        while not keys and (left := until - time.monotonic()) > _NO_TIME_S:
            keys = self._collect(_SILENCE, min(left, LONGEST_WAIT_S), at_most, between_ms)
        if 1 < at_most == len(keys):
            # Many end a number with # though it is whole: that must not be a key for what comes next.
            self._collect(_SILENCE, _HASH_S, 1, between_ms)
        return Digits(keys) if keys else NoInput()

    def _collect(self, file: str, timeout_s: float, at_most: int, between_ms: int) -> str:
        """Keys; empty: none."""
        terminator = _NO_TERMINATOR if at_most == 1 else "#"
        asking = (
            f"1 {at_most} 1 {int(timeout_s * 1000)} {terminator} {file} {_SILENCE} {_COLLECTED} {_KEYS}"
            f" {between_ms}"
        )
        return self._run([("play_and_get_digits", asking)], _COLLECTED, PLAY_LIMIT_S + timeout_s)

    def hide_keys(self) -> None:
        """See ``Leg.hide_keys``."""
        # Sensitive keys go into no log, no event and not into ``digits_dialed`` (``switch_channel_queue_dtmf``).
        # What is flushed goes there all the same (``switch_channel_flush_dtmf``); what the pattern matches stands
        # there as X's (``switch_channel_set_timestamps``).
        self._variables |= {"digits_dialed_filter": ".+", "sensitive_dtmf": "true"}

    def wait(self, sounds: Sequence[Path], keys: str) -> Digits | NoInput:
        """See ``Leg.wait``."""
        file, terminators = waiting.joined(sounds, self._folders.prompts), waiting.terminators(keys)
        began = time.monotonic()
        key = self._wait(file, terminators)
        lasted = time.monotonic() - began
        if not key and lasted < _AT_ONCE_S:
            _log.warning("waiting ended at once: it was woken early, or nothing can be played", sounds=file[:200])
            key = self._wait(_INSTEAD, terminators)
        if lasted >= FORGIVEN_AFTER_S and self._notes.pop(_LOSSES, ""):
            self._variables[f"gw_{_LOSSES}"] = ""
        return Digits(key) if key else NoInput()

    def _wait(self, file: str, terminators: str) -> str:
        """The key that ended it. The switch takes the variable away by itself, with the same message: what is
        played next, be it when the handlers have died, is ended by what it ever was."""
        self._variables |= {waiting.TERMINATORS: terminators, _WAITS: "yes"}
        work = [("playback", file), ("multiset", escape.multiset({waiting.TERMINATORS: ""}))]
        # Emptied by ``playback_function`` before it plays.
        key = self._run(work, "playback_terminator_used", PLAY_LIMIT_S)
        # With what is sent next, unless that is another wait.
        self._variables[_WAITS] = ""
        return key

    def record(self, to: str, max_s: int, silence_s: int, keys: str) -> Recorded | None:
        """See ``Leg.record``."""
        file = escape.media_path(self._folders.recordings / to, self._folders.recordings)
        asking, terminators = messages.argument(file, max_s, silence_s), waiting.terminators(keys)
        if not messages.folder_is_there(file):
            return None
        self._variables[waiting.TERMINATORS] = terminators
        if self._notes.get("recorded"):
            # A talk before may have left it: a message that is spoken again is written anew (record_function).
            self._variables["RECORD_APPEND"] = ""
        # What is played next must not be ended by these keys.
        work = [("record", asking), ("multiset", escape.multiset({waiting.TERMINATORS: ""}))]
        milliseconds = self._run(work, "record_ms", max_s + PLAY_LIMIT_S)
        fell_silent = self._session.value("silence_hits_exhausted") == "true"
        key = self._session.value("playback_terminator_used")
        return messages.recorded(milliseconds, silence_s if fell_silent else 0, key)

    def connect(
        self, targets: Sequence[Target], record_to: str | None, *, go_on: bool, music: Path | None = None
    ) -> Sequence[Tried]:
        """See ``Leg.connect``."""
        heard = "" if music is None else escape.media_path(music, *self._folders.prompts)
        full = self._full(targets) if len(targets) > 1 else frozenset()
        rung = [target for target in targets if target.line not in full]
        if full and not rung:
            return self._tried(targets, dict.fromkeys(full, LINE_FULL))
        legs = [str(uuid.uuid4()) for _ in rung] if len(rung) > 1 else []
        work = [ringing(rung, self._folders.prompts, at_once=music is not None, call=self.uuid, legs=legs)]
        if record_to is not None:
            file = escape.media_path(self._folders.recordings / record_to, self._folders.recordings)
            # The last one's end is waited for: then the slot is free and the file is whole.
            work = [("record_session", file), *work, ("stop_record_session", file)]
            if self._notes.get("recorded"):
                # Written anew it would lose the talk that is in it; and what is appended to is not taken away when
                # this line does not answer (``record_callback``).
                self._variables["RECORD_APPEND"] = "true"
        self.note(line=rung[0].line if len(rung) == 1 else "")
        if any(target.max_calls for target in rung):
            self._variables["originate_disposition"] = LINE_FULL
        own_reading = len(rung) == 1 and bool(rung[0].causes)
        if own_reading:
            self._variables[_SIP_STATUS] = ""
        announced = len(rung) == 1 and rung[0].announced is not None
        if announced:
            self._variables |= {SPOKE: "", RANG: ""}
        if go_on != self._goes_on:
            self._goes_on = go_on
            self._variables["hangup_after_bridge"] = str(not go_on).lower()
        if heard != self._music:
            self._music = self._variables[_MUSIC] = heard
        cause = self._run(work, "originate_disposition", TALK_LIMIT_S)
        if cause == "SUCCESS" and any(target.keys for target in rung):
            self._check_moved()
        if cause == "SUCCESS" and record_to is not None:
            self.note(recorded="yes")
        if legs and cause == "SUCCESS":
            return self._talked(targets, rung, legs, full)
        causes = [cause]
        if len(rung) > 1:
            causes = causes_of(self._session.value("originate_causes"), cause, len(rung))
        ends = dict.fromkeys((target.line for target in rung), cause)
        ends |= zip((target.line for target in rung), causes, strict=False)
        status = self._session.value(_SIP_STATUS) if own_reading and cause != "SUCCESS" else ""
        spoke, rang = (self._session.value(SPOKE), self._session.value(RANG)) if announced else ("", "")
        heard_only = bool(spoke) and not rang
        return self._tried(targets, ends | dict.fromkeys(full, LINE_FULL), status.removeprefix("sip:"), heard_only)

    def _talked(
        self, targets: Sequence[Target], rung: Sequence[Target], legs: Sequence[str], full: frozenset[str]
    ) -> Sequence[Tried]:
        """The one of several lines that was joined, and those that were not rung. What became of the others nobody
        asks any more, and their own records tell it."""
        joined = self._session.value(_JOINED)
        (line,) = [one.line for one, its in zip(rung, legs, strict=True) if its == joined] or [""]
        if not line:
            _log.warning("which line was joined is not told", call=self.uuid, leg=joined[:80])
            line = rung[0].line
        ends = dict.fromkeys(full, LINE_FULL) | {line: "SUCCESS"}
        return self._tried([one for one in targets if one.line in ends], ends)

    def _check_moved(self) -> None:
        """A talk is over here when the line's side has sent the caller on, or speaks to another line for him.

        :raises CallerGone: he is not ours any more; nothing more is said to this leg.
        """
        if self._session.value(TRANSFER) or self._session.value(MOVED):
            self.moved = True
            raise CallerGone("taken elsewhere by the line's side")

    def hold(self, realm: str, name: str) -> int:
        """See ``Leg.hold``."""
        # Counted and told in one step (``limit_incr_hash``): of two calls that come at once one is the later.
        place = f"hash {escape.variable(realm)} {escape.identifier(name)}"
        # Kept when the call goes back to its dialplan because the handlers died (switch_limit.c ``hanguphook``).
        self._variables["limit_ignore_transfer"] = "true"
        return _whole(self._run([("limit", place)], "limit_usage", REPLY_TIMEOUT_S))

    def let_go(self, realm: str, name: str) -> None:
        """See ``Leg.let_go``."""
        place = f"{escape.variable(realm)} {escape.identifier(name)}"
        self._session.api([f"uuid_limit_release {self.uuid} hash {place}"])

    def _full(self, targets: Sequence[Target]) -> frozenset[str]:
        """Lines that have no slot free. Whoever takes the last one in this moment is stopped by the line's leg;
        this saves making legs that end at once."""
        counted = [target for target in targets if target.max_calls]
        used = self._session.api([f"limit_usage hash line {escape.identifier(one.line)}" for one in counted])
        return frozenset(
            one.line for one, count in zip(counted, used, strict=True) if _whole(count) >= one.max_calls
        )

    def _tried(
        self, targets: Sequence[Target], causes: Mapping[str, str], status: str = "", heard_only: bool = False
    ) -> Sequence[Tried]:
        tried = []
        for one in targets:
            found = disposition(causes[one.line], status, one.causes)
            found = as_announced(found, one.announced, spoke=heard_only, rang=False)
            tried.append(Tried(one.line, found, causes[one.line]))
        noted = self._notes.get("tried", "")
        for ended in tried:
            noted = with_tried(noted, ended)
        self.note(tried=noted)
        return tried

    def hang_up(self, cause: str) -> None:
        """See ``Leg.hang_up``. Returns when the switch has ended the call."""
        escape.cause(cause)
        self._session.hangup(cause, self._taken([]))

    def _queue(self, application: str) -> None:
        """To be sent with the next verb that is waited for; the end of the call, once known, is raised at once."""
        self._session.check()
        self._due.append((application, ""))

    def _run(self, applications: list[Application], read: str, timeout_s: float) -> str:
        """What is due, then these; see ``Session.run``."""
        return self._session.run(self._taken(applications), read, timeout_s)

    def _taken(self, applications: list[Application]) -> list[Application]:
        """All variables in one ``multiset``, since an application costs what ten variables do; then the rest."""
        variables, self._variables = self._variables, {}
        if self._noted:
            variables[cdr.PACKED] = cdr.packed(self._facts)
            self._noted = False
        due, self._due = self._due, []
        first = [("multiset", escape.multiset(variables))] if variables else []
        return [*first, *due, *applications]


def _whole(text: str) -> int:
    """A count of the switch's.

    :raises SwitchGone: it is none; the call is not to be reckoned with.
    """
    if not (text.isascii() and text.strip().isdigit()):
        raise SwitchGone(f"not a count: {text[:80]!r}")
    return int(text)
