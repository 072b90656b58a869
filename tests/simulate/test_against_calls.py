"""The simulator against calls: what it says would become of a call is what the call steps do with it.

Each chain of ``tests/scenarios/calls.txt`` is carried out on a scripted leg; before each of its calls the simulator
is asked the same, over the same routing and the same journal."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import pytest
from sqlalchemy.orm import Session

from appliance.calls.answer import take
from appliance.calls.desk import Desk
from appliance.domain.admission import Rule, Step, Verdict
from appliance.domain.flow import Enqueue, HangUp, Menu, Play
from appliance.domain.hunt import Skip, Strategy
from appliance.domain.outcome import Disposition
from appliance.domain.queue import Left
from appliance.domain.refusal import ENDINGS
from appliance.domain.walk import Left as WalkLeft
from appliance.domain.walk import Walk
from appliance.reference.workdays import day_kind
from appliance.simulate.route import Answer, Question, explain
from appliance.store.journal import Journal
from tests.calls.scenarios import Scenario, World, chains, desk, leg_of, table
from tests.contract.fake import FakeLeg
from tests.simulate.asked import ids

#: Where a trunk's INVITEs come from in the table of scenarios.
TRUNKS = {"127.0.0.1": "t", "127.0.0.2": "thin"}


def cannot_be_asked(row: Scenario) -> str:
    """Why a question cannot express a row; empty: it can."""
    if row.gone_at:
        return "the caller hangs up"
    if row.address not in TRUNKS:
        return "it comes from no trunk"
    if set(row.ends.values()) - {Disposition.BUSY, Disposition.FULL}:
        return "a line ends otherwise than busy"
    if len({row.others.get(realm, 0) for realm in limited(row)}) > 1:
        return "others are there on some of the realms that are limited only"
    return changes_while_he_waits(row)


def changes_while_he_waits(row: Scenario) -> str:
    """Why a question cannot express a row about a queue: it asks for one moment, in which nobody else waits."""
    if row.before_him:
        return "others wait before him"
    if any(after for after, _, _ in row.signings):
        return "somebody signs in or out while he waits"
    if any(count for count in row.counted_full.values()) or ("wait" in row.did and "connect" in row.did):
        return "a line is free later"
    if row.did.count("wait ") > len([key for key in row.presses if key]) or "=timeout" in row.stays:
        return "he waits on"
    return ""


def busy_lines(row: Scenario) -> set[str]:
    """Lines that are busy, by whichever trunk they are reached."""
    return {end.partition("@")[0] for end in row.ends}


def limited(row: Scenario) -> set[str]:
    """The realms in which the row's call is counted."""
    known = table()
    called = known.numbers.get(row.number)
    trunk = known.trunk(TRUNKS[row.address])
    assert trunk is not None
    most = {
        "trunk": trunk.max_calls,
        "account": known.account_max_calls.get(called.account, 0) if called else 0,
        "number": called.rules.max_calls if called else 0,
    }
    return {realm for realm, limit in most.items() if limit}


def question_of(row: Scenario) -> Question:
    called = table().numbers.get(row.number)
    passwords = called.rules.passwords if called else frozenset()
    # What is pressed first answers for the password: the first right one of three, else the last.
    tries = [*row.presses, "", "", ""][:3] if passwords else []
    keyed = next((key for key in tries if key in passwords), tries[-1] if tries else "")
    realms = limited(row)
    return Question(
        number=row.number,
        caller=row.caller or "13800138000",
        at=row.moment,
        trunk=TRUNKS[row.address],
        busy=sorted(busy_lines(row)),
        # A caller who presses no more is silent.
        keys=[] if passwords else [*row.presses, *[""] * 9],
        password=keyed,
        others=row.others.get(min(realms), 0) if realms else 0,
    )


def rounds_of(leg: FakeLeg) -> list[list[str]]:
    """What was rung, round after round."""
    return [step[1].split("+") for step in leg.did if step[0] == "connect"]


def heard(leg: FakeLeg) -> list[str]:
    """Announcements, by their names."""
    return [step[1].removesuffix(".wav") for step in leg.did if step[0] == "play"]


class OnlyAsks:
    """A journal that is looked into and never written."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        if name in ("call_started", "line_rung", "talked"):
            return lambda *told: None
        return getattr(self._journal, name)


def rung_in_vain(row: Scenario, tools: Desk) -> list[list[str]]:
    """What the call would ring before any overflow if every line were busy; nothing remembers it."""
    leg = leg_of(row)
    leg.lines = dict.fromkeys(table().lines, Disposition.BUSY)
    leg.gone_at = "wait"  # in an overflow's queue
    only_asks: Any = OnlyAsks(tools.journal)
    take(leg, replace(tools, journal=only_asks, dispatcher=desk().dispatcher, dice=random.Random(1)))
    rounds: list[list[str]] = []
    for step in leg.did:
        if step[0] == "answer" and rounds:
            break  # an overflow answers once the lines have failed
        if step[0] == "connect":
            rounds.append(step[1].split("+"))
    return rounds


def agree_on_refusal(answer: Answer, leg: FakeLeg) -> None:
    """Refused or not, for the same reason and by the same facts, with the same announcement or flow."""
    if answer.refused is None:
        assert leg.told["taken"] == "yes" and not leg.told["outcome"].startswith("refused:")
        assert answer.trail[-1] == Step(Rule.DEFAULT, Verdict.PASSED)
        return
    reason, because = answer.refused.reason, answer.refused.because
    assert leg.told.get("taken", reason) == reason  # not told where there was no number to ask
    assert answer.trail[-1].refusal is reason and answer.direct is None
    if answer.flow is not None:
        assert leg.told["because"] == f"{reason} {because}"
        return
    assert (leg.told["outcome"], leg.told.get("because", "")) == (f"refused:{reason}", because)
    assert (leg.ended_with, heard(leg)) == (ENDINGS[reason].cause, [answer.prompt])
    assert answer.answered is (("answer",) in leg.did)


def agree_on_lines(answer: Answer, leg: FakeLeg, row: Scenario, in_vain: list[list[str]]) -> None:
    """The lines of a number without a flow, in the same rounds, and why others are not among them."""
    assert answer.direct is not None
    hunt, busy = table().numbers[row.number].hunt, busy_lines(row)
    off = {line: why for line, why in answer.direct.skipped.items() if why is not Skip.BUSY}
    assert set(hunt.lines) == {line for lines in in_vain for line in lines} | set(off)
    assert set(answer.direct.skipped) - set(off) == busy & set(hunt.lines) - set(off)
    said = ids(answer.direct)
    idle = [kept for lines in in_vain if (kept := [line for line in lines if line not in busy])]
    if hunt.strategy in (Strategy.RANDOM, Strategy.WEIGHT):
        assert sorted(said) == sorted(idle)
        return
    assert said == idle
    assert rounds_of(leg)[: len(in_vain)] == in_vain[: len(rounds_of(leg))]
    if said:
        assert leg.joined in said[0]
    if not in_vain:
        assert leg.told["because"] == " ".join(f"{line}={why}" for line, why in off.items())


def queues_of(walk: Walk) -> list[str]:
    """The queues that a walk comes through, and how it leaves each."""
    told = []
    for visit, after in zip_longest(walk.visits, walk.visits[1:]):
        if not isinstance(visit.node, Enqueue):
            continue
        assert visit.choice is not None
        onward = after.node_id if after is not None else ""
        if visit.choice.rounds:
            how = Left.ANSWERED
        elif walk.left is WalkLeft.CALLBACK:
            how = Left.CALLBACK
        elif Skip.BUSY in visit.choice.skipped.values():
            assert onward == visit.node.keys[visit.keys[-1]]
            how = Left.KEY
        else:
            assert onward == visit.node.nobody
            how = Left.NOBODY
        told.append(f"{visit.node.queue}={how}")
    return told


def agree_on_flow(answer: Answer, leg: FakeLeg, stays: str) -> None:
    """The same flow, along the same prompts, keys and queues to the same node and the same end."""
    assert (answer.flow.label if answer.flow else None) == leg.told.get("flow")
    if answer.walk is None:
        assert answer.flow is None
        return
    visits = answer.walk.visits
    assert visits[-1].node_id == leg.told["node"]
    asking = [visit for visit in visits if isinstance(visit.node, Menu | Enqueue) and visit.keys]
    chosen = [f"{one.node_id}={one.keys[-1]}" for one in asking if one.keys[-1] in one.node.keys]
    assert ";".join(chosen) == leg.told.get("keys", "")
    asked = sum(len(visit.keys) for visit in visits if isinstance(visit.node, Menu))
    if answer.walk.left is WalkLeft.CALLBACK:
        asked += len(visits[-1].keys) - 1  # behind the queue's key
    assert asked == sum(step[0] == "collect" for step in leg.did)
    assert queues_of(answer.walk) == [stay.partition(":")[0] for stay in stays.split()]
    prompts = [visit.node.prompt for visit in visits if isinstance(visit.node, Play | HangUp) and visit.node.prompt]
    assert [name for name in heard(leg) if name in prompts] == prompts
    assert (answer.walk.left is WalkLeft.JOINED) is bool(leg.joined)
    if leg.joined:
        assert visits[-1].choice is not None and leg.joined in ids(visits[-1].choice)[0]


#: Chains of which a row at least can be put as a question; ``test_most_calls_can_be_asked`` counts the rest.
ASKABLE = [chain for chain in chains() if not all(map(cannot_be_asked, chain))]


@pytest.mark.parametrize("chain", ASKABLE, ids=lambda chain: chain[0].name.replace(" ", "-"))
def test_what_is_said_of_a_call_is_what_becomes_of_it(chain: list[Scenario], session: Session) -> None:
    reasons = [cannot_be_asked(row) for row in chain]
    world = World()
    tools = world.desk
    for at, (row, cannot) in enumerate(zip(chain, reasons, strict=True)):
        leg = world.leg(row, at)
        if cannot:
            take(leg, tools)
        else:
            # Both are asked before the call is written down.
            answer = explain(question_of(row), session, tools.journal, day_kind)
            in_vain = rung_in_vain(row, tools) if answer.direct is not None else []
            take(leg, tools)
            agree_on_refusal(answer, leg)
            agree_on_flow(answer, leg, world.stays(leg))
            if answer.direct is not None:
                agree_on_lines(answer, leg, row, in_vain)
        world.over(leg)


def test_most_calls_can_be_asked() -> None:
    asked = Counter(cannot_be_asked(row) for chain in chains() for row in chain)
    assert asked[""] >= 270
    assert len(ASKABLE) >= 190
    assert set(asked) == {
        "",
        "the caller hangs up",
        "it comes from no trunk",
        "a line ends otherwise than busy",
        "others are there on some of the realms that are limited only",
        "others wait before him",
        "somebody signs in or out while he waits",
        "a line is free later",
        "he waits on",
    }
