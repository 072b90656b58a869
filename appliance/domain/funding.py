"""Whether there is money for a call, and for how long: an account's terms, what is known of it, and the price."""

from __future__ import annotations

from appliance.domain.affordable import Asked, Limit, Stakes, Uses, affordable
from appliance.domain.credit import Standing, Terms, Unfunded, left_of
from appliance.domain.pricing import PriceBook
from appliance.domain.refusal import Refusal

#: More than any call comes to.
_ANY_AMOUNT = 10**18


def funded(
    asked: Asked,
    terms: Terms | None,
    standing: Standing | None,
    book: PriceBook,
    uses: Uses,
    stakes: Stakes = lambda held: (),
) -> Limit | Unfunded | None:
    """How long a call may last and what is to be held for it, or why it may not be; None: nobody counts.

    Money refuses a call only by what is known: an account that was never seen is let call as long as any.

    :param terms: None: the account has none, and is asked only whether it is suspended.
    :param standing: None: the account was never seen.
    """
    if standing is not None and standing.suspended:
        return Unfunded(Refusal.SUSPENDED, standing.balance)
    if terms is None:
        return None
    if standing is None:
        return affordable(asked, book, uses, _ANY_AMOUNT, stakes)
    left = left_of(terms, standing)
    limit = affordable(asked, book, uses, left.amount, stakes)
    return Unfunded(left.by, left.amount) if limit is None else limit
