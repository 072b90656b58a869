"""Whether there is money for a call: ``domain.funding``."""

from __future__ import annotations

from datetime import datetime

from appliance.domain.affordable import Asked, Limit
from appliance.domain.credit import Mode, Standing, Terms, Unfunded
from appliance.domain.funding import funded
from appliance.domain.grants import SHANGHAI
from appliance.domain.pricing import ChargeBy, Meter, Plan, Price, PriceBook, Subscription
from appliance.domain.refusal import Refusal

BEGIN = datetime(2026, 1, 1, tzinfo=SHANGHAI)
ASKED = Asked("4001234567", "mobile", datetime(2026, 11, 25, tzinfo=SHANGHAI), 600)
#: A second costs one.
PLAN = Plan(
    "p", "P", ChargeBy.TIME, Meter.ANSWER, (Price(BEGIN, "", initial_seconds=1, step_seconds=1, per_minute=60),)
)
BOOK = PriceBook({"p": PLAN}, {"4001234567": (Subscription("4001234567", "p", BEGIN),)})
PREPAID = Terms(Mode.PREPAID, daily_cap=50)


def asked(terms: Terms | None, standing: Standing | None) -> Limit | Unfunded | None:
    return funded(ASKED, terms, standing, BOOK, lambda subscription: [])


def test_as_long_as_what_is_left_pays_for() -> None:
    assert asked(PREPAID, Standing(40, spent=10, held=10)) == Limit(30, 30)
    assert asked(PREPAID, Standing(100, spent=10, held=10)) == Limit(30, 30)


def test_nothing_left_says_why() -> None:
    assert asked(PREPAID, Standing(11, held=10)) == Unfunded(Refusal.NO_CREDIT, 1)
    assert asked(PREPAID, Standing(99, spent=49)) == Unfunded(Refusal.DAILY_CAP, 1)


def test_suspended_before_all_else_terms_or_none() -> None:
    for terms in (PREPAID, None):
        assert asked(terms, Standing(99, suspended=True)) == Unfunded(Refusal.SUSPENDED, 99)


def test_nobody_counts() -> None:
    assert asked(None, Standing(-99)) is None
    assert asked(None, None) is None


def test_an_account_that_was_never_seen_is_let_call_as_long_as_any() -> None:
    assert asked(PREPAID, None) == Limit(600, 600)
