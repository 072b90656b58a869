"""Print what the handlers cost against the dialplan alone; exit 1 where a limit of the issue is passed."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.loads import HANDLED, PLAIN, SLOT, Bench, bench
from tests.support.freeswitch import find_freeswitch

#: Short loads, many of them: what else runs on the machine falls on both alike.
ROUNDS, CALLS, RATE = 20, 80, 20
CPU_LIMIT = 1.15
DELAY_LIMITS_MS = {50: 40.0, 99: 120.0}
RATE_LIMIT = 0.85
DONE = 0.999


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which ``percent`` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def cpu(one: Bench) -> bool:
    """CPU per call, the three in changing order.

    Held to the limit is the ratio to the bare call. Beside it, how much of the rest is the line's slot: the ratio
    to the dialplan that keeps to the line's number of calls as we do.
    """
    print(f"CPU per call, {ROUNDS} rounds of {CALLS} calls at {RATE} a second each, ms")
    for number in (PLAIN, SLOT, HANDLED):
        one.load(number, 20, RATE)  # warm
    bare, slot = [], []
    for turn in range(ROUNDS):
        order = [PLAIN, SLOT, HANDLED] if turn % 2 else [HANDLED, SLOT, PLAIN]
        loads = {number: one.load(number, CALLS, RATE) for number in order}
        ours = loads[HANDLED]
        bare.append(ours.per_call_ms / loads[PLAIN].per_call_ms)
        slot.append(ours.per_call_ms / loads[SLOT].per_call_ms)
        print(
            f"  dialplan {loads[PLAIN].per_call_ms:5.1f}, with the line's slot {loads[SLOT].per_call_ms:5.1f}   "
            f"ours {1000 * ours.switch_s / ours.done:5.1f} + {1000 * ours.handlers_s / ours.done:3.1f} = "
            f"{ours.per_call_ms:5.1f}   ratio {bare[-1]:.3f}, {slot[-1]:.3f}"
        )
    print(f"  median ratio to the bare call {statistics.median(bare):.3f} (limit {CPU_LIMIT})")
    print(f"  median ratio to the call with the slot {statistics.median(slot):.3f}\n")
    return statistics.median(bare) <= CPU_LIMIT


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
    return rate


def delays(one: Bench, rate: float) -> bool:
    """Answer delay at half load, the two in turn."""
    plain: list[float] = []
    ours: list[float] = []
    for _ in range(3):
        plain += one.load(PLAIN, 300, rate).answer_ms
        ours += one.load(HANDLED, 300, rate).answer_ms
    print(f"Answer delay at half load ({rate:.1f} calls a second, 900 calls each, ms)")
    good = True
    for percent, limit in DELAY_LIMITS_MS.items():
        a, b = percentile(plain, percent), percentile(ours, percent)
        good &= b - a <= limit
        print(f"  {percent:2d} %: dialplan {a:6.1f}   ours {b:6.1f}   above it {b - a:6.1f} (limit {limit:.0f})")
    print()
    return good


def main() -> int:
    """Run the bench."""
    found = find_freeswitch()
    if isinstance(found, str):
        print(f"no bench: {found}")
        return 0
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, bench(Path(folder)) as one:
        good = cpu(one)
        print("Calls a second")
        rate = highest_rate(one)
        ours = one.load(HANDLED, 3000, rate * RATE_LIMIT)
        print(f"  ours at {rate * RATE_LIMIT:.1f} (0.85 of it): {ours.done} of 3000\n")
        good &= ours.done >= DONE * 3000
        good &= delays(one, rate / 2)
    print("within every limit" if good else "a limit is passed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
