"""A leg without a switch: caller and lines are a script. For tests of call steps.

::

    leg = FakeLeg(presses=["1"], lines={"a": Disposition.BUSY})
    take(leg, desk)
    assert leg.did == [("answer",), ("collect", "menu.wav"), ("connect", "a"), ("hang_up", "USER_BUSY")]

It passes the contract suite wherever that speaks of no sound. What it does not know: time, sound, slots shared
between calls.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from appliance.domain.called import Invite
from appliance.domain.duration import TimeLimit
from appliance.domain.outcome import MediaTerms, with_tried
from appliance.errors import CallerGone, UnsafeArgument
from appliance.switch import escape, messages, timelimit, waiting
from appliance.switch.dialling import LINE_FULL, ringing
from appliance.switch.leg import Digits, Disposition, NoInput, Played, Recorded, Target, Tried

INVITE = Invite(
    address="127.0.0.1",
    port=5060,
    request_user="4008001234",
    to_user="4008001234",
    caller_number="13800138000",
)

_CAUSES = {
    Disposition.ANSWERED: "SUCCESS",
    Disposition.BUSY: "USER_BUSY",
    Disposition.NO_ANSWER: "NO_ANSWER",
    Disposition.REJECTED: "CALL_REJECTED",
    Disposition.UNREACHABLE: "NORMAL_TEMPORARY_FAILURE",
    Disposition.NOT_EXISTING: "UNALLOCATED_NUMBER",
    Disposition.OFF: "SUBSCRIBER_ABSENT",
    Disposition.FULL: LINE_FULL,
}

#: For ``gone_at``: the next verb that takes time, whichever it is.
ANY = "any"


class FakeLeg:
    """A scripted ``Leg``.

    :param presses: what the caller presses at each ``collect``, and each ``wait`` that has keys, in turn; empty, or
        none left: nothing.
    :param lines: how a try of each line ends, ``LINE`` or ``LINE@TRUNK``; a line that is not named answers.
    :param missing: prompts that are not there, by file name.
    :param notes: what the leg carries already, as one that comes back from dead handlers.
    :param others: calls that are counted already, ``{"number 4008001234": 2}``.
    :param says: what the caller says at each ``record`` in turn; none left: nothing.
    :param gone_at: the caller hangs up during that verb: ``"play"``, or ``"play 2"`` for the second one.

    ``did`` lists the verbs carried out, with a prompt's file name, a line's id or a cause (several joined with
    ``+``); ``told`` are the notes that a verb has taken to the switch: what the call's CDR says. ``on_wait`` is
    called within each ``wait``: there a test lets time pass.
    """

    def __init__(
        self,
        invite: Invite = INVITE,
        *,
        presses: Iterable[str] = (),
        lines: Mapping[str, Disposition] | None = None,
        missing: Collection[str] = (),
        notes: Mapping[str, str] | None = None,
        gone_at: str = "",
        others: Mapping[str, int] | None = None,
        says: Iterable[Recorded | None] = (),
        uuid: str = "7d0c5a86-6d3c-4f0e-9a55-2c6ce5f1d6a4",
    ) -> None:
        self.invite = invite
        self.uuid = uuid
        self.presses = list(presses)
        self.lines = dict(lines or {})
        self.missing = set(missing)
        self.gone_at = gone_at
        self.others = dict(others or {})
        self.says = list(says)
        self.did: list[tuple[str, ...]] = []
        self.told: dict[str, str] = dict(notes or {})
        self.targets: list[Target] = []
        self.recorded_to: list[str] = []
        #: For each ``connect`` what was heard while it rang, by file name; empty: the tone.
        self.rung_to: list[str] = []
        self.on_wait: Callable[[], None] | None = None
        self.ended_with: str | None = None
        self.limited: TimeLimit | None = None
        #: The line with whose talk the call ended.
        self.joined = ""
        #: Where the call is counted.
        self.held: set[tuple[str, str]] = set()
        self._notes: dict[str, str] = dict(notes or {})
        self._counts: dict[str, int] = {}
        self._gone = False

    @property
    def notes(self) -> Mapping[str, str]:
        """See ``Leg.notes``."""
        return dict(self._notes)

    def note(self, **facts: str) -> None:
        """See ``Leg.note``."""
        for name, fact in facts.items():
            escape.variable(f"gw_{name}")
            self._notes[name] = escape.value(str(fact))

    def use(self, terms: MediaTerms) -> None:
        """See ``Leg.use``."""
        self._do("use", terms.dtmf)

    def limit(self, limit: TimeLimit, warning: Path | None) -> None:
        """See ``Leg.limit``. It never comes to it."""
        file = "" if warning is None else escape.media_path(warning, warning.parent)
        timelimit.variables(self.uuid, limit, file)
        self._do("limit", str(limit.seconds), "answer" if limit.from_answer else "bridge")
        self.limited = limit

    def answer(self) -> None:
        """See ``Leg.answer``."""
        self._do("answer")

    def early_media(self) -> None:
        """See ``Leg.early_media``."""
        self._do("early_media")

    def play(self, prompt: Path) -> Played:
        """See ``Leg.play``."""
        escape.media_path(prompt, prompt.parent)
        self._do("play", prompt.name)
        return Played.MISSING if prompt.name in self.missing else Played.WHOLE

    def collect(self, prompt: Path | None, timeout_s: float, at_most: int = 1) -> Digits | NoInput:
        """See ``Leg.collect``."""
        if not (timeout_s > 0 and at_most >= 1):
            raise UnsafeArgument(f"timeout_s {timeout_s} or at_most {at_most}")
        self._do("collect", prompt.name if prompt else "")
        pressed = self.presses.pop(0) if self.presses else ""
        keys = pressed if at_most == 1 else pressed.partition("#")[0]
        return Digits(keys[:at_most]) if keys else NoInput()

    def hide_keys(self) -> None:
        """See ``Leg.hide_keys``."""
        self._do("hide_keys")

    def wait(self, sounds: Sequence[Path], keys: str) -> Digits | NoInput:
        """See ``Leg.wait``. It is over at once."""
        waiting.joined(sounds, [sound.parent for sound in sounds])
        waiting.terminators(keys)
        self._do("wait", "+".join(sound.name for sound in sounds))
        pressed = self.presses.pop(0) if keys and self.presses else ""
        key = next((one for one in pressed if one in keys), "")
        return Digits(key) if key else NoInput()

    def record(self, to: str, max_s: int, silence_s: int, keys: str) -> Recorded | None:
        """See ``Leg.record``."""
        file = escape.media_path(Path("/recordings") / to, Path("/recordings"))
        messages.argument(file, max_s, silence_s)
        waiting.terminators(keys)
        self._do("record", to)
        said = self.says.pop(0) if self.says else None
        if said is not None:
            self.recorded_to.append(to)
        return said

    def connect(
        self, targets: Sequence[Target], record_to: str | None, *, go_on: bool, music: Path | None = None
    ) -> Sequence[Tried]:
        """See ``Leg.connect``. Of several lines the first that answers is joined."""
        if music is not None:
            escape.media_path(music, music.parent)
        ringing(targets, [target.whisper.parent for target in targets if target.whisper is not None])
        if record_to is not None:
            escape.media_path(Path("/recordings") / record_to, Path("/recordings"))
        self.note(line=targets[0].line if len(targets) == 1 else "")
        self.targets += targets
        self.rung_to.append(music.name if music is not None else "")
        self._do("connect", "+".join(target.line for target in targets))
        ends = {target.line: self._end_of(target) for target in targets}
        joined = next((line for line, how in ends.items() if how is Disposition.ANSWERED), "")
        if joined and record_to is not None:
            self.recorded_to.append(record_to)
            self.note(recorded="yes")
        if joined and not go_on:
            self.joined = joined
            self._gone = True
            raise CallerGone("the talk is over")
        if joined:
            ends = {line: how for line, how in ends.items() if line == joined or how is Disposition.FULL}
        tried = [Tried(line, how, _CAUSES[how]) for line, how in ends.items()]
        noted = self._notes.get("tried", "")
        for one in tried:
            noted = with_tried(noted, one)
        self.note(tried=noted)
        return tried

    def _end_of(self, target: Target) -> Disposition:
        by_trunk = self.lines.get(f"{target.line}@{target.trunk}")
        return by_trunk or self.lines.get(target.line, Disposition.ANSWERED)

    def hold(self, realm: str, name: str) -> int:
        """See ``Leg.hold``."""
        self._do("hold", f"{escape.variable(realm)} {escape.identifier(name)}")
        self.held.add((realm, name))
        return self.others.get(f"{realm} {name}", 0) + 1

    def let_go(self, realm: str, name: str) -> None:
        """See ``Leg.let_go``."""
        self._do("let_go", f"{realm} {name}")
        self.held.discard((realm, name))

    def hang_up(self, cause: str) -> None:
        """See ``Leg.hang_up``."""
        self._do("hang_up", escape.cause(cause))
        self.ended_with = cause
        self._gone = True

    def _do(self, verb: str, *what: str) -> None:
        """One verb: the caller is still there, and stays until its end."""
        if self._gone:
            raise CallerGone("the caller hung up")
        self.told.update(self._notes)
        self._counts[verb] = self._counts.get(verb, 0) + 1
        self.did.append((verb, *filter(None, what)))
        if verb == "wait" and self.on_wait is not None:
            self.on_wait()
        takes_time = verb not in ("limit", "answer", "early_media", "hide_keys", "hold", "let_go")
        if self.gone_at in (verb, f"{verb} {self._counts[verb]}") or (self.gone_at == ANY and takes_time):
            self._gone = True
            if takes_time:
                raise CallerGone("the caller hung up")
