"""The routing of the box as the rules want it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from appliance.domain import flow as flows
from appliance.domain import routing as domain
from appliance.domain.calendar import WEEKDAYS, DayKind, Hours, Schedule, read_hours
from appliance.domain.callback import Terms
from appliance.domain.hunt import Hunt, Strategy
from appliance.domain.lists import NumberList
from appliance.domain.numbers import NumberFormat
from appliance.domain.outcome import Disposition, read_causes
from appliance.domain.places import Place
from appliance.domain.queue import Queue
from appliance.domain.recording import OFF, read_policy
from appliance.domain.refusal import Refusal
from appliance.domain.talk import TalkKeys
from appliance.store import models
from appliance.store.models import Flow, FlowPublication, FlowVersion, SiteState, in_force

_log = structlog.get_logger(__name__)


def revision(session: Session) -> int:
    """How often the site has changed; 0: never applied. One row, cheap enough for every call."""
    return session.scalar(select(SiteState.revision)) or 0


#: Publications to come that are read beforehand: calls do not wait for the database when their time has come.
_MOST_TO_COME = 20
#: How long a version is kept for calls that were begun in it; none lasts longer (``max_call_minutes`` at most).
_RETIRED_FOR = timedelta(hours=24)


def load_tables(session: Session, now: datetime) -> list[tuple[datetime, domain.RoutingTable]]:
    """Since when which table holds: that of ``now``, and one for each time at which a flow is to be published."""
    to_come = (
        select(FlowPublication.at)
        .where(FlowPublication.at > now, FlowPublication.cancelled_at.is_(None))
        .order_by(FlowPublication.at)
        .distinct()
        .limit(_MOST_TO_COME)
    )
    return [(at, load_table(session, at)) for at in (now, *session.scalars(to_come))]


def load_table(session: Session, at: datetime) -> domain.RoutingTable:
    """Everything that routing knows, as it is to be at one moment (load it inside ``Store.reading``)."""
    graphs = _flows(session, at)
    accounts = list(session.scalars(select(models.Account)))
    keys = {account.id: account.talk_keys for account in accounts}
    return domain.RoutingTable(
        revision=revision(session),
        trunks=tuple(map(_trunk, session.scalars(select(models.Trunk).order_by(models.Trunk.id)))),
        lines={line.id: _line(line) for line in session.scalars(select(models.Line).order_by(models.Line.id))},
        numbers={
            number.number: _number(number, graphs, keys.get(number.account_id, {}))
            for number in session.scalars(select(models.Number).order_by(models.Number.number))
        },
        account_max_calls={account.id: account.max_calls for account in accounts if account.max_calls},
        schedules={row.id: _schedule(row) for row in session.scalars(select(models.Schedule))},
        lists=_lists(session),
        calendar={row.day: DayKind(row.kind) for row in session.scalars(select(models.CalendarDay))},
        places={
            row.prefix: Place(row.province, (row.city,) if row.city else ())
            for row in session.scalars(select(models.Region))
        },
        queues={row.id: _queue(row) for row in session.scalars(select(models.Queue).order_by(models.Queue.id))},
        flows=graphs[1],
        retired=_retired(session, at),
    )


#: Published graphs by the flow's row, and by account and name.
_Graphs = tuple[Mapping[int, flows.Flow], Mapping[tuple[str, str], flows.Flow]]


def _flows(session: Session, at: datetime) -> _Graphs:
    query = select(Flow, FlowVersion).join(
        FlowVersion, and_(FlowVersion.flow_id == Flow.id, FlowVersion.version == in_force(at))
    )
    by_row: dict[int, flows.Flow] = {}
    by_name: dict[tuple[str, str], flows.Flow] = {}
    for row, version in session.execute(query):
        graph = _graph(row, version)
        if graph is not None:
            by_row[row.id] = by_name[row.account_id, row.name] = graph
    return by_row, by_name


def _retired(session: Session, at: datetime) -> dict[tuple[str, str], flows.Flow]:
    """Versions that were in force lately, and are no more."""
    since = at - _RETIRED_FOR
    published_since = (
        select(FlowPublication.id)
        .where(
            FlowPublication.flow_id == FlowVersion.flow_id,
            FlowPublication.version == FlowVersion.version,
            FlowPublication.cancelled_at.is_(None),
            FlowPublication.at.between(since, at),
        )
        .exists()
    )
    query = (
        select(Flow, FlowVersion)
        .join(FlowVersion, FlowVersion.flow_id == Flow.id)
        .where(
            or_(FlowVersion.version == in_force(since), published_since),
            FlowVersion.version.is_distinct_from(in_force(at)),
        )
    )
    found = [(row, _graph(row, version)) for row, version in session.execute(query)]
    return {(row.account_id, graph.label): graph for row, graph in found if graph is not None}


def _graph(row: Flow, version: FlowVersion) -> flows.Flow | None:
    graph, faults = flows.parse(row.name, version.version, version.graph)
    if graph is None:
        # Published before the rules grew stricter. The other numbers of the box go on.
        _log.error("flow-unusable", account=row.account_id, flow=row.name, version=version.version, faults=faults)
    return graph


def _trunk(row: models.Trunk) -> domain.Trunk:
    return domain.Trunk(
        id=row.id,
        accept=accepted_from(row.accept, row.proxy, registers=bool(row.registration)),
        proxy=row.proxy,
        called_from=tuple(map(domain.CalledFrom, row.called_from)),
        landing=dict(row.landing),
        number_format=NumberFormat(row.number_format),
        caller_id=domain.CallerIdPolicy(row.caller_id),
        caller_number=row.caller_number,
        codecs=tuple(row.codecs),
        max_calls=row.max_calls,
        causes=read_causes(row.causes),
        ping_seconds=row.ping_seconds,
        registration=domain.Registration(**row.registration) if row.registration else None,
        dtmf=domain.DtmfMode(row.dtmf),
        behind_nat=row.behind_nat,
        symmetric_rtp=row.symmetric_rtp,
        session_timer_seconds=row.session_timer_seconds,
        media_timeout_seconds=row.media_timeout_seconds,
        progress_seconds=row.progress_seconds,
        announced=Disposition(row.announced) if row.announced else None,
    )


def accepted_from(accept: Sequence[str], proxy: str, *, registers: bool) -> tuple[str, ...]:
    """Where a trunk's INVITEs come from. A carrier that we register at calls from its registrar's address where
    nothing else is written; a name is no address, so the site file has to write it then.

    >>> accepted_from([], "192.0.2.7:5060", registers=True), accepted_from([], "192.0.2.7:5060", registers=False)
    (('192.0.2.7',), ())
    """
    host = proxy.rpartition(":")[0]
    if registers and not accept and is_ipv4(host):
        return (host,)
    return tuple(accept)


def is_ipv4(host: str) -> bool:
    """Whether a host is written as an IPv4 address."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _line(row: models.Line) -> domain.Line:
    return domain.Line(
        id=row.id,
        account=row.account_id,
        number=row.number,
        trunk=row.trunk_id or "",
        max_calls=row.max_calls,
        ring_seconds=row.ring_seconds,
        schedule=row.schedule_id or "",
        daily_calls=row.daily_calls,
        monthly_calls=row.monthly_calls,
        level=row.level,
        weight=row.weight,
        backups=tuple(row.backup_trunks),
        confirm=row.confirm,
        skills=frozenset(row.skills),
        record=row.record,
        is_phone=row.kind == "phone",
        extension=row.extension,
        pin_hash=row.pin_hash,
    )


def _queue(row: models.Queue) -> Queue:
    return Queue(
        id=row.id,
        account=row.account_id,
        hunt=Hunt(tuple(row.line_ids), Strategy(row.strategy)),
        max_wait_s=row.max_wait_seconds,
        max_length=row.max_length,
        announce_s=row.announce_seconds,
        music=row.music,
        wrap_up_s=row.wrap_up_seconds,
        rest_s=row.rest_seconds,
        sign_in=row.sign_in,
        vip_priority=row.vip_priority,
        service_level_s=row.service_level_seconds,
        short_abandon_s=row.short_abandon_seconds,
        callback=_callback(row.callback or {}),
    )


def _callback(stored: Mapping[str, Any]) -> Terms:
    """``queues.callback``: the site file's form (``site.schema.CallbackPart``)."""
    return Terms(
        key=stored.get("key", ""),
        attempts=stored.get("attempts", 3),
        gap_s=stored.get("gap_seconds", 300),
        expires_min=stored.get("expires_minutes", 0),
        schedule=stored.get("schedule") or "",
        overseas=stored.get("overseas", False),
        other_number=stored.get("other_number", False),
    )


def _number(row: models.Number, graphs: _Graphs, keys: Mapping[str, str]) -> domain.NumberRoute:
    by_row, by_name = graphs
    flow = by_row.get(row.flow_id) if row.flow_id is not None else None
    leads_somewhere = flow is not None or (row.flow_id is None and bool(row.line_ids))
    return domain.NumberRoute(
        number=row.number,
        account=row.account_id,
        flow=flow,
        hunt=Hunt(
            () if row.flow_id is not None else tuple(row.line_ids),
            Strategy(row.strategy),
            frozenset(map(Disposition, row.fail_over)),
        ),
        overflow=by_row.get(row.overflow_id) if row.overflow_id is not None else None,
        # What a later version may have written is no reason to take no calls: nothing is recorded then.
        record=read_policy(row.record) or OFF,
        record_notice=row.notice_prompt if row.record_notice else "",
        in_service=row.in_service and leads_somewhere,
        rules=_rules(row.rules, row.account_id, by_name),
        whisper=row.whisper,
        talk_keys=TalkKeys(**(keys if row.talk_keys is None else row.talk_keys)),
    )


def _rules(stored: Mapping[str, Any], account: str, graphs: Mapping[tuple[str, str], flows.Flow]) -> domain.Rules:
    """``numbers.rules``: the site file's form (``site.schema.RulesPart``), what is at its default left out."""
    limit = stored.get("caller_limit")
    return domain.Rules(
        max_calls=stored.get("max_calls", 0),
        calls_per_minute=stored.get("calls_per_minute", 0),
        black_lists=tuple(stored.get("black_lists", ())),
        white_lists=tuple(stored.get("white_lists", ())),
        caller_limit=domain.CallerLimit(**limit) if limit else None,
        passwords=frozenset(stored.get("passwords", ())),
        schedule=stored.get("schedule") or "",
        regions_only=tuple(stored.get("regions_only", ())),
        regions_except=tuple(stored.get("regions_except", ())),
        treatments={
            Refusal(reason): domain.Treatment(
                prompt=given.get("prompt", ""),
                answer=given.get("answer", False),
                flow=graphs.get((account, given.get("flow") or "")),
            )
            for reason, given in stored.get("refusals", {}).items()
        },
    )


def _schedule(row: models.Schedule) -> Schedule:
    return Schedule(
        id=row.id,
        account=row.account_id,
        week={WEEKDAYS.index(day): _hours(hours) for day, hours in row.week.items()},
        works_holidays=row.works_holidays,
        makeup_as=WEEKDAYS.index(row.makeup_as),
        own_days={date.fromisoformat(day): _hours(hours) for day, hours in row.own_days.items()},
    )


def _hours(written: list[str]) -> tuple[Hours, ...]:
    return tuple(hours for text in written if (hours := read_hours(text)) is not None)


def _lists(session: Session) -> dict[str, NumberList]:
    entries: dict[str, set[str]] = {}
    for list_id, entry in session.execute(select(models.ListEntry.list_id, models.ListEntry.entry)):
        entries.setdefault(list_id, set()).add(entry)
    return {
        row.id: NumberList(row.id, row.account_id, frozenset(entries.get(row.id, ())))
        for row in session.scalars(select(models.NumberList))
    }
