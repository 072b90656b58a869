"""Rows of ``tests/scenarios/calls.txt`` as real calls: dialled, listened to, and read from the database.

Every prompt of the box is a tone of its own, so that what a caller hears can be told by ear. Rows that want another
day or hour, other calls at once or a line that is full are left to the scripted leg. Of the queues' rows those in
``WAITING`` are carried out: lines are full because somebody else talks there, and times are short.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import soundfile

from appliance.domain.calendar import SHANGHAI
from appliance.domain.hunt import Strategy
from appliance.domain.queue import Waiting
from appliance.ops.alive import process_name
from appliance.store.journal import Journal
from appliance.store.queries.call_views import CallDetail
from appliance.store.queries.calls import CallFilter
from appliance.store.queries.queues import StayView, stays_of_call
from appliance.store.queries.scope import Scope, reading
from appliance.store.waitlist import Kept, Waitlist
from appliance.testphone import CallFailed, CallOver, IncomingCall, LineScript, OutgoingCall, Phone
from tests.calls.scenarios import FOLDER, Scenario, chains, table
from tests.e2e.live import LiveBox, live_box

LINES: dict[str, Callable[[], LineScript]] = {
    "busy": LineScript.busy,
    "no-answer": LineScript.no_answer,
    "rejected": LineScript.reject,
    "unreachable": lambda: LineScript(status=503, ringing=False),  # which another trunk may mend; 480 none does
    "not-existing": LineScript.not_found,
}
PROMPT_S = 0.4
#: Hz; apart from one another and from ringback's 450.
FIRST_HZ, STEP_HZ = 600, 50
VOICE_HZ = 520
#: Rules and lines that look at the clock, or at windows of time.
_BY_THE_CLOCK = frozenset({"4008000010", "4008000011", "4008000013", "4008000021", "4008000025", "4008000028"})
#: Strategies that go by the order of calls, not by their times.
_BY_ORDER = frozenset({"4008000001", "4008000003", "4008000005", "4008000006", "4008000012"})
_DICE = frozenset({Strategy.RANDOM, Strategy.WEIGHT})
#: Rows in which somebody waits, or might. A queue's longest wait is 10 s here, and a line rests for 2 s.
WAITING = (
    "served at once, no music",
    "waits until a line is free",
    "told his position, then music",
    "all lines ring at once",
    "both lines rest, then the first",
    "notice once, though a rang in vain",
    "lines of the number, then its queue",
    "timeout without an exit",
    "full without an exit",
    "full with an exit, to another queue",
    "nobody is signed in, no exit",
    "somebody is signed in",
    "a key to another queue",
    "a key that ends the call",
    "gone while he waits",
    "gone while a line of a queue rings",
    "a VIP before the others, at once",
    "a wrong key, then the right one",
    "gone as he is told again",
    "gone in the notice before waiting",
    "in vain, then the other line",
    "menu before the queue",
)
#: Numbers that ring these lines alone while those before them are taken.
_TAKES = {"a": "4008000022", "b": "4008000007"}
_TAKER = "13700137000"
_SHORT_S = 10


def told(row: Scenario) -> list[tuple[str, str]]:
    """The row's verbs: (verb, what)."""
    steps = [step.partition(" ") for step in row.did.split(", ")]
    return [(verb, what) for verb, _, what in steps]


def sounds(row: Scenario) -> list[str]:
    """Everything that the caller hears."""
    return [
        sound
        for verb, what in told(row)
        if verb in ("play", "collect", "wait")
        for sound in what.split("+")
        if sound
    ]


@cache
def prompts() -> dict[str, int]:
    """Prompt → its tone in Hz, of every prompt that the table or the site names."""
    names = {
        name
        for chain in chains()
        for row in chain
        for verb, what in told(row)
        if verb in ("play", "collect")
        for name in what.split("+")
    }
    names.add("hello")  # a line's whisper, which no row of this file hears
    names |= {"tune", *(sound for chain in waiting() for row in chain for sound in sounds(row))}
    return {name: FIRST_HZ + STEP_HZ * index for index, name in enumerate(sorted(names))}


def waiting() -> list[list[Scenario]]:
    """The rows about queues that are carried out."""
    chosen = [chain for chain in chains() if chain[0].name in WAITING]
    assert len(chosen) == len(WAITING)
    return chosen


@cache
def of_queues() -> set[str]:
    """Numbers that lead into a queue."""
    return {row.number for chain in chains() for row in chain if row.stays}


def is_live(chain: list[Scenario]) -> bool:
    """Whether a real box can be brought to carry out these rows as they stand."""
    return chain[0].number not in of_queues() and all(
        row.address == "127.0.0.1"
        and row.number not in _BY_THE_CLOCK
        and (not row.at or row.number in _BY_ORDER)
        and not row.others
        and not row.gone_at
        and not {"full", "off"} & set(row.ends.values())
        and not any("@" in line for line in row.ends)
        and row.number != "4008000017"
        and row.presses.count("") < 2
        and len(row.number) < 12
        and row.number.isascii()
        and (row.number not in table().numbers or table().numbers[row.number].hunt.strategy not in _DICE)
        and not table().numbers.get(row.number, table().numbers["4008001234"]).rules.schedule
        for row in chain
    )


#: Rows of one number that differ in what a rule thinks of the caller are all the same to a switch.
_ENOUGH = 3


def _dialled(chain: list[Scenario]) -> str:
    """The number; empty: it is nobody's."""
    return chain[0].number if chain[0].number in table().numbers else ""


def live() -> list[list[Scenario]]:
    """The chains that are carried out, of those about one number without a menu some."""
    chosen: list[list[Scenario]] = []
    for chain in filter(is_live, chains()):
        number = _dialled(chain)
        alike = sum(_dialled(other) == number for other in chosen)
        if alike < _ENOUGH or number in ("4008001234", "4008005678") or number in _BY_ORDER:
            chosen.append(chain)
    return chosen


LIVE = live() + waiting()


@pytest.fixture(scope="module")
def box(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    """The scenarios' box; lines ring for two seconds."""
    folder: Path = tmp_path_factory.mktemp(f"scenarios-{switch}")
    site = (FOLDER / "site.yaml").read_text(encoding="utf-8")
    site = site.replace("127.0.0.1:5090", "127.0.0.1:@A@").replace(", trunk: t", ", trunk: t, ring_seconds: 2")
    site = site.replace(", wrap_up_seconds: 0", "").replace(
        "max_wait_seconds: 50", f"max_wait_seconds: {_SHORT_S}, rest_seconds: 2, wrap_up_seconds: 0"
    )
    for account in ("demo", "small"):
        tones = folder / "prompts" / account
        tones.mkdir(parents=True)
        for name, hz in prompts().items():
            at = np.arange(int(8000 * PROMPT_S)) / 8000
            samples = (0.5 * np.sin(2 * np.pi * hz * at)).astype("float32")
            soundfile.write(tones / f"{name}.wav", samples, 8000, subtype="PCM_16")
    with live_box(folder, switch, site=site) as running:
        yield running


def test_there_are_enough_of_each_kind() -> None:
    rows = [row for chain in LIVE for row in chain]
    assert len(rows) >= 60
    assert len({row.outcome for row in rows}) >= 9


@pytest.mark.parametrize("chain", LIVE, ids=lambda chain: chain[0].name.replace(" ", "-"))
async def test_a_real_call(box: LiveBox, chain: list[Scenario]) -> None:
    with contextlib.closing(sqlite3.connect(box.settings.journal_file, timeout=5)) as journal:
        for name in ("started", "rung", "talked", "waiting", "resting", "signed"):
            journal.execute(f"DELETE FROM {name}")
        journal.commit()
    for row in chain:
        await _carried_out(box, row)


async def _carried_out(box: LiveBox, row: Scenario) -> None:
    numbers = {line.number: line.id for line in table().lines.values()}
    rung: list[str] = []
    taking = True

    def behave(call: IncomingCall) -> LineScript:
        line = numbers[call.called]
        if taking:
            return LineScript.answer(0.1, say=VOICE_HZ)
        rung.append(line)
        how = row.ends.get(line)
        tries = row.some_tries.get(line, len(rung))
        return (
            LINES[how]() if how is not None and rung.count(line) <= tries else LineScript.answer(0.2, say=VOICE_HZ)
        )

    async with Phone() as phone, Phone(port=box.port_a, on_invite=behave):
        begun = time.time()
        taken = {line: await _taken(phone, box, line) for line in sorted(row.counted_full)}
        taking = False
        with _others_wait(box, row):
            since = time.time()
            call = await phone.dial(row.number, box.sip, caller=row.caller or "13800138000")
            with contextlib.suppress(CallOver, CallFailed):
                await _keyed(call, row, taken)
                if row.gone_at:
                    await _until(lambda: bool(rung) or row.gone_at != "connect")
                    await call.hangup()
                elif row.outcome == "answered":
                    await call.hears(VOICE_HZ, 15)
                    await asyncio.sleep(0.2)
                    await call.hangup()
            await call.ended(30)
            heard = _tones(call)
        for other in taken.values():
            with contextlib.suppress(CallOver, CallFailed):
                await other.hangup()
    # Their talks count in the next row's waits if they are remembered only after its journal was emptied.
    await asyncio.to_thread(_all_remembered, box, begun, len(row.counted_full))
    assert sorted(rung) == sorted(line for verb, what in told(row) if verb == "connect" for line in what.split("+"))
    assert _rounds(rung, row) == [sorted(what.split("+")) for verb, what in told(row) if verb == "connect"]
    if any(verb == "wait" for verb, _ in told(row)):
        # It goes on while lines ring, and is heard as often as it takes.
        assert set(heard) & set(sounds(row))
    if row.gone_at:
        wanted = _but_music(sounds(row))
        assert _but_music(heard) == wanted[: len(_but_music(heard))]
    elif row.number in table().numbers:
        assert _but_music(heard) == _but_music(sounds(row))
    else:
        # A number of nobody has no account, and so the box's own announcement, which is speech.
        assert len(call.heard) > 8000
    stored = await asyncio.to_thread(_stored_since, box, since)
    assert (stored.row.outcome, stored.because) == (row.outcome, row.because)
    if row.outcome != "answered" and not row.gone_at:
        assert stored.hangup_cause == row.cause
    joined = [line for line in rung if line not in row.ends]
    if row.outcome == "answered" and len(joined) == 1:
        assert stored.row.line_id == joined[0]
    ends = {attempt.line_id: attempt.disposition for attempt in stored.tried if attempt.line_id in row.ends}
    if not row.some_tries and not row.gone_at:
        assert ends == {line: how for line, how in row.ends.items() if line in rung}
    _agree_on_stays(row, await asyncio.to_thread(_stays, box, stored.row.uuid), stored.row.line_id)


async def _taken(phone: Phone, box: LiveBox, line: str) -> OutgoingCall:
    """Somebody talks to the line."""
    call = await phone.dial(_TAKES[line], box.sip, caller=_TAKER)
    await call.hears(VOICE_HZ, 10)
    return call


@contextlib.contextmanager
def _others_wait(box: LiveBox, row: Scenario) -> Iterator[None]:
    """The others of a row wait at handlers of theirs, which are this process."""
    with contextlib.closing(Journal(box.settings.journal_file)) as journal:
        waitlist = Waitlist(journal.file)
        now = datetime.now(SHANGHAI)
        others = [
            Kept(Waiting(f"other{number}", queue, now - timedelta(seconds=1)), "demo", process_name())
            for queue, count in row.before_him.items()
            for number in range(count)
        ]
        for one in others:
            waitlist.keep(one)
        for after, line, signed_in in row.signings:
            assert after == 0
            waitlist.sign(line, now, signed_in=signed_in)
        yield
        for one in others:
            waitlist.keep(one, left_at=now)


def _but_music(heard: Sequence[str]) -> list[str]:
    return [name for name, _ in groupby(name for name in heard if name not in ("hold-music", "tune"))]


def _agree_on_stays(row: Scenario, found: Sequence[StayView], line: str) -> None:
    """The same queues in order, each left in the same way, and about as long as it was waited."""
    assert [f"{stay.queue_id}={stay.left}" for stay in found] == [
        one.partition(":")[0] for one in row.stays.split()
    ]
    for one, stay in zip(row.stays.split(), found, strict=True):
        seconds = int(one.partition(":")[2])
        assert stay.wait_ms / 1000 <= (2 if seconds == 0 else _SHORT_S + 2), one
        assert stay.left != "timeout" or stay.wait_ms >= _SHORT_S * 1000
        assert stay.line_id == (line if stay.left == "answered" else "")


def _stays(box: LiveBox, uuid: str) -> Sequence[StayView]:
    with reading(box.store, Scope(None)) as reader:
        return stays_of_call(reader, uuid)


async def _until(reached: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not reached():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def _keyed(call: OutgoingCall, row: Scenario, taken: dict[str, OutgoingCall]) -> None:
    """Follow the prompts, and press what the row says when it is asked; while he waits, lines become free after so
    many waits as it says."""
    presses = list(row.presses)
    free_after = {line: waits for line, waits in row.counted_full.items() if waits is not None}
    waits = 0
    for verb, what in told(row):
        if verb == "wait":
            if row.gone_at or free_after or presses:
                # A line that is free cuts an announcement short.
                heard = what.split("+")[-1 if free_after else 0]
                await call.hears(prompts()[heard], 20, seconds=0.15)
            waits += 1
            for line in [line for line, after in free_after.items() if after == waits]:
                del free_after[line]
                await taken.pop(line).hangup()
        elif verb not in ("play", "collect") or not (presses or row.gone_at):
            continue
        else:
            await call.hears(prompts()[what.rpartition("+")[2]], 20, seconds=0.15)
        if presses and verb != "play":
            keys = presses.pop(0)
            if keys:
                await call.press(keys)


def _rounds(rung: list[str], row: Scenario) -> list[list[str]]:
    """The lines in the order in which they rang, those that were to ring at once together."""
    left = list(rung)
    rounds = []
    for what in (what for verb, what in told(row) if verb == "connect"):
        count = what.count("+") + 1
        rounds.append(sorted(left[:count]))
        left = left[count:]
    return rounds


def _tones(call: OutgoingCall) -> list[str]:
    """The prompts that were heard, in order."""
    names = {hz: name for name, hz in prompts().items()}
    heard = np.asarray(call.heard, dtype=float)
    found: list[str] = []
    last, silent = "", 0
    for start in range(0, len(heard) - 400, 200):
        piece = heard[start : start + 400]
        if np.sqrt(np.mean(piece**2)) < 500:
            silent += 1
            if silent > 3:
                last = ""
            continue
        silent = 0
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(400), 8000))
        hz = int(np.argmax(spectrum))
        near = min(names, key=lambda known: abs(known - hz))
        name = names[near] if abs(near - hz) < 20 and spectrum[hz] > 0.4 * spectrum.sum() / 40 else ""
        if name and name != last:
            found.append(name)
        if name:
            last = name
    return found


def _stored_since(box: LiveBox, since: float) -> CallDetail:
    """The one call that began since then, whole and known to the journal where it talked."""
    deadline = time.monotonic() + 15
    begun = datetime.fromtimestamp(since - 0.05, SHANGHAI)
    while time.monotonic() < deadline:
        for one in box.stored(0, charged=False, wanted=CallFilter(since=begun)):
            whole = one.row.joined_at is None or len(one.legs) > 1
            if whole and (one.row.joined_at is None or _is_remembered(box, one.row.uuid)):
                return one
        time.sleep(0.05)
    raise AssertionError(f"no such call stored; collector:\n{box.parts.log('collector')[-2000:]}")


def _all_remembered(box: LiveBox, since: float, count: int) -> None:
    """Wait until the journal knows the talks of those who took lines since then."""
    wanted = CallFilter(caller=_TAKER, since=datetime.fromtimestamp(since - 0.05, SHANGHAI))
    deadline = time.monotonic() + 15
    while sum(_is_remembered(box, one.row.uuid) for one in box.stored(0, charged=False, wanted=wanted)) < count:
        assert time.monotonic() < deadline, f"collector:\n{box.parts.log('collector')[-2000:]}"
        time.sleep(0.05)


def _is_remembered(box: LiveBox, uuid: str) -> bool:
    with contextlib.closing(sqlite3.connect(box.settings.journal_file, timeout=5)) as journal:
        return bool(journal.execute("SELECT 1 FROM talked WHERE uuid = ?", (uuid,)).fetchone())


def test_the_tones_can_be_told_apart() -> None:
    assert max(prompts().values()) < 3500
    assert not re.search(r"\b450\b", str(prompts()))
