"""A CDR that comes after all gives back the units that its call was settled with: to whom they would have gone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from appliance.domain.cdr import Leg, Role, read_leg
from appliance.domain.settling import Action
from appliance.rating.again import rate_again
from appliance.rating.run import rate_all
from appliance.rating.settle import settle_call
from appliance.store.calls import add_legs, derive_calls
from appliance.store.models import Account, Call, Number, Price, Subscription
from appliance.store.unit import Store
from tests.rating.booked import DAY, JANUARY, MONTH, NUMBER, WHO, call, close, faults, pack, rate, take
from tests.rating.stored import NOW, charged, clock, later, put_book, put_calls

OTHER = "4008005678"
#: When the call was answered that was settled.
AT = JANUARY + DAY


def cdr(uuid: str, begin: datetime, **more: Any) -> Leg:
    """A caller's leg of 100 seconds, answered when it began; ``more`` of its variables."""
    micro = str(int(begin.timestamp() * 1_000_000))
    facts = {
        "uuid": uuid,
        "call_uuid": uuid,
        "direction": "inbound",
        "start_uepoch": micro,
        "answer_uepoch": micro,
        "end_uepoch": str(int(micro) + 100_000_000),
        "hangup_cause": "NORMAL_CLEARING",
        "gw_number": NUMBER,
        "gw_account": "east",
        "gw_caller_kind": "mobile",
        "gw_outcome": "answered",
        **more,
    }
    leg = read_leg(facts, Role.CALLER)
    assert isinstance(leg, Leg), leg
    return leg


def come(store: Store, *legs: Leg) -> list[str]:
    """The legs are stored, as the collector stores them: what is to be rated."""
    with store.work() as session:
        found = derive_calls(session, add_legs(session, legs), NOW)
        session.commit()
    return found


def settled(store: Store, rollover_months: int = 0, *uuids: str) -> None:
    """Abnormal calls that a person has charged, which use all that is included; behind them stands another."""
    put_book(store, pack(rollover_months))
    put_calls(store, [call(uuid, AT, 100) for uuid in uuids or ("x",)], outcome="abnormal")
    take(store, call("y", AT + DAY, 100), call("z", AT + DAY * 2, 100))
    for uuid in uuids or ("x",):
        with store.work() as session:
            settle_call(session, uuid, Action.CHARGE, clock, WHO)
            session.commit()
    assert amounts(store)["y"] == amounts(store)["z"] == 100


def amounts(store: Store) -> dict[str, int]:
    return {uuid: charge.amount // 1_000_000 for uuid, charge in charged(store).items()}


UNANSWERED = {"answer_uepoch": "0", "gw_outcome": "abandoned"}
CHANGES = [
    pytest.param(UNANSWERED, 0, 100, id="never answered"),
    pytest.param({"gw_number": OTHER}, 0, 100, id="another number"),
    pytest.param({"gw_caller_kind": "overseas"}, 0, 100, id="no price"),
    pytest.param({"begin": AT + DAY + DAY / 2}, 0, 100, id="answered later"),
]


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(("cdr_says", "y", "z"), CHANGES)
def test_what_the_settled_call_had_used_is_there_for_those_behind_it(
    on_sqlite: Store, monkeypatch: pytest.MonkeyPatch, cdr_says: dict[str, Any], y: int, z: int, bulk: bool
) -> None:
    settled(on_sqlite)
    with on_sqlite.work() as session:
        session.add(Account(id="west", name="West"))
        session.flush()
        session.add(Number(number=OTHER, account_id="west"))
        session.flush()
        session.add(Subscription(number=OTHER, plan_code="pack", starts_at=JANUARY))
        # A price for every kind but one.
        session.execute(update(Price).values(caller="mobile"))
        session.commit()
    more = dict(cdr_says)
    again = come(on_sqlite, cdr("x", more.pop("begin", AT), **more))
    assert again == ["x", "y"], "the first behind it is to be rated again, and takes the others with it"
    if bulk:
        assert rate_all(on_sqlite, clock, bulk_from=0).calls
    else:
        rate(on_sqlite, again)
    assert (amounts(on_sqlite)["y"], amounts(on_sqlite)["z"]) == (y, z)
    assert rate_again(on_sqlite, clock) == [] and faults(on_sqlite) == []
    before = {uuid: charge.rated_at for uuid, charge in charged(on_sqlite).items()}
    assert rate_all(on_sqlite, later).changed == 0
    assert {uuid: charge.rated_at for uuid, charge in charged(on_sqlite).items()} == before


def test_two_that_come_together(on_sqlite: Store) -> None:
    """The next of the one is the other, which has changed as well."""
    settled(on_sqlite, 0, "x1", "x2")
    again = come(on_sqlite, cdr("x1", AT, **UNANSWERED), cdr("x2", AT, **UNANSWERED))
    assert again == ["x1", "x2", "y"]
    rate(on_sqlite, again)
    assert amounts(on_sqlite) == {"x1": 0, "x2": 0, "y": 0, "z": 100}


@pytest.mark.parametrize(("rollover_months", "expected"), [(0, ["x"]), (1, ["feb", "x"])])
def test_later_months_are_touched_where_units_roll_over(
    on_sqlite: Store, rollover_months: int, expected: list[str]
) -> None:
    put_book(on_sqlite, pack(rollover_months))
    take(on_sqlite, call("x", AT, 100), call("feb", AT + 40 * DAY, 200))
    again = come(on_sqlite, cdr("x", AT, **UNANSWERED))
    assert again == expected
    rate(on_sqlite, again)
    assert amounts(on_sqlite) == {"x": 0, "feb": 0 if rollover_months else 100}
    assert rate_again(on_sqlite, clock) == [] and faults(on_sqlite) == []


def test_final_charges_stay(on_sqlite: Store) -> None:
    settled(on_sqlite)
    close(on_sqlite, MONTH)
    assert come(on_sqlite, cdr("x", AT, **UNANSWERED)) == ["x"]
    assert amounts(on_sqlite) == {"x": 0, "y": 100, "z": 100}


def test_a_call_that_stays_in_its_place_takes_the_others_with_it_itself(on_sqlite: Store) -> None:
    settled(on_sqlite)
    again = come(on_sqlite, cdr("x", AT, end_uepoch=str(int(AT.timestamp() + 40) * 1_000_000)))
    assert again == ["x"]
    rate(on_sqlite, again)
    assert amounts(on_sqlite) == {"x": 0, "y": 40, "z": 100}
    with on_sqlite.reading() as session:
        assert session.scalar(select(Call.settled).where(Call.uuid == "x")) == ""
