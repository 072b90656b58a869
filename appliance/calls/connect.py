"""Join the caller to a line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from appliance.calls.desk import Desk
from appliance.domain.called import Incoming
from appliance.domain.hunt import Choice, Hunt, Strategy, choose
from appliance.domain.lines import targets_for
from appliance.domain.outcome import Disposition, is_trunk_trouble
from appliance.domain.recording import policy_for, why_not
from appliance.domain.routing import SAY_NUMBER, Line, RoutingTable
from appliance.domain.speech import whispered_prompts
from appliance.store import past
from appliance.switch.leg import Leg, Tried

#: A record's list of lines that were passed over ends here.
_LONGEST_REASON = 500


def ring(
    leg: Leg,
    call: Incoming,
    hunt: Hunt,
    name: str,
    table: RoutingTable,
    desk: Desk,
    *,
    free: bool,
    go_on: bool = False,
) -> list[Tried]:
    """Ring the lines of a hunt; returns when none could be joined, and what became of each.

    A talk is the call's end (``CallerGone``), unless the call is to ``go_on`` when the line ends it: then the last
    of what is returned is ``ANSWERED``. Where it is to be recorded the caller is told so first: as early media
    when ``free`` (the call is not answered yet), else as a prompt.

    :param name: the hunt's, by which its turns are remembered.
    """
    tried: list[Tried] = []
    choice = _chosen(call, hunt, name, table, desk)
    if not choice.rounds:
        leg.note(because=reasons(choice))
    for lines in choice.rounds:
        record_to = recording(leg, call, lines, desk, free=free)
        if hunt.strategy is Strategy.ROTATE:
            desk.journal.line_rung(name, [line.id for line in lines], desk.now())
        ended = reached(leg, call, lines, table, desk, record_to, go_on=go_on)
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
    *,
    go_on: bool = False,
) -> list[Tried]:
    """Ring lines at once, each by its own trunk, and those that this could not reach by the next one; what became
    of each in the end; of a talk that is over only whose it was. With ``music`` the caller hears that meanwhile."""
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
        for one in leg.connect([ways[line].pop(0) for line in rung], record_to, go_on=go_on, music=music):
            ended[one.line] = one
        if talked := [one for one in ended.values() if one.disposition is Disposition.ANSWERED]:
            return talked
        rung = [line for line in rung if is_trunk_trouble(ended[line]) and ways[line]]
    return list(ended.values())


def _whisper(call: Incoming, line: Line, desk: Desk) -> Path | None:
    """What the line hears before it is joined."""
    account = call.route.account
    if call.route.whisper == SAY_NUMBER:
        found = [desk.find_prompt(account, name) for name in whispered_prompts(call.route.number)]
        said = desk.together([path for path in found if path is not None])
        # Several where they cannot be put together: then nothing is whispered, and the line is joined at once.
        return said[0] if len(said) == 1 else None
    name = call.route.whisper or ("press-1" if line.confirm else "")
    return desk.find_prompt(account, name) if name else None


def _chosen(call: Incoming, hunt: Hunt, name: str, table: RoutingTable, desk: Desk) -> Choice:
    now = desk.now()
    uses = past.uses(desk.journal, name, hunt, call, table, now)
    return choose(hunt, table, uses, now, table.day_kinds(desk.public_day), desk.dice)


def recording(leg: Leg, call: Incoming, lines: Sequence[Line], desk: Desk, *, free: bool = False) -> str | None:
    """What the talk with one of these lines is recorded to; None: it is not, and it is noted why.

    The caller has been told before, once a call, where the number asks for it. A call has one recording, whose name
    stays over midnight: of several talks (a line's side has sent the caller on) those stand in it that are to be.
    """
    policy = policy_for(call.route.record, leg.notes.get("record", ""), [line.record for line in lines])
    draw = _draw(leg, desk) if 0 < policy.share < 100 else 0
    why = why_not(policy, draw, has_room=desk.has_room())
    noted = leg.notes.get("recording", "")
    if why is not None:
        leg.note(recording=noted if leg.notes.get("recorded") else "", unrecorded=why)
        return None
    name = noted or desk.recording_name(leg.uuid)
    if call.route.record_notice and "notice" not in leg.notes:
        _announce(leg, call, desk, free=free)
    leg.note(recording=name, unrecorded="")
    return name


def foretell(leg: Leg, call: Incoming, lines: Sequence[Line], desk: Desk) -> None:
    """Tell a caller who is going to wait, if the talk with any line that may serve him is recorded: once somebody
    has answered, nobody is to listen to a prompt."""
    for line in lines:
        if recording(leg, call, [line], desk) is not None:
            return


def _draw(leg: Leg, desk: Desk) -> int:
    """0 to 99, drawn once a call."""
    drawn = leg.notes.get("draw", "")
    if not drawn:
        drawn = str(desk.dice.randrange(100))
        leg.note(draw=drawn)
    return int(drawn)


def _announce(leg: Leg, call: Incoming, desk: Desk, *, free: bool) -> None:
    if free:
        leg.early_media()
    before = leg.notes.get("outcome", "")
    # Who hangs up now has not heard a line ring.
    leg.note(notice=call.route.record_notice, outcome="abandoned:prompt")
    desk.play(leg, call.route.account, call.route.record_notice)
    leg.note(outcome=before)
