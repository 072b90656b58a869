"""A caller, a switch with our handlers, and lines: what the contract is tried in.

``Surroundings`` is one running switch with the handlers' process, kept for the whole test run; ``SwitchWorld`` is
one test's phones on it. ``FakeWorld`` has the same face over ``FakeLeg``, where nobody needs to ring.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from appliance.domain.cdr import PACKED, unpacked
from appliance.domain.duration import TimeLimit
from appliance.errors import SwitchRefused
from appliance.switch.leg import Digits, Disposition, NoInput, Played, Recorded, Target, Tried
from appliance.testphone import IncomingCall, LineScript, OutgoingCall, Phone
from tests.contract.fake import ANY, FakeLeg
from tests.contract.remote import RemoteLeg, Stage

#: What each line of the tests does, by the number that is dialled. 480 after endless ringing never comes.
LINES: dict[str, Callable[[], LineScript]] = {
    "answers": lambda: LineScript.answer(0.1, say=900, hang_up_after=2.0),
    "stays": lambda: LineScript.answer(0.1, say=900),
    "busy": LineScript.busy,
    "no-answer": lambda: LineScript(status=480, ring_s=None),
    "rejects": LineScript.reject,
    "not-existing": LineScript.not_found,
    "unavailable": LineScript.unavailable,
    "presses-1": lambda: LineScript.answer(0.1, say=900, press="1", press_after=1.0, hang_up_after=3.0),
    "presses-5": lambda: LineScript.answer(0.1, say=900, press="5", press_after=1.0),
    "silent": lambda: LineScript(status=486, ringing=False, ring_s=1.6),
    "slow": lambda: LineScript.answer(1.5, say=900, hang_up_after=2.0),
    "late": lambda: LineScript.answer(57.0, say=900, press="1", press_after=8.0, hang_up_after=10.0),
}
_NUMBERS = {name: f"0215000{index:04}" for index, name in enumerate(LINES)}
_NAMES = {number: name for name, number in _NUMBERS.items()}

_FAKE_LINES = {
    "answers": Disposition.ANSWERED,
    "stays": Disposition.ANSWERED,
    "busy": Disposition.BUSY,
    "no-answer": Disposition.NO_ANSWER,
    "rejects": Disposition.REJECTED,
    "not-existing": Disposition.NOT_EXISTING,
    "unavailable": Disposition.UNREACHABLE,
    "presses-1": Disposition.ANSWERED,
    "presses-5": Disposition.NO_ANSWER,
    "silent": Disposition.BUSY,
    "slow": Disposition.ANSWERED,
    "late": Disposition.ANSWERED,
}

#: Prompts by name: tone in Hz and seconds.
PROMPTS = {"short": (600, 0.6), "menu": (700, 2.0), "first": (500, 1.0), "second": (800, 1.0), "long": (800, 6.0)}


@dataclass(frozen=True)
class Surroundings:
    """A switch that runs, and the handlers' process that it hands calls to."""

    name: str
    sip: tuple[str, int]
    prompts: Path
    recordings: Path
    spool: Path
    control_port: int
    api: Callable[[str], str]


class PhoneCaller:
    """A caller with a phone."""

    def __init__(self, call: OutgoingCall) -> None:
        self.call = call
        self._tasks: list[asyncio.Task[None]] = []

    def will_press(self, keys: str, after: float) -> None:
        """Press keys ``after`` s from now."""
        self._later(after, lambda: self.call.press(keys))

    def will_press_info(self, key: str, after: float) -> None:
        """Send a key by SIP INFO ``after`` s from now."""
        self._later(after, lambda: self.call.press_info(key))

    def will_hang_up(self, after: float) -> None:
        """Hang up ``after`` s from now."""
        self._later(after, self.call.hangup)

    def _later(self, after: float, act: Callable[[], Any]) -> None:
        async def wait_and_act() -> None:
            await asyncio.sleep(after)
            await act()

        self._tasks.append(asyncio.create_task(wait_and_act()))


class SwitchWorld:
    """Phones on a switch; an async context manager."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.caller_phone = Phone()
        self.line_phone = Phone(on_invite=lambda call: LINES[_NAMES[call.called]]())
        self.stage = Stage(around.control_port)
        self._stack = AsyncExitStack()
        self.legs: list[RemoteLeg] = []

    async def __aenter__(self) -> Self:
        for part in (self.stage, self.line_phone, self.caller_phone):
            await self._stack.enter_async_context(part)
        return self

    async def __aexit__(self, *error: Any) -> None:
        # Phones first: the handlers' verbs end when the callers have hung up.
        await self._stack.__aexit__(*error)

    @property
    def name(self) -> str:
        """Which switch it is."""
        return self.around.name

    def prompt(self, name: str) -> Path:
        """A prompt's file; of a name that is not in ``PROMPTS`` there is none."""
        return self.around.prompts / f"{name}.wav"

    def line(self, does: str, **changed: Any) -> Target:
        """A line that behaves so."""
        proxy = "{}:{}".format(*self.line_phone.address)
        fields = {"line": does, "number": _NUMBERS[does], "proxy": proxy, "ring_seconds": 2, "max_calls": 1}
        return Target(**{"caller_number": "02160001111", **fields, **changed})

    async def call(self, number: str = "4008001234", **dialled: Any) -> tuple[RemoteLeg, PhoneCaller]:
        """A call comes in: its leg and its caller."""
        call = await self.caller_phone.dial(number, self.around.sip, **dialled)
        leg = await self.stage.next_leg()
        self.legs.append(leg)
        return leg, PhoneCaller(call)

    async def answered(self, **dialled: Any) -> tuple[RemoteLeg, PhoneCaller]:
        """As ``call``, and it is answered."""
        leg, caller = await self.call(**dialled)
        await leg.answer()
        await leg.collect(None, 0.05)  # the answer goes out with the next verb that takes time
        await caller.call.answered()
        return leg, caller

    async def rung(self, timeout_s: float = 5.0) -> IncomingCall:
        """The call that a line was rung by."""
        return await self.line_phone.incoming(timeout_s)

    def wake(self, uuid: str) -> str:
        """End what a caller hears; what the switch says."""
        try:
            return self.around.api(f"uuid_break {uuid} all").strip()
        except SwitchRefused as refused:
            return str(refused)

    def say_over(self, uuid: str, sound: Path, verb: str = "start") -> str:
        """Say something in the place of what a leg hears, or end that; what the switch says."""
        try:
            return self.around.api(f"uuid_displace {uuid} {verb} {sound}").strip()
        except SwitchRefused as refused:
            return str(refused)

    def in_use(self, line: str, realm: str = "line") -> int:
        """Slots of a line that are taken, by the switch's own count; or of another realm."""
        return int(self.around.api(f"limit_usage hash {realm} {line}"))

    async def cdr(self, uuid: str, timeout_s: float = 5.0, *, of_line: bool = False) -> dict[str, str]:
        """The variables in the CDR of a caller's leg, or a line's, which must have ended."""
        file = self.around.spool / f"{'' if of_line else 'a_'}{uuid}.cdr.json"
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
                except (FileNotFoundError, ValueError):
                    await asyncio.sleep(0.05)  # written in place: not there, or not whole yet
                else:
                    variables: dict[str, str] = record["variables"]
                    return variables | unpacked(variables.get(PACKED, ""))


class FakeCaller:
    """Who called the fake."""

    def __init__(self, leg: FakeLeg) -> None:
        self._leg = leg

    def will_press(self, keys: str, after: float) -> None:
        """Press keys at the next ``collect``, or ``wait`` for keys."""
        self._leg.presses.append(keys)

    def will_hang_up(self, after: float) -> None:
        """Hang up during the next verb that takes time."""
        self._leg.gone_at = ANY


class AwaitedFake:
    """``FakeLeg`` with the face of ``RemoteLeg``."""

    def __init__(self, leg: FakeLeg) -> None:
        self.leg = leg
        self.uuid = leg.uuid

    async def notes(self) -> dict[str, str]:
        return dict(self.leg.notes)

    async def note(self, **facts: str) -> None:
        self.leg.note(**facts)

    async def limit(self, limit: TimeLimit, warning: Path | None) -> None:
        self.leg.limit(limit, warning)

    async def answer(self) -> None:
        self.leg.answer()

    async def early_media(self) -> None:
        self.leg.early_media()

    async def play(self, prompt: Path) -> Played:
        return self.leg.play(prompt)

    async def collect(self, prompt: Path | None, timeout_s: float, at_most: int = 1) -> Digits | NoInput:
        return self.leg.collect(prompt, timeout_s, at_most)

    async def wait(self, sounds: Sequence[Path], keys: str = "") -> Digits | NoInput:
        return self.leg.wait(sounds, keys)

    async def record(self, to: str, max_s: int = 10, silence_s: int = 5, keys: str = "#") -> Recorded | None:
        return self.leg.record(to, max_s, silence_s, keys)

    async def connect(self, target: Target, record_to: str | None = None, **ways: Any) -> Tried:
        return (await self.connect_any([target], record_to, **ways))[0]

    async def connect_any(
        self,
        targets: Sequence[Target],
        record_to: str | None = None,
        *,
        go_on: bool = True,
        music: Path | None = None,
    ) -> list[Tried]:
        return list(self.leg.connect(targets, record_to, go_on=go_on, music=music))

    async def hold(self, realm: str, name: str) -> int:
        return self.leg.hold(realm, name)

    async def let_go(self, realm: str, name: str) -> None:
        self.leg.let_go(realm, name)

    async def hang_up(self, cause: str = "NORMAL_CLEARING") -> None:
        self.leg.hang_up(cause)


class FakeWorld:
    """The fake's surroundings."""

    name = "fake"

    def prompt(self, name: str) -> Path:
        """A prompt's file."""
        return Path("/prompts") / f"{name}.wav"

    def line(self, does: str, **changed: Any) -> Target:
        """A line that behaves so."""
        fields = {"line": does, "number": _NUMBERS[does], "proxy": "127.0.0.1:5060", "ring_seconds": 2}
        return Target(**{"max_calls": 1, **fields, **changed})

    async def call(self) -> tuple[AwaitedFake, FakeCaller]:
        """A call comes in."""
        leg = FakeLeg(lines=_FAKE_LINES, missing=["absent.wav"])
        self.last = leg
        return AwaitedFake(leg), FakeCaller(leg)

    async def answered(self) -> tuple[AwaitedFake, FakeCaller]:
        """As ``call``, and it is answered."""
        leg, caller = await self.call()
        await leg.answer()
        return leg, caller

    async def cdr(self, uuid: str) -> dict[str, str]:
        """What a CDR would hold."""
        return {f"gw_{name}": fact for name, fact in self.last.told.items()}


World = SwitchWorld | FakeWorld
