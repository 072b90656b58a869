"""Money held for a call by its way through the rules: when it is, when it is given back, what its leg is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

import pytest

from appliance.calls.answer import take
from appliance.calls.callbacks import CallbackService
from appliance.calls.desk import Desk
from appliance.calls.funds import Funds, Grant
from appliance.domain.affordable import Limit
from appliance.domain.calendar import SHANGHAI
from appliance.domain.callback import Request, Stage
from appliance.domain.credit import Unfunded
from appliance.domain.refusal import Refusal
from appliance.domain.routing import Treatment
from appliance.store.journal import Started
from tests.calls.calling_back import Box
from tests.calls.scenarios import Clock, desk
from tests.contract.fake import INVITE, FakeLeg

GRANT = Grant(Limit(300, 5_000_000), 60)
PLAIN, PASSWORD, OFFICE = "4008000023", "4008000024", "4008000025"
NIGHT = datetime(2026, 11, 29, 3, tzinfo=SHANGHAI)
ANSWER, NUISANCE = Treatment(answer=True), "13811110000"


@dataclass
class Purses:
    """Says one thing to all, and keeps who asked."""

    says: Grant | Unfunded | None = GRANT
    held: dict[str, Started] = field(default_factory=dict)
    begun: list[bool] = field(default_factory=list)
    freed: list[str] = field(default_factory=list)
    pays: bool = True

    def hold(self, call: Started, caller_kind: str, *, begins: bool = True) -> Grant | Unfunded | None:
        self.begun.append(begins)
        if isinstance(self.says, Grant):
            self.held[call.uuid] = call
        return self.says

    def release(self, uuid: str) -> None:
        del self.held[uuid]
        self.freed.append(uuid)

    def pays_for(self, request: Request) -> bool:
        return self.pays


def carried(number: str, purses: Purses | None, at: datetime | None = None) -> tuple[FakeLeg, Desk]:
    clock = Clock()
    clock.now = at or clock.now
    made = desk(clock, funds=cast("Funds | None", purses))
    leg = FakeLeg(replace(INVITE, request_user=number, to_user=number))
    take(leg, made)
    return leg, made


def test_a_call_that_is_taken_has_its_limit_before_anything_else() -> None:
    purses = Purses()
    leg, _ = carried(PLAIN, purses)
    assert leg.did == [("limit", "300", "answer"), ("connect", "a")]
    assert leg.limited is not None and leg.limited.warning_s == 60
    assert leg.told["limit"] == "300@answer"
    assert list(purses.held) == [leg.uuid] and purses.freed == []


def test_a_box_without_the_mode_limits_nobody() -> None:
    leg, _ = carried(PLAIN, None)
    assert leg.did == [("connect", "a")] and "limit" not in leg.told


def test_an_account_whose_calls_are_not_counted() -> None:
    leg, _ = carried(PLAIN, Purses(None))
    assert leg.did == [("connect", "a")]


@pytest.mark.parametrize("refusal", [Refusal.NO_CREDIT, Refusal.SUSPENDED, Refusal.DAILY_CAP])
def test_without_money_it_is_told_so_unanswered(refusal: Refusal) -> None:
    leg, made = carried(PLAIN, Purses(Unfunded(refusal, -1_500_000)))
    prompt = {Refusal.SUSPENDED: "account-suspended"}.get(refusal, refusal.value)
    assert leg.did == [("early_media",), ("play", f"{prompt}.wav"), ("hang_up", "NORMAL_TEMPORARY_FAILURE")]
    assert (leg.told["outcome"], leg.told["because"]) == (f"refused:{refusal}", "left=-1.50")
    found = made.journal.started(leg.uuid)
    assert found is not None and (found.admitted, found.refusal) == (False, refusal)


def test_a_rule_that_refuses_later_gives_the_money_back() -> None:
    purses = Purses()
    leg, _ = carried(OFFICE, purses, NIGHT)
    assert leg.told["outcome"] == "refused:out-of-hours"
    assert purses.freed == [leg.uuid]


def test_a_call_that_was_answered_for_its_password_keeps_its_hold() -> None:
    purses = Purses()
    leg, _ = carried(PASSWORD, purses)
    assert leg.told["outcome"] == "refused:wrong-password"
    assert list(purses.held) == [leg.uuid] and purses.freed == []
    assert [step for step in leg.did if step[0] == "limit"] == [("limit", "300", "answer")], "once"


@pytest.mark.parametrize("says", [GRANT, Unfunded(Refusal.NO_CREDIT, 0)])
def test_whoever_is_answered_though_refused_is_paid_for(says: Grant | Unfunded) -> None:
    purses = Purses(says)
    made = desk(funds=cast(Funds, purses))
    table = made.routing()
    route = table.numbers[PLAIN]
    barred = replace(route.rules, black_lists=("nuisance",), treatments={Refusal.BLACK_LISTED: ANSWER})
    changed = replace(table, numbers={PLAIN: replace(route, rules=barred)})
    invite = replace(INVITE, request_user=PLAIN, to_user=PLAIN, caller_number=NUISANCE)
    leg = FakeLeg(invite)
    take(leg, replace(made, routing=lambda: changed))
    if says is GRANT:
        assert leg.told["outcome"] == "refused:black-listed" and ("answer",) in leg.did
        assert list(purses.held) == [leg.uuid]
    else:
        assert leg.told["outcome"] == "refused:no-credit" and ("answer",) not in leg.did


def test_a_call_back_has_the_limit_of_any() -> None:
    box, purses = Box(), Purses()
    box.asks()
    made = replace(box.rings(), funds=cast(Funds, purses))
    leg = box.line_leg()
    take(leg, made)
    steps = [step[0] for step in leg.did]
    assert steps.index("limit") < steps.index("connect")
    assert purses.begun == [False]


def test_without_money_nobody_is_called_back_and_no_line_is_rung_in_vain() -> None:
    box, purses = Box(), Purses(Unfunded(Refusal.NO_CREDIT, 0))
    box.asks()
    made = replace(box.rings(), funds=cast(Funds, purses))
    leg = box.line_leg()
    take(leg, made)
    assert leg.told["outcome"] == "failed:callback-no-credit" and "connect" not in {step[0] for step in leg.did}
    assert box.one().stage is Stage.WAITS and box.one().attempts == 0
    # Known beforehand, no line is rung at all.
    service = cast(CallbackService, box.desk().dispatcher._callbacks)
    service.has_money = lambda request: False
    rung = len(box.rung)
    service._try(box.one(), list(box.table.lines.values()), {"a": "leg"})
    assert len(box.rung) == rung
