"""Bills and credit notes are issued: put together, numbered, frozen, and brought to the fen in the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from appliance.domain import ledger as rules
from appliance.domain.bills import (
    BillLine,
    Item,
    LineKind,
    Usage,
    bill_number,
    credit_number,
    lines_of,
    minimum_of,
    totals,
)
from appliance.domain.closing import booked_month, month_name
from appliance.domain.grants import Allowance, month_of, month_start, statement
from appliance.domain.ledger import Kind, Who
from appliance.domain.money import FEN, to_fen
from appliance.domain.pricing import ChargeBy, Plan, PriceBook, Subscription
from appliance.errors import RatingError
from appliance.rating.bill.document import Document, GrantLine, Movement, Party, PriceLine
from appliance.rating.bill.frozen import from_json, to_json
from appliance.store import bills, ledger
from appliance.store.bills import Charged
from appliance.store.charges import take_turn
from appliance.store.charging import closed_through
from appliance.store.models import Account, Bill, Correction
from appliance.store.plans import load_book

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
    :raises RatingError: there is no such account, or its month is not closed.
    """
    take_turn(session)
    if (before := bills.of_month(session, account_id, month)) is not None:
        return opened(session, before)
    account = _account(session, account_id)
    closed = closed_through(session, [account_id]).get(account_id)
    if closed is None or month > closed:
        raise RatingError(f"{month_name(month)} of {account_id} is not closed (appliance rating close)")
    charged = bills.charged(session, account_id, month)
    numbers = bills.numbers_of(session, account_id)
    book = load_book(session, {*numbers, *(one.number for one in charged)})
    corrections = [one for one in bills.unbilled_corrections(session, account_id) if one.month == month]
    usages = list(_usages(month, charged, book, numbers))
    lines = lines_of(usages, [*_late(charged, month), *_corrections(session, corrections)])
    if not lines:
        return None
    document = Document(
        number=bill_number(bills.next_of(session, bills.BILL)),
        month=month,
        account=account_id,
        customer=_customer(account),
        issuer=terms.issuer,
        issued_at=now,
        lines=lines,
        totals=totals(lines, terms.tax_bp),
        tax_bp=terms.tax_bp,
        grants=tuple(_grants(session, month, book)),
        prices=tuple(_prices(charged, book)),
    )
    _round(session, document, closed, now, by)
    document = replace(document, movements=tuple(_movements(session, account_id, month)))
    _keep(session, document, bills.BILL, 0, by, corrections)
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
        if bill is None:
            continue
        lines = lines_of([], _corrections(session, corrections))
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
            because="；".join(dict.fromkeys(one.reason for one in corrections)),
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


def _customer(account: Account) -> Party:
    known = account.billing
    return Party(name=known.get("title") or account.name, **{k: v for k, v in known.items() if k != "title"})


def _usages(month: int, charged: Sequence[Charged], book: PriceBook, numbers: Collection[str]) -> Iterable[Usage]:
    """A usage for each number and plan that has calls of the month, or a minimum to pay for it."""
    of_month: dict[tuple[str, str], list[Charged]] = {}
    for one in charged:
        if one.month == month:
            of_month.setdefault((one.number, one.plan_code), []).append(one)
    for number in sorted(numbers):
        for held in _held(book, number, month):
            of_month.setdefault((number, held.plan), [])
    for (number, code), parts in of_month.items():
        plan = book.plans.get(code)
        held_ones = [one for one in book.subscriptions.get(number, ()) if one.plan == code]
        minimum = minimum_of(plan.minimum_monthly, month, held_ones) if plan and number in numbers else 0
        if parts or minimum:
            name, charge_by = _named(plan, code)
            yield Usage(
                number,
                code,
                name,
                charge_by,
                minimum,
                calls=sum(part.calls for part in parts),
                metered_seconds=sum(part.metered_seconds for part in parts),
                billable_units=sum(part.billable_units for part in parts),
                included_units=sum(part.included_units for part in parts),
                charged_units=sum(part.charged_units for part in parts),
                amount=sum(part.amount for part in parts),
            )


def _late(charged: Iterable[Charged], month: int) -> Iterable[Item]:
    """Calls of earlier months, by number and month."""
    found: dict[tuple[str, int], list[Charged]] = {}
    for one in charged:
        if one.month != month and one.calls:
            found.setdefault((one.number, one.month), []).append(one)
    for (number, of), parts in sorted(found.items()):
        amount, calls = sum(part.amount for part in parts), sum(part.calls for part in parts)
        yield Item(LineKind.LATE, number, month_name(of), amount, calls)


def _corrections(session: Session, rows: Sequence[Correction]) -> list[Item]:
    """Each is of calls of one number: numbers are rated again one by one."""
    numbers = bills.numbers_of_corrections(session, [one.id for one in rows])
    items = [Item(LineKind.CORRECTION, numbers.get(one.id, ""), one.reason, one.amount, one.calls) for one in rows]
    return sorted(items, key=lambda one: one.number)


def _grants(session: Session, month: int, book: PriceBook) -> Iterable[GrantLine]:
    for number in sorted(book.subscriptions):
        for held in _held(book, number, month):
            plan = book.plans[held.plan]
            if plan.included:
                allowance = Allowance(month_of(held.starts_at), plan.included, plan.rollover_months)
                for use in statement(allowance, bills.included_used(session, held, month), month):
                    yield GrantLine(number, plan.name, plan.charge_by, use)


def _prices(charged: Iterable[Charged], book: PriceBook) -> Iterable[PriceLine]:
    """Sums by price: what nobody answered, or was free of any price, has none."""
    priced = sorted(one for one in charged if one.price_from)
    for (number, code, price_from), group in groupby(
        priced, key=lambda one: (one.number, one.plan_code, one.price_from)
    ):
        parts = list(group)
        name, charge_by = _named(book.plans.get(code), code)
        yield PriceLine(
            number,
            name,
            charge_by,
            price_from,
            calls=sum(part.calls for part in parts),
            charged_units=sum(part.charged_units for part in parts),
            amount=sum(part.amount for part in parts),
        )


def _named(plan: Plan | None, code: str) -> tuple[str, ChargeBy]:
    """Name and unit; a plan that is gone is named by its code."""
    return (plan.name, plan.charge_by) if plan else (code, ChargeBy.TIME)


def _held(book: PriceBook, number: str, month: int) -> list[Subscription]:
    """A number's subscriptions that hold any moment of a month."""
    begins, ends = month_start(month), month_start(month + 1)
    return [
        one
        for one in book.subscriptions.get(number, ())
        if one.starts_at < ends and (one.ends_at is None or one.ends_at > begins)
    ]


def _round(session: Session, document: Document, closed: int | None, now: datetime, by: str) -> None:
    """Post what the document comes to beyond what is posted of its lines: the minimum, and fractions of a fen."""
    owed = document.totals.gross * FEN - sum(map(_posted, document.lines))
    if not owed:
        return
    month = document.month if not document.corrects else booked_month(month_of(now), closed)
    subject, who = f"{Kind.BILL}:{document.number}", Who(by, document.number)
    row = rules.posting(Kind.BILL, subject, document.account, -owed, month=month, at=now, who=who)
    ledger.append(session, [row])


def _posted(line: BillLine) -> int:
    return 0 if line.kind is LineKind.MINIMUM else line.exact


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
