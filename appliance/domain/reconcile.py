"""A carrier's calls against ours: which are the same, and in what they differ.

Calls are compared among those of one called number and one caller; times are milliseconds since 1970, amounts
millionths of a yuan. Nothing depends on the order in which calls come.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: So many calls have to agree before they tell of a clock.
_SEVERAL = 3


class Status(StrEnum):
    """What became of a line of the bill, or of a call of ours."""

    SAME = "same"
    SECONDS = "seconds"
    AMOUNT = "amount"
    SECONDS_AND_AMOUNT = "seconds-and-amount"
    #: On the bill, and not with us.
    ONLY_BILL = "only-bill"
    #: With us, and not on the bill.
    ONLY_OURS = "only-ours"
    #: On the bill once more: the same call, begun in the same moment and as long.
    DOUBLED = "doubled"


@dataclass(frozen=True, slots=True)
class Billed:
    """A line of the bill; ``amount`` None: the bill says none."""

    line: int
    at: int
    seconds: int
    amount: int | None


@dataclass(frozen=True, slots=True)
class Ours:
    """A call or a leg of ours; ``amount`` None: we do not know what it costs."""

    id: str
    at: int
    seconds: int
    amount: int | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts as the same.

    :param window_ms: starts of one call lie at most so far apart, once the clocks agree.
    :param offset_ms: so much the carrier's clock is ahead of ours.
    :param seconds: so much may durations differ; ``amount`` likewise.
    """

    window_ms: int
    offset_ms: int = 0
    seconds: int = 0
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of the bill, one call of ours, or both."""

    status: Status
    billed: Billed | None
    ours: Ours | None


def compare(billed: Sequence[Billed], ours: Sequence[Ours], terms: Terms) -> list[Compared]:
    """Every line of the bill and every call of ours once, in the order of their times.

    Those that begin closest to one another are the same call, then the next closest of those that are left, as long
    as they are within the window.
    """
    lines = sorted(billed, key=lambda one: (one.at, one.seconds, _known(one.amount), one.line))
    calls = sorted(ours, key=lambda one: (one.at, one.seconds, one.id))
    pairs = dict(_nearest([(one.at, one.seconds) for one in lines], _on_their_clock(calls, terms), terms.window_ms))
    _first_lines_first(lines, pairs)
    found = list(_told(lines, calls, pairs, terms))
    found.sort(key=lambda one: _order(one, terms))
    return found


def sure_differences(billed: Iterable[int], ours: Iterable[int], reach_ms: int) -> Iterator[int]:
    """How much later the bill's start is, for each pair that can only be one call: neither has another of the other
    side within reach.

    >>> list(sure_differences([1000, 90_000], [400, 5000_000], 60_000)), list(sure_differences([0], [5, 9], 60))
    ([600], [])
    """
    ends = sorted([(at, 0) for at in billed] + [(at, 1) for at in ours])
    for place in range(len(ends) - 1):
        (first, side), (second, other) = ends[place], ends[place + 1]
        if side == other or second - first > reach_ms:
            continue
        # Nobody of either side is within reach on the outside of the two.
        if place and first - ends[place - 1][0] <= reach_ms:
            continue
        if place + 2 < len(ends) and ends[place + 2][0] - second <= reach_ms:
            continue
        yield first - second if side == 0 else second - first


def shift(differences: Sequence[int], window_ms: int) -> int:
    """How far the bill's clock may be ahead: the median of sure differences, where several lie within the window.

    Fewer may each be a call that only the bill has beside one that only we have; 0 then.

    >>> shift([600, 601, 603, -7000], 30), shift([600, 601], 30), shift([], 30)
    (600, 0, 0)
    """
    median = sorted(differences)[(len(differences) - 1) // 2] if differences else 0
    return median if sum(abs(one - median) <= window_ms for one in differences) >= _SEVERAL else 0


def explained(billed: Sequence[Billed], ours: Sequence[Ours], terms: Terms) -> int:
    """How many lines of the bill are calls of ours under these terms, and as long."""
    pairs = _nearest([(one.at, one.seconds) for one in billed], _on_their_clock(ours, terms), terms.window_ms)
    return sum(abs(billed[line].seconds - ours[call].seconds) <= terms.seconds for line, call in pairs)


def _known(amount: int | None) -> int:
    return -1 if amount is None else amount


def _on_their_clock(calls: Iterable[Ours], terms: Terms) -> list[tuple[int, int]]:
    return [(one.at + terms.offset_ms, one.seconds) for one in calls]


def _nearest(
    lines: Sequence[tuple[int, int]], calls: Sequence[tuple[int, int]], window_ms: int
) -> Iterator[tuple[int, int]]:
    """Pairs of places, the closest in time first.

    Of all that are left the closest pair stands side by side in time, so only neighbours are looked at: the work
    grows as sorting does, however many begin at once.
    """
    ends = sorted(
        [(*one, 0, place) for place, one in enumerate(lines)]
        + [(*one, 1, place) for place, one in enumerate(calls)]
    )
    before, behind = list(range(-1, len(ends) - 1)), list(range(1, len(ends) + 1))
    heap: list[tuple[int, int, int, int]] = []

    def look(first: int, second: int) -> None:
        if first < 0 or second >= len(ends) or ends[first][2] == ends[second][2]:
            return
        apart = ends[second][0] - ends[first][0]
        if apart <= window_ms:
            heapq.heappush(heap, (apart, abs(ends[second][1] - ends[first][1]), first, second))

    for place in range(len(ends) - 1):
        look(place, place + 1)
    gone = [False] * len(ends)
    while heap:
        *_, first, second = heapq.heappop(heap)
        if gone[first] or gone[second]:
            continue
        gone[first] = gone[second] = True
        pair = (ends[first], ends[second]) if ends[first][2] == 0 else (ends[second], ends[first])
        yield pair[0][3], pair[1][3]
        # They may have stood apart, with pairs between them that are gone.
        left, right = before[first], behind[second]
        if left >= 0:
            behind[left] = right
        if right < len(ends):
            before[right] = left
        look(left, right)


def _first_lines_first(lines: Sequence[Billed], pairs: dict[int, int]) -> None:
    """Of lines that say the same the first of the file is the call, and those behind it the doubles."""
    alike: dict[tuple[int, int, int], list[int]] = {}
    for place, one in enumerate(lines):
        alike.setdefault((one.at, one.seconds, _known(one.amount)), []).append(place)
    for places in alike.values():
        taken = [pairs.pop(place) for place in places if place in pairs]
        pairs.update(zip(places, sorted(taken), strict=False))


def _told(
    lines: Sequence[Billed], calls: Sequence[Ours], pairs: dict[int, int], terms: Terms
) -> Iterator[Compared]:
    seen = Counter((lines[place].at, lines[place].seconds) for place in pairs)
    for place, line in enumerate(lines):
        if place in pairs:
            call = calls[pairs[place]]
            yield Compared(_differing(line, call, terms), line, call)
            continue
        moment = (line.at, line.seconds)
        yield Compared(Status.DOUBLED if seen[moment] else Status.ONLY_BILL, line, None)
        seen[moment] += 1
    matched = set(pairs.values())
    for place, call in enumerate(calls):
        if place not in matched:
            yield Compared(Status.ONLY_OURS, None, call)


def _differing(line: Billed, call: Ours, terms: Terms) -> Status:
    seconds = abs(line.seconds - call.seconds) > terms.seconds
    amount = line.amount is not None and call.amount is not None and abs(line.amount - call.amount) > terms.amount
    if seconds and amount:
        return Status.SECONDS_AND_AMOUNT
    if seconds:
        return Status.SECONDS
    return Status.AMOUNT if amount else Status.SAME


def _order(one: Compared, terms: Terms) -> tuple[int, int, int, str]:
    if one.billed is not None:
        return one.billed.at, 0, one.billed.line, ""
    return (one.ours.at if one.ours is not None else 0) + terms.offset_ms, 1, 0, one.ours.id if one.ours else ""
