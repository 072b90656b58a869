"""Drafts and publications. Each function is one unit of work; calls take what is published within a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain import flow as graphs
from appliance.domain.names import MOST, is_id
from appliance.errors import FlowError
from appliance.flows.check import FindPrompt, FlowFault, check
from appliance.store import flows
from appliance.store.models import Account, Flow, SiteState
from appliance.store.routing import load_table
from appliance.store.unit import Store

#: How long another unit of work may keep us waiting. A later time than that is a clock that was set back.
_LONGEST_WAIT = timedelta(minutes=1)


class FlowFaults(FlowError):
    """A graph that cannot be published; ``faults`` say why."""

    def __init__(self, faults: Sequence[FlowFault]) -> None:
        self.faults = tuple(faults)
        super().__init__([line for fault in faults for line in (fault.text("zh"), f"    {fault.text()}")])


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes the flows of an account, and when it is.

    :param by: login of the operator, or whoever it is; kept with what was done.
    """

    store: Store
    account: str
    find_prompt: FindPrompt
    by: str
    now: datetime

    def save(self, name: str, graph: Mapping[str, Any]) -> None:
        """Keep a graph as the flow's draft, whatever faults it has; a flow that is new is made.

        :raises FlowError: there is no such account, or no flow can have that name.
        """
        if not is_id(name):
            raise FlowError([f"not a flow's name (letters, digits, . _ -, at most {MOST}): {name[:80]}"])
        with self.store.work() as session:
            _begin(session)
            if session.get(Account, self.account) is None:
                raise FlowError([f"there is no account {self.account}"])
            flow = flows.find(session, self.account, name)
            if flow is None:
                flow = Flow(account_id=self.account, name=name)
                session.add(flow)
                session.flush()
            published = flows.published(session, flow, self.now)
            flows.save_draft(session, flow, graph, published.version if published else None, self.by, self.now)
            session.commit()

    def check(self, name: str, graph: Mapping[str, Any]) -> list[FlowFault]:
        """Every fault that a graph would have as this flow."""
        with self.store.reading() as session:
            return self._faults(session, name, graph)

    def publish(self, name: str, *, at: datetime | None = None, note: str = "") -> int:
        """Publish the draft, now or from ``at`` on; its version.

        A draft that is the same as a version is that version again.

        :raises FlowFaults: the draft has faults; nothing changed.
        :raises FlowError: there is no such flow, it has no draft, or ``at`` is in the past.
        """
        with self.store.work() as session:
            _begin(session)
            flow = self._flow(session, name)
            draft = flows.draft(session, flow)
            if draft is None:
                raise FlowError([f"the flow {name} has no draft"])
            self._check_time(at)
            faults = self._faults(session, name, draft.graph, at)
            if faults:
                raise FlowFaults(faults)
            same = next((one for one in flows.versions(session, flow) if graphs.same(one.graph, draft.graph)), None)
            made = same or flows.add_version(session, flow, draft.graph, self.by, self.now)
            self._publish(session, flow, made.version, at, note)
            session.delete(draft)
            session.commit()
            return made.version

    def roll_back(self, name: str, version: int | None = None, *, note: str = "") -> int:
        """Publish an older version again, now; its number. What was to come is cancelled.

        :param version: None: the one that calls took before the present one.
        :raises FlowFaults: the version names what is not there any more.
        :raises FlowError: there is no such flow or version, or none before the present one.
        """
        with self.store.work() as session:
            _begin(session)
            flow = self._flow(session, name)
            number = version if version is not None else self._before(session, flow)
            found = flows.version(session, flow, number)
            if found is None:
                raise FlowError([f"the flow {name} has no version {number}"])
            faults = self._faults(session, name, found.graph)
            if faults:
                raise FlowFaults(faults)
            flows.cancel(session, flow, self.by, self._moment(session, flow))
            self._publish(session, flow, number, None, note)
            session.commit()
            return number

    def withdraw(self, name: str, *, note: str = "") -> None:
        """Have calls take no version of the flow: numbers that lead to it are out of service.

        :raises FlowError: there is no such flow.
        """
        with self.store.work() as session:
            _begin(session)
            flow = self._flow(session, name)
            flows.cancel(session, flow, self.by, self._moment(session, flow))
            self._publish(session, flow, None, None, note)
            session.commit()

    def cancel(self, name: str) -> int:
        """Cancel what is to be published later; how many publications that were.

        :raises FlowError: there is no such flow.
        """
        with self.store.work() as session:
            _begin(session)
            flow = self._flow(session, name)
            cancelled = flows.cancel(session, flow, self.by, self._moment(session, flow))
            flows.routing_changed(session)
            session.commit()
            return cancelled

    def _publish(self, session: Session, flow: Flow, version: int | None, at: datetime | None, note: str) -> None:
        now = self._moment(session, flow)
        flows.publish(session, flow, version, at or now, self.by, now, note[:200])
        flows.routing_changed(session)

    def _moment(self, session: Session, flow: Flow) -> datetime:
        """Now; or when somebody published who came after us, and was let in before us: the last word is ours."""
        latest = max((one.made_at for one in flows.publications(session, flow)), default=self.now)
        return latest if self.now < latest <= self.now + _LONGEST_WAIT else self.now

    def _check_time(self, at: datetime | None) -> None:
        if at is not None and at <= self.now:
            raise FlowError([f"{at.isoformat()} is over: publish now, or give a time to come"])

    def _flow(self, session: Session, name: str) -> Flow:
        flow = flows.find(session, self.account, name)
        if flow is None:
            raise FlowError([f"the account {self.account} has no flow {name}"])
        return flow

    def _before(self, session: Session, flow: Flow) -> int:
        """The version that was in force before the one that is."""
        now = self._moment(session, flow)
        held = [
            one.version for one in flows.publications(session, flow) if one.at <= now and one.cancelled_at is None
        ]
        before = next((one for one in held[1:] if one is not None and one != held[0]), None)
        if before is None:
            raise FlowError([f"the flow {flow.name} had no other version before"])
        return before

    def _faults(
        self, session: Session, name: str, graph: Mapping[str, Any], at: datetime | None = None
    ) -> list[FlowFault]:
        """What is wrong with a graph beside the flows that calls take at that time."""
        published = load_table(session, at or self.now).flows_of(self.account)
        return check(session, self.account, name, graph, published, self.find_prompt)


def _begin(session: Session) -> None:
    """Two that publish at once: the second one waits here, and then sees what the first one did."""
    session.execute(select(SiteState.id).with_for_update())


def parsed(name: str, version: int, graph: Mapping[str, Any]) -> graphs.Flow:
    """A graph as a flow.

    :raises FlowError: it has faults.
    """
    flow, faults = graphs.parse(name, version, graph)
    if flow is None:
        raise FlowError([".".join(filter(None, (one.node, one.field))) + f": {one.what}" for one in faults])
    return flow
