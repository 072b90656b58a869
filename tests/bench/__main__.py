"""Print what the handlers cost against the dialplan alone; exit 1 where a limit of the issue is passed."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench.loads import HANDLED, PLAIN, Bench, bench
from tests.support.freeswitch import find_freeswitch

#: Short loads, many of them: what else runs on the machine falls on both alike.
PAIRS, PAIR_CALLS = 12, 75
CPU_LIMIT = 1.15
DELAY_LIMITS_MS = {50: 40.0, 99: 120.0}
RATE_LIMIT = 0.85
DONE = 0.999


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which ``percent`` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def cpu(one: Bench) -> bool:
    """CPU per call at 10 calls a second, in pairs, each the other way round than the one before."""
    print(f"CPU per call, {PAIRS} pairs of {PAIR_CALLS} calls at 10 a second (switch + handlers, ms)")
    one.load(PLAIN, 20, 10), one.load(HANDLED, 20, 10)  # warm
    ratios = []
    for pair in range(PAIRS):
        order = (PLAIN, HANDLED) if pair % 2 else (HANDLED, PLAIN)
        loads = {number: one.load(number, PAIR_CALLS, 10) for number in order}
        plain, ours = loads[PLAIN], loads[HANDLED]
        ratios.append(ours.per_call_ms / plain.per_call_ms)
        print(
            f"  dialplan {plain.per_call_ms:6.1f}   ours {1000 * ours.switch_s / ours.done:6.1f} + "
            f"{1000 * ours.handlers_s / ours.done:4.1f} = {ours.per_call_ms:6.1f}   ratio {ratios[-1]:.3f}"
        )
    median = statistics.median(ratios)
    print(f"  median ratio {median:.3f} (limit {CPU_LIMIT})\n")
    return median <= CPU_LIMIT


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
