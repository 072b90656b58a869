"""What is closed, and what bars it: calls that come when their month is closed, accounts that nobody has."""

from __future__ import annotations

import pytest

from appliance.domain.settling import Action
from appliance.errors import RatingError
from appliance.rating.settle import settle_call
from appliance.store.models import ClosedMonth
from appliance.store.unit import Store
from tests.rating.booked import DAY, JANUARY, MONTH, WHO, call, close, pack, rate, take
from tests.rating.stored import charged, clock, put_book, put_calls


def test_an_abnormal_call_of_a_closed_month_bars_every_later_one(on_sqlite: Store) -> None:
    put_book(on_sqlite, pack())
    take(on_sqlite, call("a", JANUARY + DAY))
    close(on_sqlite, MONTH)
    put_calls(on_sqlite, [call("dead", JANUARY + 30 * DAY)], outcome="abnormal")
    for _ in range(2):
        (barred,) = close(on_sqlite, MONTH + 1)
        assert barred.hindrances is not None and barred.hindrances.abnormal == ("dead",)
    (again,) = close(on_sqlite, MONTH)
    assert again.hindrances is None, "what is closed stays closed"
    with on_sqlite.work() as session:
        settle_call(session, "dead", Action.CHARGE, clock, WHO)
        session.commit()
    (done,) = close(on_sqlite, MONTH + 1)
    assert (done.new, done.calls, charged(on_sqlite)["dead"].booked_month) == (True, 1, MONTH + 1)


def test_a_month_of_nobody_is_not_closed(on_sqlite: Store) -> None:
    put_book(on_sqlite, pack())
    with pytest.raises(RatingError, match="no such account: typo"):
        close(on_sqlite, MONTH, account="typo")
    with on_sqlite.reading() as session:
        assert session.get(ClosedMonth, ("typo", MONTH)) is None
    assert close(on_sqlite, MONTH, account="east")[0].new


def test_an_account_that_is_gone_is_closed_while_it_has_charges(on_sqlite: Store) -> None:
    put_book(on_sqlite, pack())
    put_calls(on_sqlite, [call("a", JANUARY)], account="gone")
    rate(on_sqlite, ["a"])
    assert close(on_sqlite, MONTH, account="gone")[0].calls == 1
