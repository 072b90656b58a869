"""A call's own limit in the switch's words: orders that the switch carries out by itself, handlers or none."""

from __future__ import annotations

import math
from dataclasses import replace

from appliance.domain.credit import OUT_OF_MONEY_CAUSE
from appliance.domain.duration import TimeLimit
from appliance.switch import escape

#: When a leg's variables of these names are carried out as API commands: at its answer
#: (``switch_channel_perform_mark_answered``), and as it is joined, in each of its talks (``audio_bridge_thread``).
#: Each name is the beginning of as many as there are.
ON_ANSWER, ON_BRIDGE = "api_on_answer", "api_before_bridge"


def orders(uuid: str, limit: TimeLimit, warning: str) -> list[str]:
    """API commands that end a leg when its time is over, and have both sides hear the warning before.

    The warning is mixed in (``m``), so that they talk on and nothing of the talk is missing in its recording. Both
    ways it is a matter of the one leg, whomever it is joined to by then: what it hears, and (``r``) what it says.
    A file is heard once a leg; ``file_string://`` makes it two (``switch_ivr_displace_session``).

    :param warning: a file's path, already checked; empty: none.

    >>> for order in orders("7d0c", TimeLimit(300, True, 60), "/p/w.wav"):
    ...     print(order)
    sched_hangup +299 7d0c FACILITY_NOT_SUBSCRIBED
    sched_api +240 7d0c uuid_displace 7d0c start /p/w.wav 0 m
    sched_api +240 7d0c uuid_displace 7d0c start file_string:///p/w.wav 0 mr
    """
    leg = escape.identifier(uuid)
    made = [f"sched_hangup +{limit.ends_after_s} {leg} {OUT_OF_MONEY_CAUSE}"]
    after = limit.warns_after_s
    if after is not None and warning:
        said = f"sched_api +{after} {leg} uuid_displace {leg} start"
        made += [f"{said} {warning} 0 m", f"{said} file_string://{warning} 0 mr"]
    return made


def since_answer(limit: TimeLimit, answered_us: str, now: float) -> TimeLimit:
    """What is left of a limit for a leg that was answered at ``answered_us`` (microseconds since 1970, the switch's
    and our clock are one): whoever was called back may have confirmed, and heard for whom, since.

    >>> since_answer(TimeLimit(300, True, 60), "1000000000", 1012.5).seconds
    287
    """
    gone = math.ceil(max(now - int(answered_us) / 1e6, 0.0)) if answered_us.isdecimal() else 0
    return replace(limit, seconds=max(limit.seconds - gone, 1))


def variables(uuid: str, limit: TimeLimit, warning: str) -> dict[str, str]:
    """The same as variables of the leg, for the moment from which the limit counts.

    A leg may be joined several times; it is the first that counts, so the last orders take the others away.
    """
    made = orders(uuid, limit, warning)
    if limit.from_answer:
        return {f"{ON_ANSWER}_{nth}": order for nth, order in enumerate(made)}
    names = [f"{ON_BRIDGE}_{nth}" for nth in range(len(made))]
    away = [f"uuid_setvar {escape.identifier(uuid)} {name}" for name in names]
    return {f"{ON_BRIDGE}_{nth}": order for nth, order in enumerate([*made, *away])}
