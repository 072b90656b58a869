"""What is found in the routing table: extensions, days, treatments."""

from __future__ import annotations

from datetime import date

from appliance.domain.calendar import DayKind
from appliance.domain.refusal import Refusal
from appliance.domain.routing import NO_RULES, USUAL, Line, RoutingTable, Rules, Treatment

EAST = Line("a", "east", "02160000001", "t", 1, 20, extension="801")
LINES = (
    EAST,
    Line("b", "east", "02160000002", "t", 1, 20),
    Line("c", "west", "02160000003", "t", 1, 20, extension="801"),
)
HOLIDAY, PLAIN = date(2026, 11, 25), date(2026, 11, 26)
TABLE = RoutingTable(1, (), {line.id: line for line in LINES}, {}, calendar={HOLIDAY: DayKind.HOLIDAY})


def test_extensions_are_an_accounts_own() -> None:
    assert TABLE.extensions_of("east") == {"801": "a"}
    assert TABLE.extensions_of("west") == {"801": "c"}
    assert TABLE.extensions_of("north") == {}


def test_the_boxs_own_days_go_before_the_public_ones() -> None:
    kind = TABLE.day_kinds(lambda day: DayKind.MAKEUP)
    assert (kind(HOLIDAY), kind(PLAIN)) == (DayKind.HOLIDAY, DayKind.MAKEUP)


def test_a_refusal_is_treated_as_usual_unless_told_otherwise() -> None:
    own = Treatment(prompt="closed")
    rules = Rules(treatments={Refusal.OUT_OF_HOURS: own})
    assert rules.treatment(Refusal.OUT_OF_HOURS) is own
    assert rules.treatment(Refusal.REGION) is USUAL is NO_RULES.treatment(Refusal.REGION)
