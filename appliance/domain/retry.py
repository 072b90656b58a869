"""When a message that could not be delivered is tried again, and how close two of them may follow."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

#: Ten times more, after growing gaps: seven and three quarter hours in all.
GAPS = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 120, 300, 600, 1800, 3600, 2 * 3600, 4 * 3600))
#: Each gap is longer by up to this part of it, so that what failed at once does not come back at once.
JITTER = 0.2
#: A message that is older has one try: behind a receiver that is down for days nothing piles up.
OLDEST = timedelta(hours=24)


def next_try(
    tries: int, made_at: datetime, now: datetime, dice: random.Random, at_least: timedelta = timedelta()
) -> datetime | None:
    """When to try again after ``tries`` (from 1 on) that all failed; None: no more, it is a dead letter.

    :param made_at: when the message was made.
    :param at_least: how long the receiver wants to be left alone.
    """
    if tries > len(GAPS) or now - made_at > OLDEST:
        return None
    gap = GAPS[tries - 1]
    return now + max(at_least, gap * (1 + JITTER * dice.random()))


def not_before(last_try: datetime, per_minute: int) -> datetime:
    """When the next message may follow to a receiver that takes ``per_minute`` (0: any number).

    Evenly spaced, so that no minute has more, wherever it begins and whoever counts.
    """
    return last_try + timedelta(minutes=1) / per_minute if per_minute else last_try


def is_due(due_at: datetime, last_try: datetime, per_minute: int, now: datetime) -> bool:
    """Whether a message may be tried now.

    What lies further ahead than any gap was noted before the clock was set back, and holds nothing up.

    :param due_at: before it the message is not tried.
    :param last_try: when its receiver was last tried, by whichever message.
    """
    longest = GAPS[-1] * (1 + JITTER)
    paced = not_before(last_try, per_minute)
    return not (now < due_at <= now + longest) and not (now < paced <= now + timedelta(minutes=1))
