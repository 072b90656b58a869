"""A person settles a call that waits for one; it is rated at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from appliance.domain.ledger import LONGEST_REASON, Who
from appliance.domain.rerating import REJECT
from appliance.domain.settling import Action, Facts, State, settled
from appliance.errors import RatingError
from appliance.rating.run import rate_calls
from appliance.store import charges
from appliance.store.models import Charge, Settlement


def settle_call(
    session: Session,
    uuid: str,
    action: Action,
    clock: Callable[[], datetime],
    who: Who,
    *,
    talked_s: int | None = None,
    billed_s: int | None = None,
) -> Charge:
    """Settle a call and rate it, with those that its included units touch; the caller commits.

    Who, why, and what the call was before is kept for good. It may be settled again, until its month is closed.

    :raises RatingError: there is no such call, it waits for nobody, its month is closed, or no reason is given.
    """
    if not who.by or not who.reason.strip() or len(who.reason) > LONGEST_REASON:
        raise RatingError(f"settling a call needs a login and a reason, of at most {LONGEST_REASON} characters")
    charges.take_turn(session)
    found = charges.find(session, uuid)
    if found is None:
        raise RatingError(f"no such call: {uuid}")
    call, charge = found
    state = State(
        abnormal=call.outcome == charges.ABNORMAL,
        rejected=call.settled == Action.WAIVE.value or (charge is not None and charge.reason.startswith(REJECT)),
        final=charge is not None and charge.final,
    )
    before = Facts(call.started_at, call.answered_at, call.joined_at, call.bill_ms, call.bridged_ms)
    after = settled(state, before, action, talked_s=talked_s, billed_s=billed_s)
    session.add(
        Settlement(
            call_uuid=uuid,
            account_id=call.account_id or "",
            action=action.value,
            before=_written(before, call.settled),
            after=_written(after, action.value),
            reason=who.reason.strip(),
            by_login=who.by,
            at=clock(),
        )
    )
    call.settled = action.value
    call.answered_at, call.bill_ms, call.bridged_ms = after.answered_at, after.bill_ms, after.bridged_ms
    session.flush()
    touched = [uuid]
    if before.answered_at is not None:
        # A call that is waived gives back the units it used to those behind it.
        later = charges.metered_between(session, call.number, before.answered_at, None)
        touched += [each.call_id for each in later if each.call_id != uuid]
    rate_calls(session, touched, clock)
    again = charges.find(session, uuid)
    if again is None or again[1] is None:
        raise RatingError(f"the call was not rated: {uuid}")
    return again[1]


def _written(facts: Facts, action: str) -> dict[str, Any]:
    values = asdict(facts)
    return {"settled": action} | {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()
    }
