"""Flows' lookups (HTTP 查询): the port ``Lookup``, and the adapter that asks over HTTP.

::

    asked = desk.lookup.ask(
        Request(filled(node.url, variables, in_url), timeout_s=3.0, account=account),
        {"level": "customer.level"},
    )
    match asked:
        case Found(values): ...
        case NotFound(): ...
        case Failed(reason): ...
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

import structlog

from appliance.domain import breaker
from appliance.domain.breaker import Breaker, Limits
from appliance.domain.lookup import Failed, Outcome, Request, Why, read_answer
from appliance.http.client import Client
from appliance.http.order import Order

_METHODS = ("GET", "POST")
#: Systems whose failures are remembered at once: the oldest is forgotten for one more.
_MOST_BREAKERS = 10_000
_log = structlog.get_logger(__name__)


class Lookup(Protocol):
    """Asks another system for a call. Waits at most the request's ``timeout_s``; other calls go on meanwhile."""

    def ask(self, request: Request, wanted: Mapping[str, str]) -> Outcome:
        """Ask once: no retry, for a caller waits.

        :param wanted: variable → path of its value in the answer, a JSON object (``customer.level``).
        :returns: ``Found`` with every variable of ``wanted``, ``NotFound``, or ``Failed`` with the reason. Nothing
            is raised: what the flow does when nobody answers is the flow's.
        """


class HttpLookup:
    """The adapter. One a process.

    An account's system that failed several times in a row is left alone for a while (``domain.breaker``): then the
    answer is ``Failed(Why.RESTING)`` at once.
    """

    def __init__(self, client: Client, limits: Limits, now: Callable[[], datetime]) -> None:
        self._client = client
        self._limits = limits
        self._now = now
        #: (account, host and port) → its breaker, of those that failed lately.
        self._breakers: dict[tuple[str, str], Breaker] = {}

    def ask(self, request: Request, wanted: Mapping[str, str]) -> Outcome:
        """See ``Lookup.ask``."""
        whom = (request.account, _host_of(request.url))
        if not self._may_ask(whom):
            return Failed(Why.RESTING)
        outcome: Outcome = Failed(Why.UNREACHABLE)
        try:
            outcome = self._asked(request, wanted)
        finally:
            # Whatever breaks the call off: a trial has to end.
            self._ended(whom, outcome)
        if isinstance(outcome, Failed):
            # Without the path: it tells of the caller.
            _log.warning(
                "lookup failed", account=whom[0], host=whom[1], reason=str(outcome.reason), status=outcome.status
            )
        return outcome

    def _asked(self, request: Request, wanted: Mapping[str, str]) -> Outcome:
        if request.method not in _METHODS:
            return Failed(Why.BAD_REQUEST)
        headers = {"Accept": "application/json", **request.headers}
        body = request.body.encode() if request.method == "POST" else b""
        if body and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/json"
        limit_s = request.timeout_s
        answer = self._client.exchange(
            Order(request.method, request.url, headers, body, connect_s=limit_s, read_s=limit_s, total_s=limit_s)
        )
        if isinstance(answer, Failed):
            return answer
        return read_answer(answer.status, answer.headers.get("content-type", ""), answer.body, wanted)

    def _may_ask(self, whom: tuple[str, str]) -> bool:
        known = self._breakers.get(whom)
        if known is None:
            return True
        self._breakers[whom], may_ask = breaker.asked(known, self._now(), self._limits)
        return may_ask

    def _ended(self, whom: tuple[str, str], outcome: Outcome) -> None:
        if isinstance(outcome, Failed) and not outcome.was_asked:
            return
        answered = not (isinstance(outcome, Failed) and outcome.is_systems_fault)
        known = self._breakers.get(whom, Breaker())
        made = breaker.ended(known, self._now(), self._limits, answered=answered)
        if made.is_new:
            self._breakers.pop(whom, None)
        else:
            self._breakers[whom] = made
        if len(self._breakers) > _MOST_BREAKERS:
            self._breakers.pop(next(iter(self._breakers)))
        if made.state is not known.state:
            _log.warning("lookup breaker", account=whom[0], host=whom[1], state=str(made.state))


def _host_of(url: str) -> str:
    """Host and port as they stand there."""
    return re.split(r"[/?#]", url.partition("//")[2], maxsplit=1)[0].lower()
