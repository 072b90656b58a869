"""The money of one call: held when a rule asks for it, told to the switch as a limit, given back when it is not
needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from appliance.calls.desk import Desk
from appliance.calls.funds import Grant
from appliance.domain import money
from appliance.domain.admission import Funded
from appliance.domain.called import Incoming, Refused
from appliance.domain.credit import Unfunded
from appliance.domain.refusal import FOR_MONEY
from appliance.store.journal import Started
from appliance.switch.leg import Leg

#: The prompt that warns both sides.
WARNING = "credit-ends"


class Purse:
    """Of a call that comes in."""

    def __init__(self, leg: Leg, call: Incoming, desk: Desk) -> None:
        self._leg, self._call, self._desk = leg, call, desk
        self._holds = False

    def fund(self) -> Funded | Unfunded | None:
        """See ``admission.Facts``. Asked again, it says the same."""
        funds = self._desk.funds
        if funds is None:
            return None
        found = funds.hold(begins(self._leg, self._call, self._desk.now()), self._call.caller.kind.value)
        if not isinstance(found, Grant):
            return found
        if not self._holds:
            self._holds = True
            limit_leg(self._leg, found, self._call.route.account, self._desk)
        return Funded(found.limit.seconds, found.limit.amount)

    def refused(self, refused: Refused, *, is_answered: bool) -> Refused:
        """What a refusal comes to: one that is unanswered costs nothing and holds nothing. One that is answered,
        for its password, its announcement or its flow, has to be paid for as a call that is taken."""
        if self._desk.funds is None:
            return refused
        answers = is_answered or self._call.route.rules.treatment(refused.reason).answers
        if not answers:
            if self._holds:
                self._desk.funds.release(self._leg.uuid)
            return refused
        found = None if refused.reason in FOR_MONEY else self.fund()
        if isinstance(found, Unfunded):
            return replace(refused, reason=found.refusal, because=f"left={money.yuan(found.left)}")
        return refused


def begins(leg: Leg, call: Incoming, at: datetime, *, taken: bool = False, refusal: str = "") -> Started:
    """A call's beginning; neither taken nor refused: it is not decided yet."""
    route = call.route
    return Started(leg.uuid, at, route.number, route.account, call.trunk.id, call.caller.number, taken, refusal)


def limit_leg(leg: Leg, grant: Grant, account: str, desk: Desk) -> None:
    """Have the switch hold the call to its limit, and its record say that it has one."""
    limit = grant.time_limit
    leg.note(limit=f"{limit.seconds}@{'answer' if limit.from_answer else 'bridge'}")
    leg.limit(limit, desk.find_prompt(account, WARNING))
