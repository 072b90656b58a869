"""Print what the handlers cost against FreeSWITCH alone; exit 1 where a limit of the issues is passed.

``python -m tests.bench [PART…]``: ``cpu``, ``like``, ``rate``, ``rating``; all of them without.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.box import box
from tests.bench.loads import (
    CALLCENTER,
    OURS,
    OURS_QUEUE,
    OURS_RECORDED,
    OURS_RULES,
    OURS_SCHEDULE,
    OURS_SLOT,
    PLAIN,
    PLAIN_RECORDED,
    PLAIN_SLOT,
    QUEUE_LINES,
    Bench,
    Load,
    bench,
)
from tests.bench.rating import rating
from tests.support.freeswitch import find_freeswitch

#: Short loads, many of them: what else runs on the machine falls on both alike.
ROUNDS, CALLS, RATE = 20, 80, 20
CPU_LIMIT = 1.15
#: A recorded call against a recorded one, our queue against mod_callcenter's.
LIKE_LIMIT = 1.25
DELAY_LIMITS_MS = {50: 40.0, 99: 120.0}
RATE_LIMIT = 0.85
DONE = 0.999


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which ``percent`` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def cpu(one: Bench) -> bool:
    """CPU per call, the loads in changing order.

    Like is held to like: the call to a line whose calls nobody counts, and the call that holds one of its line's
    slots in the switch, each through the dialplan alone and through us.
    """
    print(f"CPU per call, {ROUNDS} rounds of {CALLS} calls at {RATE} a second each, ms")
    numbers = (PLAIN, OURS, PLAIN_SLOT, OURS_SLOT)
    for number in numbers:
        one.load(number, 20, RATE)  # warm
    bare, slot, across = [], [], []
    for turn in range(ROUNDS):
        loads = {number: one.load(number, CALLS, RATE) for number in (numbers if turn % 2 else reversed(numbers))}
        plain, ours, plain_slot, ours_slot = (loads[number].per_call_ms for number in numbers)
        bare.append(ours / plain)
        slot.append(ours_slot / plain_slot)
        across.append(ours_slot / plain)
        print(
            f"  dialplan {plain:5.1f}   ours {_parts(loads[OURS])}   ratio {bare[-1]:.3f}"
            f"   with the line's slot: dialplan {plain_slot:5.1f}   ours {_parts(loads[OURS_SLOT])}"
            f"   ratio {slot[-1]:.3f}"
        )
    medians = [statistics.median(ratios) for ratios in (bare, slot)]
    print(f"  median ratio {medians[0]:.3f}, with the slot {medians[1]:.3f} (limit {CPU_LIMIT})")
    print(f"  ours with the slot to the dialplan without one: {statistics.median(across):.3f}\n")
    return max(medians) <= CPU_LIMIT


def like(one: Bench) -> bool:
    """Recorded calls and queued ones against FreeSWITCH's own, and what each rule of ours costs more."""
    print(f"Like for like, {ROUNDS} rounds of {CALLS} calls at {RATE} a second each, ms of CPU a call")
    print(f"  (the queues have {QUEUE_LINES} lines: callers wait up to {CALLS / QUEUE_LINES - CALLS / RATE:.0f} s)")
    numbers = {
        "recorded, dialplan": PLAIN_RECORDED,
        "recorded, ours": OURS_RECORDED,
        "mod_callcenter": CALLCENTER,
        "queue, ours": OURS_QUEUE,
        "neither": OURS_SLOT,
        "rules": OURS_RULES,
        "schedule": OURS_SCHEDULE,
    }
    for number in numbers.values():
        one.load(number, 20, RATE)  # warm
    rounds: list[dict[str, Load]] = []
    for turn in range(ROUNDS):
        order = list(numbers) if turn % 2 else list(reversed(numbers))
        rounds.append({name: one.load(numbers[name], CALLS, RATE) for name in order})
        print("  " + "   ".join(f"{name} {_parts(rounds[-1][name])}" for name in numbers))
    good = True
    for load in (load for loads in rounds for load in loads.values()):
        good &= load.done == load.calls
    for ours, theirs in (("recorded, ours", "recorded, dialplan"), ("queue, ours", "mod_callcenter")):
        ratio = statistics.median(loads[ours].per_call_ms / loads[theirs].per_call_ms for loads in rounds)
        good &= ratio <= LIKE_LIMIT
        print(f"  {ours} to {theirs}: median ratio {ratio:.3f} (limit {LIKE_LIMIT})")
    for name in ("rules", "schedule", "queue, ours", "recorded, ours"):
        more = statistics.median(loads[name].per_call_ms - loads["neither"].per_call_ms for loads in rounds)
        print(f"  cost of {name.removesuffix(', ours')}: {more:+.2f} ms a call above the same call without")
    print()
    return good


def _parts(load: Load) -> str:
    """``SWITCH + HANDLERS = SUM``, milliseconds a call."""
    switch, handlers = (1000 * seconds / max(1, load.done) for seconds in (load.switch_s, load.handlers_s))
    return f"{switch:5.1f} + {handlers:3.1f} = {load.per_call_ms:5.1f}"


def highest_rate(one: Bench) -> float:
    """The rate at which the dialplan alone completes 99.9 % of 3,000 calls: probed upward, then confirmed."""
    rate = 20.0
    while rate < 200 and (probe := one.load(PLAIN, int(rate * 8), rate)).done >= DONE * probe.calls:
        rate *= 1.2
    while rate > 5:
        rate /= 1.1
        load = one.load(PLAIN, 3000, rate)
        print(f"  dialplan at {rate:.1f} calls a second: {load.done} of 3000")
        if load.done >= DONE * 3000:
            return rate
    raise SystemExit("the dialplan alone completes 99.9 % of 3,000 calls at no rate: this machine is too busy")


def delays(one: Bench, rate: float) -> bool:
    """Answer delay at half load, the two in turn."""
    plain: list[float] = []
    ours: list[float] = []
    for _ in range(3):
        plain += one.load(PLAIN, 300, rate).answer_ms
        ours += one.load(OURS_SLOT, 300, rate).answer_ms
    print(f"Answer delay at half load ({rate:.1f} calls a second, 900 calls each, ms)")
    good = True
    for percent, limit in DELAY_LIMITS_MS.items():
        a, b = percentile(plain, percent), percentile(ours, percent)
        good &= b - a <= limit
        print(f"  {percent:2d} %: dialplan {a:6.1f}   ours {b:6.1f}   above it {b - a:6.1f} (limit {limit:.0f})")
    print()
    return good


def rates(one: Bench) -> bool:
    """How many calls a second, and how soon they are answered."""
    print("Calls a second")
    rate = highest_rate(one)
    ours = one.load(OURS_SLOT, 3000, rate * RATE_LIMIT)
    print(f"  ours at {rate * RATE_LIMIT:.1f} (0.85 of it): {ours.done} of 3000\n")
    good = ours.done >= DONE * 3000
    print(f"  ratio of rates at 99.9 %: at least {RATE_LIMIT}" if good else "  not done")
    return delays(one, rate / 2) and good


PARTS = {"cpu": cpu, "like": like, "rate": rates}
#: The part that needs no switch: files, and the box's own calls.
RATING = "rating"


def main(wanted: Sequence[str]) -> int:
    """Run the bench."""
    parts = {*PARTS, RATING}
    if unknown := set(wanted) - parts:
        print(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(sorted(parts))}")
        return 2
    chosen = set(wanted) or parts
    results = [rating(), box()] if RATING in chosen else []
    if chosen & set(PARTS):
        found = find_freeswitch()
        if isinstance(found, str):
            print(f"no bench of calls: {found}")
        else:
            with tempfile.TemporaryDirectory(prefix="bench-") as folder, bench(Path(folder)) as one:
                results += [run(one) for name, run in PARTS.items() if name in chosen]
    print("within every limit" if all(results) else "a limit is passed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
