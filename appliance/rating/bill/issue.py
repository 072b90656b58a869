"""Bills and credit notes are issued: put together, numbered, frozen, and brought to the fen in the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from appliance.domain import ledger as rules
from appliance.domain.bills import (
    MINIMUMS,
    BillLine,
    bill_number,
    credit_number,
    lines_of,
    totals,
)
from appliance.domain.closing import booked_month, month_name
from appliance.domain.grants import month_of
from appliance.domain.ledger import Kind, Who
from appliance.domain.money import FEN, to_fen
from appliance.errors import RatingError
from appliance.rating.bill import minimum
from appliance.rating.bill.content import content_of, correction_items, grant_lines, price_lines
from appliance.rating.bill.document import Document, Movement, Party
from appliance.rating.bill.frozen import from_json, to_json
from appliance.store import bills, ledger
from appliance.store.charges import take_turn
from appliance.store.charging import closed_through
from appliance.store.models import Account, Bill, Correction

_MOVED = {
    Kind.TOPUP: "充值",
    Kind.REFUND: "退款",
    Kind.ADJUSTMENT: "调整",
    Kind.CORRECTION: "更正",
    Kind.CHARGE: "本期费用",
    Kind.CHANGE: "本期费用",
    Kind.LATE: "本期费用",
    Kind.BILL: "本期费用",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """Who issues bills, at which tax rate (basis points)."""

    issuer: Party
    tax_bp: int


def issue(session: Session, account_id: str, month: int, terms: Terms, now: datetime, by: str) -> Document | None:
    """The bill of a closed month; the one there is if it was issued before. The caller commits.

    :returns: None: there is nothing to be billed, and no number is spent.
    :raises RatingError: there is no such account, its month is not closed, or an earlier one is to be billed first.
    """
    take_turn(session)
    if (before := bills.of_month(session, account_id, month)) is not None:
        return opened(session, before)
    account = _account(session, account_id)
    closed = closed_through(session, [account_id]).get(account_id)
    if closed is None or month > closed:
        raise RatingError(f"{month_name(month)} of {account_id} is not closed (appliance rating close)")
    content = content_of(session, account_id, month)
    if not content.lines:
        return None
    _in_turn(session, account_id, month)
    document = Document(
        number=bill_number(bills.next_of(session, bills.BILL)),
        month=month,
        account=account_id,
        customer=_customer(account),
        issuer=terms.issuer,
        issued_at=now,
        lines=content.lines,
        totals=totals(content.lines, terms.tax_bp),
        tax_bp=terms.tax_bp,
        grants=tuple(grant_lines(session, month, content.book)),
        prices=tuple(price_lines(content.charged, content.book)),
        minimums=content.minimums,
    )
    _round(session, document, closed, now, by)
    document = replace(document, movements=tuple(_movements(session, account_id, month)))
    _keep(session, document, bills.BILL, 0, by, content.corrections)
    return document


def credit(session: Session, account_id: str, terms: Terms, now: datetime, by: str) -> list[Document]:
    """Credit notes for the corrections of months that are billed, one for each bill. The caller commits.

    :raises RatingError: there is no such account.
    """
    take_turn(session)
    account = _account(session, account_id)
    closed = closed_through(session, [account_id]).get(account_id)
    made = []
    waiting = sorted(bills.unbilled_corrections(session, account_id), key=lambda one: one.month)
    for month, group in groupby(waiting, key=lambda one: one.month):
        corrections = list(group)
        bill = bills.of_month(session, account_id, month)
        items = correction_items(session, corrections)
        if bill is None or not items:
            continue
        lines = (*lines_of([], items), *minimum.for_corrections(session, account_id, month, items))
        document = Document(
            number=credit_number(bills.next_of(session, bills.CREDIT)),
            month=month,
            account=account_id,
            customer=_customer(account),
            issuer=terms.issuer,
            issued_at=now,
            lines=lines,
            totals=totals(lines, from_json(bill.document).tax_bp),
            tax_bp=from_json(bill.document).tax_bp,
            corrects=bill.number,
            because="；".join(dict.fromkeys(one.reason for one in corrections if one.amount)),
        )
        _round(session, document, closed, now, by)
        _keep(session, document, bills.CREDIT, bills.next_part(session, account_id, month), by, corrections)
        made.append(document)
    return made


def opened(session: Session, bill: Bill) -> Document:
    """A kept document, with its tax invoice as it is known today."""
    return replace(from_json(bill.document), tax_invoice=bills.invoice_of(session, bill.number))


def note_invoice(session: Session, number: str, invoice: str, by: str, now: datetime) -> Document:
    """Note the number of the tax invoice that was issued for a document. The caller commits.

    :raises RatingError: there is no such document, or it is no number.
    """
    invoice = invoice.strip()
    if not (0 < len(invoice) <= 60 and invoice.isascii() and invoice.isalnum()):
        raise RatingError(f"no number of a tax invoice: {invoice[:60]}")
    bill = required(session, number)
    if bills.invoice_of(session, number) != invoice:
        bills.note_invoice(session, number, invoice, by, now)
    return opened(session, bill)


def required(session: Session, number: str) -> Bill:
    """:raises RatingError: there is no document of that number."""
    bill = bills.by_number(session, number)
    if bill is None:
        raise RatingError(f"no such bill: {number}")
    return bill


def _account(session: Session, account_id: str) -> Account:
    account = session.get(Account, account_id)
    if account is None:
        raise RatingError(f"no such account: {account_id}")
    return account


def _in_turn(session: Session, account_id: str, month: int) -> None:
    """A bill shows the balance before it, which has the bills before it: they are issued month by month.

    A mere minimum keeps no later month from its bill: it is reckoned by the book and the numbers of today, which
    may ask what the month itself never did (a plan has one since, a number came since).

    :raises RatingError: an earlier month of the account is to be billed first.
    """
    earlier = bills.first_owing(session, account_id, month)
    if earlier is not None:
        raise RatingError(
            f"{month_name(earlier)} of {account_id} is to be billed before {month_name(month)}:"
            f" appliance bill issue {month_name(earlier)} --account {account_id}"
        )


def _customer(account: Account) -> Party:
    known = account.billing
    return Party(name=known.get("title") or account.name, **{k: v for k, v in known.items() if k != "title"})


def _round(session: Session, document: Document, closed: int | None, now: datetime, by: str) -> None:
    """Post what the document comes to beyond what is posted of its lines: the minimum, and fractions of a fen.

    A month behind which another is billed already (it held a mere minimum, or was corrected since) keeps the
    balances that bills show of it: like a credit note's, its posting is one of the first month that is open.
    """
    owed = document.totals.gross * FEN - sum(map(_posted, document.lines))
    if not owed:
        return
    is_shown = document.corrects or bills.is_billed_after(session, document.account, document.month)
    month = booked_month(month_of(now), closed) if is_shown else document.month
    subject, who = f"{Kind.BILL}:{document.number}", Who(by, document.number)
    row = rules.posting(Kind.BILL, subject, document.account, -owed, month=month, at=now, who=who)
    ledger.append(session, [row])


def _posted(line: BillLine) -> int:
    return 0 if line.kind in MINIMUMS else line.exact


def _movements(session: Session, account_id: str, month: int) -> Iterable[Movement]:
    opening, during = bills.movements(session, account_id, month)
    sums: dict[str, int] = {}
    for kind, effect in during.items():
        sums[_MOVED[kind]] = sums.get(_MOVED[kind], 0) + effect
    yield Movement("期初余额", to_fen(opening))
    for text, effect in sums.items():
        if effect or text == _MOVED[Kind.CHARGE]:
            yield Movement(text, to_fen(effect))
    yield Movement("期末余额", to_fen(opening + sum(during.values())))


def _keep(
    session: Session, document: Document, kind: str, part: int, by: str, corrections: Iterable[Correction]
) -> None:
    row = Bill(
        number=document.number,
        kind=kind,
        sequence=int(document.number[2:]),
        account_id=document.account,
        month=document.month,
        part=part,
        corrects=document.corrects,
        net=document.totals.net,
        tax=document.totals.tax,
        gross=document.totals.gross,
        document=to_json(document),
        issued_at=document.issued_at,
        by_login=by,
    )
    bills.add(session, row, [one.id for one in corrections])
