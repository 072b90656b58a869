"""How messages to the world outside fare: a receiver that is down is watched, a sender that is gone is bad."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.ops.state import State
from appliance.store.outbox import Fill

#: Messages that were given up are shown for so long.
DEAD_WITHIN = timedelta(days=7)
#: A message that is older is late.
LATE = timedelta(minutes=10)
#: Nobody sends where one that is next was not tried for so long.
UNATTENDED = timedelta(minutes=1)
#: Messages waiting: more than this many are to be watched, and bad.
LIMITS = (100, 1000)


@dataclass(frozen=True, slots=True)
class Messages:
    """How the outbox fares.

    :param dead: messages that were given up lately.
    :param is_attended: somebody sends.
    """

    state: State
    waiting: int
    oldest_at: datetime | None
    dead: int
    is_attended: bool


def judged_messages(fill: Fill, now: datetime) -> Messages:
    """What to think of an outbox."""
    watch, bad = LIMITS
    is_attended = fill.unattended_since is None or now - fill.unattended_since < UNATTENDED
    is_late = fill.oldest_at is not None and now - fill.oldest_at > LATE
    if not is_attended or fill.waiting > bad:
        state = State.BAD
    elif fill.dead or is_late or fill.waiting > watch:
        state = State.WATCH
    else:
        state = State.GOOD
    return Messages(state, fill.waiting, fill.oldest_at, fill.dead, is_attended)


def in_words(messages: Messages) -> str:
    """For the person at the machine."""
    if not messages.is_attended:
        return f"{messages.waiting} messages wait and nobody sends them: is `appliance notify send` running?"
    words = f"{messages.waiting} messages wait, {messages.dead} were given up in the last {DEAD_WITHIN.days} days"
    return words if messages.state is State.GOOD else f"{words}: see `appliance notify list`"
