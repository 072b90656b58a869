"""The stored site as a site file that applies again without a change. Passwords stay out."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from typing import Any

from ruamel.yaml import YAML
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from appliance.domain.hook import HookKind
from appliance.domain.recording import RETENTION_DAYS
from appliance.domain.talk import TalkKey
from appliance.site.check import NOTICE
from appliance.site.costs import exported_costs
from appliance.site.credit import exported_credit
from appliance.site.time_values import written_amount
from appliance.store.models import (
    Account,
    CalendarDay,
    Flow,
    FlowVersion,
    Hook,
    Line,
    ListEntry,
    Number,
    NumberList,
    Operator,
    Plan,
    Queue,
    Region,
    Schedule,
    Subscription,
    Trunk,
    in_force,
)

_CHINA = timezone(timedelta(hours=8))


def export(session: Session, at: datetime) -> str:
    """The site as YAML, with the flows that are published ``at`` that time."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    # Nothing is folded: a line is a value.
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(as_data(session, at), out)
    return out.getvalue()


def as_data(session: Session, at: datetime) -> dict[str, Any]:
    """The site as the site file's plain data; every word that is no flag or count is a text."""
    return {
        "version": 1,
        "accounts": [_account(row) for row in session.scalars(select(Account).order_by(Account.id))],
        "operators": [_operator(row) for row in session.scalars(select(Operator).order_by(Operator.login))],
        "trunks": [_trunk(row) for row in session.scalars(select(Trunk).order_by(Trunk.id))],
        "lines": [_line(row) for row in session.scalars(select(Line).order_by(Line.id))],
        "queues": [_queue(row) for row in session.scalars(select(Queue).order_by(Queue.id))],
        "hooks": [_hook(row) for row in session.scalars(select(Hook).order_by(Hook.id))],
        "numbers": _numbers(session),
        "flows": _flows(session, at),
        "plans": [_plan(row) for row in session.scalars(select(Plan).order_by(Plan.code))],
        **exported_costs(session),
        "schedules": [_schedule(row) for row in session.scalars(select(Schedule).order_by(Schedule.id))],
        "lists": _lists(session),
        "calendar": {
            row.day.isoformat(): row.kind for row in session.scalars(select(CalendarDay).order_by(CalendarDay.day))
        },
        "regions": {
            row.prefix: f"{row.province}/{row.city}" if row.city else row.province
            for row in session.scalars(select(Region).order_by(Region.prefix))
        },
    }


def _operator(row: Operator) -> dict[str, Any]:
    made: dict[str, Any] = {"login": row.login, "name": row.name, "roles": sorted(role.name for role in row.roles)}
    return made | ({"account": row.account_id} if row.account_id else {})


def _trunk(row: Trunk) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "accept": list(row.accept),
        "proxy": row.proxy,
        "called_from": list(row.called_from),
        "landing": dict(row.landing),
        "number_format": row.number_format,
        "caller_id": row.caller_id,
        "caller_number": row.caller_number,
        "codecs": list(row.codecs),
        "max_calls": row.max_calls,
        "causes": dict(row.causes),
        "ping_seconds": row.ping_seconds,
        **({"registration": dict(row.registration)} if row.registration else {}),
        "dtmf": row.dtmf,
        "behind_nat": row.behind_nat,
        "symmetric_rtp": row.symmetric_rtp,
        "session_timer_seconds": row.session_timer_seconds,
        "media_timeout_seconds": row.media_timeout_seconds,
        "progress_seconds": row.progress_seconds,
        "announced": row.announced,
    }


def _account(row: Account) -> dict[str, Any]:
    given = {"id": row.id, "name": row.name, "max_calls": row.max_calls, **_talk_keys(row.talk_keys or None)}
    return given | ({"billing": dict(row.billing)} if row.billing else {}) | exported_credit(row.credit)


def _talk_keys(stored: dict[str, str] | None) -> dict[str, Any]:
    """Every key, so that one that is not used does not come back as its default."""
    return {} if stored is None else {"talk_keys": {key.value: stored.get(key, "") for key in TalkKey}}


def _line(row: Line) -> dict[str, Any]:
    return {
        "id": row.id,
        "account": row.account_id,
        "name": row.name,
        "number": row.number,
        "kind": row.kind,
        "trunk": row.trunk_id,
        "extension": row.extension,
        "max_calls": row.max_calls,
        "ring_seconds": row.ring_seconds,
        "schedule": row.schedule_id,
        "daily_calls": row.daily_calls,
        "monthly_calls": row.monthly_calls,
        "level": row.level,
        "weight": row.weight,
        "backup_trunks": list(row.backup_trunks),
        "confirm": row.confirm,
        "skills": list(row.skills),
        **({"record": row.record} if row.record else {}),
    }


def _queue(row: Queue) -> dict[str, Any]:
    return {
        "id": row.id,
        "account": row.account_id,
        "name": row.name,
        "lines": list(row.line_ids),
        "strategy": row.strategy,
        "max_wait_seconds": row.max_wait_seconds,
        "max_length": row.max_length,
        "announce_seconds": row.announce_seconds,
        "music": row.music,
        "wrap_up_seconds": row.wrap_up_seconds,
        "rest_seconds": row.rest_seconds,
        "sign_in": row.sign_in,
        "vip_priority": row.vip_priority,
        "service_level_seconds": row.service_level_seconds,
        "short_abandon_seconds": row.short_abandon_seconds,
        **(
            {"callback": {name: value for name, value in row.callback.items() if value is not None}}
            if row.callback
            else {}
        ),
    }


def _hook(row: Hook) -> dict[str, Any]:
    """Without token and secret: those that are stored stay when the file is applied."""
    made: dict[str, Any] = {
        "id": row.id,
        "account": row.account_id,
        "name": row.name,
        "kind": row.kind,
        "url": row.url,
        "token_file": row.token_file,
        "secret_file": row.secret_file,
        "headers": dict(row.headers),
    }
    if row.kind == HookKind.SMS:
        made |= {
            "to": row.recipient,
            "method": row.method,
            "encoding": row.encoding,
            "fields": dict(row.fields),
            "expect": dict(row.expect),
            "expect_text": row.expect_text,
        }
    if row.per_minute is not None:
        made["per_minute"] = row.per_minute
    return {name: value for name, value in made.items() if value not in ("", {})}


def _schedule(row: Schedule) -> dict[str, Any]:
    return {
        "id": row.id,
        "account": row.account_id,
        "name": row.name,
        "week": dict(row.week),
        "holidays": "open" if row.works_holidays else "closed",
        "makeup": row.makeup_as,
        "days": dict(row.own_days),
    }


def _lists(session: Session) -> list[dict[str, Any]]:
    entries: dict[str, list[str]] = {}
    for list_id, entry in session.execute(select(ListEntry.list_id, ListEntry.entry).order_by(ListEntry.entry)):
        entries.setdefault(list_id, []).append(entry)
    return [
        {"id": row.id, "account": row.account_id, "name": row.name, "entries": entries.get(row.id, [])}
        for row in session.scalars(select(NumberList).order_by(NumberList.id))
    ]


def _numbers(session: Session) -> list[dict[str, Any]]:
    flows = {row.id: row.name for row in session.scalars(select(Flow))}
    made = []
    for row in session.scalars(select(Number).order_by(Number.number)):
        where = _hunt(row) | ({"flow": flows[row.flow_id]} if row.flow_id is not None else {})
        if row.overflow_id is not None:
            where["overflow"] = flows[row.overflow_id]
        where |= _talk_keys(row.talk_keys)
        if row.whisper:
            where["whisper"] = row.whisper
        if row.rules:
            where["rules"] = dict(row.rules)
        subscriptions = session.scalars(
            select(Subscription).where(Subscription.number == row.number).order_by(Subscription.starts_at)
        )
        made.append(
            {
                "number": row.number,
                "account": row.account_id,
                "name": row.name,
                **where,
                "record": row.record,
                "record_notice": row.record_notice,
                **_recording_ways(row),
                "in_service": row.in_service,
                "subscriptions": [_subscription(subscription) for subscription in subscriptions],
            }
        )
    return made


def _recording_ways(row: Number) -> dict[str, Any]:
    """What is not at its default."""
    made: dict[str, Any] = {}
    if row.notice_prompt != NOTICE:
        made["notice_prompt"] = row.notice_prompt
    if row.retention_days != RETENTION_DAYS:
        made["retention_days"] = row.retention_days
    return made


def _hunt(row: Number) -> dict[str, Any]:
    made = {"strategy": row.strategy, "fail_over": list(row.fail_over)}
    return made if row.flow_id is not None else {"lines": list(row.line_ids), **made}


def _subscription(row: Subscription) -> dict[str, Any]:
    made = {"plan": row.plan_code, "starts_at": _time(row.starts_at)}
    return made | ({"ends_at": _time(row.ends_at)} if row.ends_at else {})


def _flows(session: Session, at: datetime) -> list[dict[str, Any]]:
    """Flows with their published graph; a draft that was never published is no part of the site."""
    query = (
        select(Flow, FlowVersion)
        .join(FlowVersion, and_(FlowVersion.flow_id == Flow.id, FlowVersion.version == in_force(at)))
        .order_by(Flow.account_id, Flow.name)
    )
    return [
        {"name": row.name, "account": row.account_id, **version.graph} for row, version in session.execute(query)
    ]


def _plan(row: Plan) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.name,
        "charge_by": row.charge_by,
        "meter": row.meter,
        "included": row.included,
        "rollover_months": row.rollover_months,
        "minimum_monthly": written_amount(row.minimum_monthly),
        "prices": [
            {
                "effective_from": price.effective_text,
                "caller": price.caller,
                "initial_seconds": price.initial_seconds,
                "step_seconds": price.step_seconds,
                "free_seconds": price.free_seconds,
                "connect_fee": written_amount(price.connect_fee),
                "per_minute": written_amount(price.per_minute),
                "per_call": written_amount(price.per_call),
            }
            for price in row.prices
        ],
    }


def _time(at: datetime) -> str:
    return at.astimezone(_CHINA).isoformat()
