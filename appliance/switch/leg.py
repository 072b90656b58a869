"""The port ``Leg``: what a call's steps may ask of the caller's leg.

Each verb returns a value; only ``CallerGone`` (and its kin in ``errors``) is raised, by any verb, at any time.
No verb is here that no step calls. ``tests/contract`` holds the scripted fake, the embedded switch and
FreeSWITCH to the same behaviour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from appliance.domain.called import Invite
from appliance.domain.duration import TimeLimit
from appliance.domain.outcome import Disposition, MediaTerms, Target, Tried
from appliance.domain.talk import TalkKey, TalkKeys

__all__ = [
    "Digits",
    "Disposition",
    "Leg",
    "LegHandler",
    "NoInput",
    "PhoneCode",
    "PhoneHandler",
    "Played",
    "Recorded",
    "Talk",
    "TalkHandler",
    "Target",
    "Tried",
]


class Played(StrEnum):
    """How a prompt ended."""

    WHOLE = "whole"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Digits:
    """Keys the caller pressed."""

    keys: str


@dataclass(frozen=True, slots=True)
class NoInput:
    """The caller pressed nothing in time."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a caller has said. ``seconds`` of it, without the silence that ended it; ``key`` that ended it, if one
    did."""

    seconds: float
    key: str = ""


@dataclass(frozen=True, slots=True)
class PhoneCode:
    """A SIP phone has dialled a code: to sign in at its ``line``, or out. The switch has checked its digest."""

    line: str
    signs_in: bool


class Leg(Protocol):
    """The caller's leg."""

    @property
    def uuid(self) -> str:
        """The switch's id of the leg; the call's id as well."""

    @property
    def invite(self) -> Invite:
        """What came in, as text."""

    @property
    def notes(self) -> Mapping[str, str]:
        """The leg's ``gw_…`` facts by their names without ``gw_``: those noted since it came, and those that it
        came with when it comes back from dead handlers."""

    def note(self, **facts: str) -> None:
        """Keep facts with the leg (as ``gw_NAME``) so that its CDR carries them; an empty text takes one back.

        Sent with the next verb: what is noted after the caller has gone is lost.
        """

    def use(self, terms: MediaTerms) -> None:
        """How the caller's voice and keys travel on his trunk, where it is not the usual. Sent as ``answer``, and
        before it."""

    def limit(self, limit: TimeLimit, warning: Path | None) -> None:
        """Have the switch end the call when its time is over, whatever becomes of the handlers, and wherever a
        line's side sends the caller meanwhile. ``warning`` is mixed into what both sides hear before the end. Sent
        as ``use``; to a leg that came answered, at once."""

    def answer(self) -> None:
        """Answer the call: from here it is metered. Sent with the next verb that takes time, and done before it."""

    def early_media(self) -> None:
        """Open the voice path without answering (183), for announcements that are free. Sent as ``answer``."""

    def play(self, prompt: Path) -> Played:
        """Play a prompt to its end."""

    def collect(self, prompt: Path | None, timeout_s: float, at_most: int = 1) -> Digits | NoInput:
        """Play a prompt, which the first key stops, and wait for keys: ``timeout_s`` from its end on.

        Without a prompt, or with one that is missing, the waiting begins at once. Where several keys are asked
        for, ``#`` or two seconds without a key end them, and a ``#`` right behind the last one belongs to them;
        where one is, ``#`` is a key as any other.
        """

    def hide_keys(self) -> None:
        """What the caller keys from here on is nobody's business: it goes into no log of the switch's, and the
        call's CDR shows ``X``, or nothing, for each key of the call. Sent as ``use``. Ask for such keys one by one:
        what was collected last stands in the CDR as well."""

    def wait(self, sounds: Sequence[Path], keys: str) -> Digits | NoInput:
        """Play sounds one behind the other, without a gap, until all are over, the caller presses one of ``keys``
        (of ``0123456789*#``; empty: none), or somebody wakes the leg: ``api uuid_break UUID all``.

        The key, if one ended it; that it was woken and that all are over are not told apart. Sounds that are
        missing are passed over; where none can be played half a second of silence is waited out. At least one
        sound, at most a hundred. Before the first of several goes a quarter of a
        second of silence.

        A wake that comes before the playing has begun is lost: whoever wakes does it again until the leg has
        moved. It ends a prompt as well: only those who wait are to be woken.

        Handlers that die do not end a wait. The first one of a second or more has the call forget how often
        it lost its handlers, so that only those that die soon after they have taken it bring it to the fallback.
        """

    def record(self, to: str, max_s: int, silence_s: int, keys: str) -> Recorded | None:
        """Record what the caller says, until he presses one of ``keys`` (as in ``wait``), says nothing for
        ``silence_s`` seconds, or ``max_s`` seconds are over; None: he said nothing, or it cannot be recorded.

        ``to`` is relative to the recordings folder. The call is to be answered. The file is whole when the verb
        returns, and also when the caller hangs up (``CallerGone``): what he has said by then is kept.

        One who talks on is not interrupted by the handlers' death: the switch records to the end.

        :raises UnsafeArgument: ``to`` leads out of the folder, or a time is not 1 to 3600 s (silence: 1 to 60).
        """

    def connect(
        self, targets: Sequence[Target], record_to: str | None, *, go_on: bool, music: Path | None = None
    ) -> Sequence[Tried]:
        """Ring lines, all at once, and join the first that answers, until one of the two hangs up; record both ways
        while they talk.

        ``record_to`` is relative to the recordings folder (``2026/11/22/UUID.wav``), None: no recording. Where a
        talk of the call is recorded already (noted as ``recorded``) it goes behind that, into the same file.
        ``music`` is what a caller who is answered hears while lines ring, again and again, instead of the ringing
        tone; nothing, where it is missing.

        Returns when none could be joined, what became of each in their order; their slots are free then. After a
        talk that the line ended it returns (that line ``ANSWERED``, beside it none but those that were full; the
        recording whole) when the call is to ``go_on``; else the switch ends the call with the talk, and
        ``CallerGone`` is raised as when the caller ends it.
        Notes ``line`` where it is one, and ``tried`` when it returns.
        """

    def hold(self, realm: str, name: str) -> int:
        """Count the call among those of ``name`` until it ends; how many there are with it."""

    def let_go(self, realm: str, name: str) -> None:
        """Count it there no more."""

    def hang_up(self, cause: str) -> None:
        """End the call with a Q.850 cause by FreeSWITCH's name; every verb after it raises ``CallerGone``."""


class LegHandler(Protocol):
    """What the server runs for each call."""

    def __call__(self, leg: Leg, /) -> None:
        """Carry one call out; returns when the call is done with."""


class Talk(Protocol):
    """A line's leg whose side has pressed a key while it talks to a caller. When its handler returns, they talk on;
    the caller hears music meanwhile."""

    @property
    def key(self) -> TalkKey:
        """What is asked for."""

    @property
    def caller(self) -> str:
        """The switch's id of the caller's leg."""

    @property
    def notes(self) -> Mapping[str, str]:
        """As ``Leg.notes``, as they were when the line was rung; ``line`` is this one."""

    def play(self, prompt: Path) -> Played:
        """As ``Leg.play``, to the line's side."""

    def collect(self, prompt: Path | None, timeout_s: float, at_most: int = 1) -> Digits | NoInput:
        """As ``Leg.collect``, from the line's side."""

    def hold_caller(self, keys: TalkKeys) -> None:
        """Leave the caller to his music until the line's side presses a digit or ``#``, or a star and one of
        ``keys``."""

    def consult(self, target: Target, unrecorded: str = "") -> Tried:
        """Ring another line and speak to it. The side that asked may then hang up, or press ``*``: the two others
        are joined and ``CallerGone`` is raised; ``#``, or the other's hanging up, brings it back to the caller;
        ``0`` joins all three, until it hangs up. Returns when it is back, or the other could not be reached.

        ``unrecorded``: why the caller is not to be recorded while he talks to the other; empty: what is recorded
        goes on. His recording ends before the other is rung, and goes on when the side that asked is back."""

    def send_on(self, line: str) -> None:
        """Send the caller to another line; he comes to the handlers with the note ``transfer``, and this leg
        ends."""

    def pause(self, recording: str, *, on: bool) -> None:
        """Record silence from now on (``on``), or what is said again. Noted as ``paused``."""


class PhoneHandler(Protocol):
    """What the server runs for each code that a SIP phone of the house dials."""

    def __call__(self, leg: Leg, code: PhoneCode, /) -> None:
        """Do what the code asks for; returns when the call is done with."""


class TalkHandler(Protocol):
    """What the server runs for each key in a talk."""

    def __call__(self, talk: Talk, /) -> None:
        """Do what is asked for."""
