"""A long call that ends after fifty shorter ones: its charge, and theirs, are those of all of them at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from appliance.domain import grants
from appliance.domain.pricing import Unratable, assess
from appliance.domain.rerating import figures_of
from appliance.rating.run import rate_all
from appliance.store.charging import RATED
from appliance.store.models import Charge
from appliance.store.unit import Store
from tests.rating.booked import DAY, JANUARY, MONTH, call, close, faults, pack, posted, take, yuan
from tests.rating.stored import charged, clock, put_book, put_calls

#: 3,000 seconds are included: what fifty calls of a minute take.
BOOK = pack(included=3000)
BEGUN = JANUARY + 10 * DAY
LONG = call("long", BEGUN, 1200)
SHORT = [call(f"s{nth:02}", BEGUN + timedelta(seconds=20 * nth), 60) for nth in range(1, 51)]


@pytest.mark.parametrize("bulk_from", [0, 10**9], ids=["bulk", "loop"])
def test_provisional_figures_become_those_of_the_batch(store: Store, bulk_from: int) -> None:
    put_book(store, BOOK)
    # As they end, by tens; the long one was answered before them all.
    for at in range(0, 50, 10):
        take(store, *SHORT[at : at + 10])
    assert {one.included_units for one in charged(store).values()} == {60}
    assert yuan(store) == 0

    put_calls(store, [LONG])
    assert rate_all(store, clock, bulk_from=bulk_from) == (51, 21, 0)
    found = charged(store)
    assert (found["long"].included_units, found["long"].amount) == (1200, 0)
    # 1,800 seconds are left: thirty of the short ones, and twenty at 60 yuan.
    assert [found[one.call_id].included_units for one in SHORT] == [60] * 30 + [0] * 20
    assert [found[one.call_id].amount for one in SHORT] == [0] * 30 + [60_000_000] * 20
    assert posted(store) == [(one.call_id, "charge", -60, 0) for one in SHORT[30:]]
    assert yuan(store) == -1200 and faults(store) == []
    assert figures(store) == batch()

    # Closed, they stay; nothing is left to be rated.
    assert close(store, MONTH)[0].amount == 1_200_000_000
    assert figures(store) == batch()
    assert rate_all(store, clock, bulk_from=bulk_from) == (0, 0, 0)


def batch() -> dict[str, object]:
    """What the rules make of all the calls at once."""
    assessed = []
    for one in (LONG, *SHORT):
        found = assess(one, BOOK)
        assert not isinstance(found, Unratable)
        assessed.append((one, found))
    return {one.call_id: tuple(figures_of(charge)) for one, charge in grants.charges(assessed)}


def figures(store: Store) -> dict[str, object]:
    with store.reading() as session:
        return {row[0]: tuple(row[1:]) for row in session.execute(select(Charge.call_uuid, *RATED))}
