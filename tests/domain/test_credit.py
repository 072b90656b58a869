"""What an account may spend: ``domain.credit``."""

from __future__ import annotations

import pytest

from appliance.domain.credit import Left, Mode, Standing, Terms, left_of
from appliance.domain.refusal import ENDINGS, FOR_MONEY, Refusal

PREPAID, POSTPAID = Terms(Mode.PREPAID), Terms(Mode.POSTPAID, credit_limit=100)


@pytest.mark.parametrize(
    ("terms", "standing", "left"),
    [
        (PREPAID, Standing(30), Left(30, Refusal.NO_CREDIT)),
        (PREPAID, Standing(30, spent=10, held=20), Left(10, Refusal.NO_CREDIT)),
        (PREPAID, Standing(-5, held=20), Left(-25, Refusal.NO_CREDIT)),
        (POSTPAID, Standing(-30), Left(70, Refusal.NO_CREDIT)),
        # What was paid in advance may be used beyond the limit.
        (POSTPAID, Standing(30, held=1), Left(129, Refusal.NO_CREDIT)),
        (Terms(Mode.PREPAID, credit_limit=100), Standing(0), Left(0, Refusal.NO_CREDIT)),
        (Terms(Mode.PREPAID, daily_cap=50), Standing(60, spent=20, held=10), Left(20, Refusal.DAILY_CAP)),
        (Terms(Mode.PREPAID, daily_cap=50), Standing(30, spent=0, held=10), Left(20, Refusal.NO_CREDIT)),
        (Terms(Mode.POSTPAID, daily_cap=50), Standing(0, spent=60), Left(-10, Refusal.DAILY_CAP)),
    ],
)
def test_what_is_left(terms: Terms, standing: Standing, left: Left) -> None:
    assert left_of(terms, standing) == left


def test_low_is_less_than_what_was_agreed() -> None:
    postpaid = Terms(Mode.POSTPAID, credit_limit=100, low_balance=20)
    assert (postpaid.is_low(-80), postpaid.is_low(-81)) == (False, True)
    assert not PREPAID.is_low(0)


def test_each_refusal_for_money_has_an_announcement_of_its_own() -> None:
    prompts = {ENDINGS[refusal].prompt for refusal in FOR_MONEY}
    assert len(prompts) == len(FOR_MONEY) and "" not in prompts
