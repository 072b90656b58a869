"""Stored calls through a draft: what would have become of them, and of which it differs.

Both versions are walked alike, with what the call's record knows: when it came, who called, what was pressed and
what was not, and which lines were busy. So what differs is the draft's doing, not the way it was looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from appliance.domain.flow import Flow, parse
from appliance.domain.walk import Left, Walk
from appliance.simulate.recorded import Recorded
from appliance.simulate.trial import Trial
from appliance.store.models import Call, Callback, FlowVersion, QueueStay
from appliance.store.models import Flow as FlowRow
from appliance.store.routing import load_table


@dataclass(frozen=True, slots=True)
class Replayed:
    """A call: the way through the version that it went by, and through the draft."""

    uuid: str
    started_at: datetime
    caller: str
    before: Walk
    after: Walk

    @property
    def asks_more(self) -> bool:
        """Whether the draft asks for what the caller was never asked: nobody knows what he would press."""
        return self.after.left is Left.ASKED and self.before.left is not Left.ASKED

    @property
    def differs(self) -> bool:
        """Whether it would end elsewhere, or ring other lines."""
        return _end(self.before) != _end(self.after)


@dataclass(slots=True)
class Report:
    """What a replay found."""

    calls: int = 0
    same: int = 0
    asks_more: int = 0
    #: Calls whose version is gone, or cannot be read any more.
    left_out: int = 0
    differing: list[Replayed] = field(default_factory=list)

    def changes(self) -> Counter[tuple[str, str]]:
        """(end before, end after) of those that differ, and how many."""
        return Counter((told_end(one.before), told_end(one.after)) for one in self.differing)


def replay(trial: Trial, draft: Flow, since: datetime, until: datetime, at_most: int = 1000) -> Report:
    """Walk the calls of a period that went through the flow, the newest ``at_most``, through the draft."""
    table = load_table(trial.session, until)
    versions = _versions(trial)
    report = Report()
    for recorded in _calls(trial, draft.name, since, until, at_most):
        report.calls += 1
        call = recorded.call
        version = versions.get(call.flow)
        if version is None:
            report.left_out += 1
            continue
        case = recorded.case(version, versions, table)
        walked = Replayed(
            call.uuid,
            call.started_at,
            call.caller,
            trial.walk(version, case, table),
            trial.walk(draft, case, table),
        )
        if walked.asks_more:
            report.asks_more += 1
        elif walked.differs:
            report.differing.append(walked)
        else:
            report.same += 1
    return report


def told_end(walk: Walk) -> str:
    """How a walk ended: ``joined sales-1`` (``joined a+b``: whoever of them is first), ``hung-up bye``."""
    last = walk.visits[-1]
    if walk.left is Left.JOINED and last.choice is not None:
        return f"{walk.left} {'+'.join(line.id for line in last.choice.rounds[0])}"
    return f"{walk.left} {last.node_id}"


def _end(walk: Walk) -> tuple[str, ...]:
    """What a caller notices: how it ended, and who would talk to him, or what he hears at the end."""
    last = walk.visits[-1]
    if walk.left is Left.JOINED and last.choice is not None:
        return (walk.left, *(line.id for line in last.choice.rounds[0]))
    return (walk.left, type(last.node).__name__, getattr(last.node, "prompt", ""), getattr(last.node, "queue", ""))


def _calls(trial: Trial, name: str, since: datetime, until: datetime, at_most: int) -> Iterator[Recorded]:
    """The newest first."""
    wanted = (
        select(Call.uuid)
        .where(
            Call.account_id == trial.account,
            Call.started_at >= since,
            Call.started_at < until,
            # No LIKE, to which SQLite takes great and small letters for the same.
            func.substr(Call.flow, 1, len(name) + 1) == f"{name}@",
        )
        .order_by(Call.started_at.desc())
        .limit(at_most)
        .subquery()
    )
    these = select(wanted.c.uuid)
    stays: dict[str, list[QueueStay]] = {}
    for stay in trial.session.scalars(select(QueueStay).where(QueueStay.call_uuid.in_(these))):
        stays.setdefault(stay.call_uuid, []).append(stay)
    requests = {row.id: row for row in trial.session.scalars(select(Callback).where(Callback.id.in_(these)))}
    for call in trial.session.scalars(select(Call).where(Call.uuid.in_(these)).order_by(Call.started_at.desc())):
        yield Recorded(call, stays.get(call.uuid, ()), requests.get(call.uuid))


def _versions(trial: Trial) -> dict[str, Flow]:
    """Every version of the account's flows by its label: calls go from one flow into others."""
    found = trial.session.execute(
        select(FlowRow.name, FlowVersion)
        .join(FlowRow, FlowRow.id == FlowVersion.flow_id)
        .where(FlowRow.account_id == trial.account)
    )
    graphs = [parse(name, row.version, row.graph)[0] for name, row in found]
    return {graph.label: graph for graph in graphs if graph is not None}
