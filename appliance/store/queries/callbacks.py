"""Requests to be called back: those that are open, those that have ended lately, and what became of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, select

from appliance.domain.callback import Balance, Ending, Request
from appliance.store.callbacks import Callbacks
from appliance.store.models import Call, Callback, Queue
from appliance.store.queries.scope import Reader


@dataclass(frozen=True, slots=True)
class CallbackView:
    """A request, with the name of its queue (empty: it is gone, or has none)."""

    request: Request
    queue_name: str


@dataclass(frozen=True, slots=True)
class CallbackReport:
    """What became of a queue's requests, each counted once."""

    queue_id: str
    name: str
    balance: Balance


def callbacks_now(
    reader: Reader, requests: Callbacks, recent: int
) -> tuple[list[CallbackView], list[CallbackView]]:
    """The open requests in the order in which they were asked, and the ``recent`` ones that ended last. The journal
    is the box's; its rows are held to the reader's scope here."""
    account = reader.scope.account_id
    names = dict(reader.rows(select(Queue.id, Queue.name)))

    def view(request: Request) -> CallbackView:
        return CallbackView(request, names.get(request.queue, ""))

    open_ones = [view(one) for one in requests.open() if account is None or one.account == account]
    return open_ones, [view(one) for one in requests.ended(recent, account)]


def may_see(reader: Reader, request: Request | None) -> bool:
    """Whether there is such a request for this reader."""
    return request is not None and (reader.scope.sees_all or request.account == reader.scope.account_id)


def callback_report(reader: Reader, since: datetime, until: datetime) -> Sequence[CallbackReport]:
    """Each queue that was asked in ``[since, until)``, with its requests of that time."""

    def counted(ending: str) -> ColumnElement[int]:
        return func.sum(case((Callback.ending == ending, 1), else_=0))

    rows = reader.rows(
        select(Callback.queue_id, counted(""), *(counted(ending.value) for ending in Ending))
        .where(Callback.asked_at >= since, Callback.asked_at < until)
        .group_by(Callback.queue_id)
        .order_by(Callback.queue_id)
    )
    names = dict(reader.rows(select(Queue.id, Queue.name)))
    return [
        CallbackReport(
            queue_id,
            names.get(queue_id, ""),
            Balance({ending: int(count) for ending, count in zip(Ending, counts, strict=True)}, int(open_ones)),
        )
        for queue_id, open_ones, *counts in rows
    ]


def calls_for(reader: Reader, request_id: str) -> Sequence[str]:
    """The calls that were made for a request, in their order: their UUIDs."""
    return reader.scalars(select(Call.uuid).where(Call.callback_id == request_id).order_by(Call.started_at))
