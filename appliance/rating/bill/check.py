"""Whether bills are whole: numbers without gaps, lines that add up, and what they come to posted in the ledger."""

from __future__ import annotations

from sqlalchemy.orm import Session

from appliance.domain.bills import MINIMUMS, totals
from appliance.domain.ledger import Kind
from appliance.domain.money import FEN
from appliance.rating.bill.frozen import from_json
from appliance.store import bills, ledger
from appliance.store.ledger import effect_of


def check(session: Session) -> list[str]:
    """What is wrong, a sentence each; none: all is well."""
    faults = [f"numbers of kind {kind} have a gap" for kind in bills.gaps(session)]
    for row in bills.listed(session):
        document = from_json(row.document)
        found = totals(document.lines, document.tax_bp)
        if found != document.totals or (row.net, row.tax, row.gross) != (found.net, found.tax, found.gross):
            faults.append(f"{row.number}: its lines do not come to its sums")
        posted = ledger.of_subject(session, f"{Kind.BILL}:{row.number}")
        exact = sum(line.exact for line in document.lines if line.kind not in MINIMUMS)
        if exact - (effect_of(posted) if posted else 0) != found.gross * FEN:
            faults.append(f"{row.number}: what it comes to beyond its charges is not what is posted")
    return faults
