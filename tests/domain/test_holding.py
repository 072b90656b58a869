"""When a hold is free again: ``domain.holding``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.domain.holding import Held, freed

AT = datetime(2026, 11, 25, tzinfo=UTC)


def held(uuid: str, second: int, amount: int = 5, number: str = "4008001234") -> Held:
    return Held(uuid, "east", number, amount, AT + timedelta(seconds=second))


def at(second: int) -> datetime:
    return AT + timedelta(seconds=second)


@pytest.mark.parametrize(
    ("holds", "settled", "found"),
    [
        ([held("a", 0)], {}, set()),
        ([held("a", 0)], {"a": at(3)}, {"a"}),
        # Another one that was under way as it was answered may take its units.
        ([held("a", 0), held("b", 1)], {"b": at(2)}, set()),
        ([held("b", 0), held("a", 1)], {"b": at(2)}, set()),
        # Not charged from units, nothing held, or both are charged.
        ([held("a", 0), held("b", 1)], {"b": None}, {"b"}),
        ([held("a", 0), held("b", 1, amount=0)], {"b": at(2)}, {"b"}),
        ([held("a", 0), held("b", 1)], {"b": at(2), "a": None}, {"a", "b"}),
        # What began later cannot; nor can what another number is called for.
        ([held("a", 2), held("b", 1)], {"b": at(2)}, {"b"}),
        ([held("a", 0, number="4008005678"), held("b", 1)], {"b": at(2)}, {"b"}),
        # The oldest counts, in whatever order they come.
        ([held("a", 0), held("b", 1), held("c", 7)], {"b": at(2)}, set()),
        ([held("c", 7), held("b", 1), held("a", 0)], {"b": at(2)}, set()),
        # One that is held for no more is nobody's.
        ([], {"b": at(2)}, set()),
    ],
)
def test_free_when_nobody_can_take_its_units(
    holds: list[Held], settled: dict[str, datetime | None], found: set[str]
) -> None:
    assert freed(holds, settled) == found
