"""Join the caller to a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from appliance.calls.desk import Desk
from appliance.domain.called import Incoming
from appliance.domain.hunt import Choice, Hunt, Strategy, choose
from appliance.domain.lines import targets_for
from appliance.domain.outcome import is_trunk_trouble
from appliance.domain.routing import Line, RecordPolicy, RoutingTable
from appliance.store import past
from appliance.switch.leg import Leg, Tried

#: A record's list of lines that were passed over ends here.
_LONGEST_REASON = 500


def ring(
    leg: Leg, call: Incoming, hunt: Hunt, name: str, table: RoutingTable, desk: Desk, *, free: bool
) -> list[Tried]:
    """Ring the lines of a hunt; returns when none could be joined, and what became of each.

    A talk is the call's end (``CallerGone``). Where the number is recorded the caller is told so first: as
    early media when ``free`` (the call is not answered yet), else as a prompt.

    :param name: the hunt's, by which its turns are remembered.
    """
    tried: list[Tried] = []
    record_to = None
    choice = _chosen(call, hunt, name, table, desk)
    if not choice.rounds:
        leg.note(because=reasons(choice))
    for lines in choice.rounds:
        if record_to is None and call.route.record is RecordPolicy.ALL:
            record_to = announce_recording(leg, call, desk, free=free)
        if hunt.strategy is Strategy.ROTATE:
            desk.journal.line_rung(name, [line.id for line in lines], desk.now())
        ended = reached(leg, call, lines, table, desk, record_to)
        tried += ended
        if not any(hunt.goes_on(one.disposition) for one in ended):
            break
    return tried


def reasons(choice: Choice) -> str:
    """Why no line was rung, in one line, as many as a record takes."""
    line = ""
    for entry in (f"{line_id}={why}" for line_id, why in choice.skipped.items()):
        if len(line) + 1 + len(entry) > _LONGEST_REASON:
            break
        line = f"{line} {entry}".strip()
    return line


def reached(
    leg: Leg,
    call: Incoming,
    lines: Sequence[Line],
    table: RoutingTable,
    desk: Desk,
    record_to: str | None,
    music: Path | None = None,
) -> list[Tried]:
    """Ring lines at once, each by its own trunk, and those that this could not reach by the next one; what became
    of each in the end. With ``music`` the caller hears that meanwhile."""
    ways = {
        line.id: targets_for(
            line, call.caller, table, _whisper(call, line, desk), desk.is_down, call.route.talk_keys
        )
        for line in lines
    }
    ended: dict[str, Tried] = {}
    # Lines that are rung have a trunk: the choice passes over the others.
    rung = list(ways)
    while rung:
        for one in leg.connect([ways[line].pop(0) for line in rung], record_to, go_on=False, music=music):
            ended[one.line] = one
        rung = [line for line in rung if is_trunk_trouble(ended[line]) and ways[line]]
    return list(ended.values())


def _whisper(call: Incoming, line: Line, desk: Desk) -> Path | None:
    """What the line hears before it is joined."""
    name = call.route.whisper or ("press-1" if line.confirm else "")
    return desk.find_prompt(call.route.account, name) if name else None


def _chosen(call: Incoming, hunt: Hunt, name: str, table: RoutingTable, desk: Desk) -> Choice:
    now = desk.now()
    uses = past.uses(desk.journal, name, hunt, call, table, now)
    return choose(hunt, table, uses, now, table.day_kinds(desk.public_day), desk.dice)


def announce_recording(leg: Leg, call: Incoming, desk: Desk, *, free: bool = False) -> str:
    """Tell the caller of the recording where the number asks for it; the recording's name."""
    if call.route.record_notice and "notice" not in leg.notes:
        if free:
            leg.early_media()
        before = leg.notes.get("outcome", "")
        # Who hangs up now has not heard a line ring.
        leg.note(notice="played", outcome="abandoned:prompt")
        desk.play(leg, call.route.account, "record-notice")
        leg.note(outcome=before)
    name = desk.recording_name(leg.uuid)
    leg.note(recording=name)
    return name
