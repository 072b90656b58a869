"""Rows of ``tests/scenarios/calls.txt`` as real calls: dialled, listened to, and read from the database.

Every prompt of the box is a tone of its own, so that what a caller hears can be told by ear. Rows that want another
day or hour, other calls at once or a line that is full are left to the scripted leg.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from appliance.domain.hunt import Strategy
from appliance.store.queries.call_views import CallDetail
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
FIRST_HZ, STEP_HZ = 600, 90
VOICE_HZ = 520
#: Rules and lines that look at the clock, or at windows of time.
_BY_THE_CLOCK = frozenset({"4008000010", "4008000011", "4008000013", "4008000021", "4008000025", "4008000028"})
#: Strategies that go by the order of calls, not by their times.
_BY_ORDER = frozenset({"4008000001", "4008000003", "4008000005", "4008000006", "4008000012"})
_DICE = frozenset({Strategy.RANDOM, Strategy.WEIGHT})


def told(row: Scenario) -> list[tuple[str, str]]:
    """The row's verbs: (verb, what)."""
    steps = [step.partition(" ") for step in row.did.split(", ")]
    return [(verb, what) for verb, _, what in steps]


def prompts() -> dict[str, int]:
    """Prompt → its tone in Hz, of every prompt that the table or the site names."""
    names = {what for chain in chains() for row in chain for verb, what in told(row) if verb in ("play", "collect")}
    names.add("hello")  # a line's whisper, which no row of this file hears
    return {name: FIRST_HZ + STEP_HZ * index for index, name in enumerate(sorted(names))}


def is_live(chain: list[Scenario]) -> bool:
    """Whether a real box can be brought to carry out these rows as they stand."""
    return all(
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
_ENOUGH = 6


def live() -> list[list[Scenario]]:
    """The chains that are carried out, of those about one number without a menu some."""
    chosen: list[list[Scenario]] = []
    for chain in filter(is_live, chains()):
        number = chain[0].number
        alike = sum(other[0].number == number for other in chosen)
        if alike < _ENOUGH or number in ("4008001234", "4008005678") or number in _BY_ORDER:
            chosen.append(chain)
    return chosen


LIVE = live()


@pytest.fixture(scope="module")
def box(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    """The scenarios' box; lines ring for two seconds."""
    folder: Path = tmp_path_factory.mktemp(f"scenarios-{switch}")
    site = (FOLDER / "site.yaml").read_text(encoding="utf-8")
    site = site.replace("127.0.0.1:5090", "127.0.0.1:@A@").replace(", trunk: t", ", trunk: t, ring_seconds: 2")
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
        for name in ("started", "rung", "talked"):
            journal.execute(f"DELETE FROM {name}")
        journal.commit()
    for row in chain:
        await _carried_out(box, row)


async def _carried_out(box: LiveBox, row: Scenario) -> None:
    numbers = {line.number: line.id for line in table().lines.values()}
    rung: list[str] = []

    def behave(call: IncomingCall) -> LineScript:
        line = numbers[call.called]
        rung.append(line)
        how = row.ends.get(line)
        return LINES[how]() if how is not None else LineScript.answer(0.2, say=VOICE_HZ)

    since = time.time()
    async with Phone() as phone, Phone(port=box.port_a, on_invite=behave):
        call = await phone.dial(row.number, box.sip, caller=row.caller or "13800138000")
        with contextlib.suppress(CallOver, CallFailed):
            await _keyed(call, row)
            if row.outcome == "answered":
                await call.hears(VOICE_HZ, 15)
                await asyncio.sleep(0.2)
                await call.hangup()
        await call.ended(30)
        heard = _tones(call)
    assert sorted(rung) == sorted(line for verb, what in told(row) if verb == "connect" for line in what.split("+"))
    assert _rounds(rung, row) == [sorted(what.split("+")) for verb, what in told(row) if verb == "connect"]
    if row.number in table().numbers:
        assert heard == [what for verb, what in told(row) if verb in ("play", "collect")]
    else:
        # A number of nobody has no account, and so the box's own announcement, which is speech.
        assert len(call.heard) > 8000
    stored = await asyncio.to_thread(_stored_since, box, since)
    assert (stored.row.outcome, stored.because) == (row.outcome, row.because)
    if row.outcome != "answered":
        assert stored.hangup_cause == row.cause
    joined = [line for line in rung if line not in row.ends]
    if row.outcome == "answered" and len(joined) == 1:
        assert stored.row.line_id == joined[0]
    ends = {attempt.line_id: attempt.disposition for attempt in stored.tried}
    assert {line: how for line, how in ends.items() if line in row.ends} == {
        line: how for line, how in row.ends.items() if line in rung
    }


async def _keyed(call: OutgoingCall, row: Scenario) -> None:
    """Follow the prompts, and press what the row says when it is asked."""
    presses = list(row.presses)
    for verb, prompt in told(row):
        if not presses or verb not in ("play", "collect"):
            continue
        await call.hears(prompts()[prompt], 20, seconds=0.15)
        if verb == "collect":
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
    while time.monotonic() < deadline:
        for one in box.stored(0, charged=False):
            if one.row.started_at.timestamp() >= since - 0.05:
                whole = one.row.joined_at is None or len(one.legs) > 1
                if whole and (one.row.joined_at is None or _is_remembered(box, one.row.uuid)):
                    return one
        time.sleep(0.05)
    raise AssertionError(f"no such call stored; collector:\n{box.parts.log('collector')[-2000:]}")


def _is_remembered(box: LiveBox, uuid: str) -> bool:
    with contextlib.closing(sqlite3.connect(box.settings.journal_file, timeout=5)) as journal:
        return bool(journal.execute("SELECT 1 FROM talked WHERE uuid = ?", (uuid,)).fetchone())


def test_the_tones_can_be_told_apart() -> None:
    assert max(prompts().values()) < 3500
    assert not re.search(r"\b450\b", str(prompts()))
