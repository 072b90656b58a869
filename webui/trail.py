"""A call's trail: what happened to it, step by step, as far as its record tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from appliance.store.queries.call_views import Attempt, CallDetail, LegView
from appliance.store.queries.queues import StayView
from webui import words
from webui.callback_words import steps_back
from webui.i18n import gettext
from webui.shown import duration, phone
from webui.trail_step import Step


def trail(call: CallDetail, stays: Sequence[StayView] = ()) -> list[Step]:
    """The steps in the order they happened; ``stays`` are the call's times in queues."""
    row = call.row
    if call.callback_id:
        begin = Step("phone-call", gettext("Call back for %(number)s", number=phone(row.number)), at=row.started_at)
        said = (
            [Step("list-details", gettext("Ruled"), words.because(call.because, call.named))]
            if call.because
            else []
        )
        return [begin, *steps_back(call), *said, _end(call)]
    steps = [
        Step(
            "phone-incoming",
            gettext("Call to %(number)s", number=phone(row.number) or gettext("an unknown number")),
            gettext("by trunk %(trunk)s", trunk=call.trunk_name or row.trunk_id) if row.trunk_id else "",
            at=row.started_at,
        )
    ]
    if call.flow:
        name, _, version = call.flow.partition("@")
        steps.append(
            Step(
                "route",
                gettext("Menu began"),
                gettext("flow %(name)s, version %(version)s", name=name, version=version or "?"),
                at=row.answered_at,
            )
        )
    steps += [
        Step("dialpad", gettext("Caller pressed a key"), gettext("in menu “%(menu)s”", menu=node), key=key)
        for node, key in row.keys
    ]
    if call.because:
        title = gettext("Refused") if row.outcome.startswith("refused:") else gettext("Ruled")
        steps.append(Step("list-details", title, words.because(call.because, call.named)))
    steps += _in_between(_lines(call), map(_stay, stays))
    if call.mark:
        steps.append(Step("dialpad", gettext("Caller's mark"), gettext("after the talk"), key=call.mark))
    steps.append(_end(call))
    return steps


def _in_between(lines: Iterable[Step], stays: Iterable[Step]) -> list[Step]:
    """Each stay before the first line that was rung after it began."""
    steps = list(lines)
    place = 0
    for stay in stays:
        while place < len(steps) and not _is_after(steps[place], stay):
            place += 1
        steps.insert(place, stay)
        place += 1
    return steps


def _is_after(step: Step, stay: Step) -> bool:
    return step.at is not None and stay.at is not None and step.at >= stay.at


def _stay(stay: StayView) -> Step:
    ended = words.left(stay.left)
    return Step(
        "hourglass",
        gettext("Waited in the queue “%(name)s”", name=stay.queue_name or stay.queue_id),
        " · ".join((gettext("for %(duration)s", duration=duration(stay.wait_ms / 1000)), ended.text)),
        ended.lamp,
        stay.entered_at,
    )


def _lines(call: CallDetail) -> Iterator[Step]:
    """Lines tried, each with the leg that the switch made for it."""
    legs = [leg for leg in call.legs if leg.role == "line"]
    talks = list(call.talks) if len(call.talks) > 1 else []
    for attempt in call.tried:
        leg = next((leg for leg in legs if leg.line_id == attempt.line_id), None)
        if leg is not None:
            legs.remove(leg)
        yield _attempt(attempt, leg)
        if attempt.disposition == "answered":
            talk = next((talk for talk in talks if talk[0] == attempt.line_id), None)
            if talk is not None:
                talks.remove(talk)
            yield Step(
                "headset",
                gettext("Connected to %(line)s", line=attempt.line_name or attempt.line_id),
                gettext(
                    "talked for %(duration)s", duration=duration((talk[1] if talk else call.row.bridged_ms) / 1000)
                ),
                "good",
                call.row.joined_at if talk is None or leg is None else leg.answered_at,
            )
    # Legs that no note speaks of: the handlers died while they rang.
    for leg in legs:
        yield Step(
            "phone-outgoing",
            gettext("Rang %(line)s", line=leg.line_name or leg.line_id or "?"),
            words.cause(leg.hangup_cause),
            at=leg.started_at,
        )


def _attempt(attempt: Attempt, leg: LegView | None) -> Step:
    how = words.disposition(attempt.disposition)
    rang = ""
    if leg is not None:
        seconds = ((leg.answered_at or leg.ended_at) - leg.started_at) / timedelta(seconds=1)
        rang = gettext("rang for %(duration)s", duration=duration(seconds))
    return Step(
        "phone-outgoing",
        gettext("Tried %(line)s", line=attempt.line_name or attempt.line_id),
        " · ".join(filter(None, (phone(attempt.line_number), rang, how.text))),
        how.lamp,
        leg.started_at if leg else None,
    )


def _end(call: CallDetail) -> Step:
    ended = words.outcome(call.row.outcome)
    return Step(
        "phone-off",
        gettext("Call ended"),
        " · ".join(filter(None, (ended.text, ended.why, words.cause(call.hangup_cause)))),
        ended.lamp,
        call.row.ended_at,
    )
