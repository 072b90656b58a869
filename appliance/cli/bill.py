"""``appliance bill``: months are billed, bills set as PDF, workbook or CSV, corrected, and tied to tax invoices."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click

from appliance import bootstrap, config
from appliance.cli.month import Month
from appliance.cli.who import known_login
from appliance.config import Settings
from appliance.domain.closing import month_name
from appliance.domain.money import FEN
from appliance.domain.money import format as written
from appliance.errors import RatingError
from appliance.rating.bill import document as words
from appliance.rating.bill import issue as use_case
from appliance.rating.bill.check import check as checked
from appliance.rating.bill.document import Document, Party
from appliance.rating.bill.issue import Terms
from appliance.rating.bill.pdf import as_pdf
from appliance.rating.bill.sheets import as_csv, as_xlsx
from appliance.store import bills, schema
from appliance.store import closing as months
from appliance.store.margins import Spent, spent_on_bill
from appliance.store.unit import Store

_BY = click.option("--by", required=True, help="Login of who does it.")
_ACCOUNT = click.option("--account", help="Only this one; default: every account of the box.")


@click.group()
def bill() -> None:
    """Bills (账单): a closed month's charges, frozen and numbered without gaps."""


@bill.command()
@click.argument("month", type=Month())
@_ACCOUNT
@_BY
def issue(month: int, account: str | None, by: str) -> None:
    """Issue the bills of MONTH (2026-02), which is closed. Doing it again issues nothing."""
    settings = config.load()
    terms = _terms(settings)
    with closing(schema.opened(settings.database_url)) as store:
        login, wanted = _started(store, by, account, month)
        refused = []
        for one in wanted:
            try:
                with store.work() as session:
                    made = use_case.issue(session, one, month, terms, bootstrap.utc_now(), login)
                    session.commit()
            except RatingError as error:
                # The others' bills do not wait for it.
                refused.append(str(error))
                continue
            click.echo(f"{one}: nothing to be billed" if made is None else _line(made))
    if refused:
        raise RatingError("; ".join(refused))


@bill.command()
@_ACCOUNT
@_BY
def credit(account: str | None, by: str) -> None:
    """Issue credit notes (红字账单) for what re-ratings corrected in months that are billed."""
    settings = config.load()
    terms = _terms(settings)
    with closing(schema.opened(settings.database_url)) as store:
        login, wanted = _started(store, by, account, None)
        made = []
        for one in wanted:
            with store.work() as session:
                made += use_case.credit(session, one, terms, bootstrap.utc_now(), login)
                session.commit()
    for document in made:
        click.echo(f"{_line(document)}, corrects {document.corrects}")
    if not made:
        click.echo("nothing to be corrected")


@bill.command("list")
@_ACCOUNT
@click.option("--month", type=Month(), help="Only of this month.")
@click.option("--margin", is_flag=True, help="With what the calls of each bill cost the box, and what is left.")
def list_(account: str | None, month: int | None, margin: bool) -> None:
    """Bills and credit notes, newest first."""
    with closing(schema.opened(config.load().database_url)) as store, store.reading() as session:
        for row in bills.listed(session, account, month):
            left = ""
            if margin and row.kind == bills.BILL:
                left = _left(row.gross * FEN, spent_on_bill(session, row.account_id, row.month))
            click.echo(_line(use_case.opened(session, row)) + left)


@bill.command()
@click.argument("number")
@click.option(
    "--to", type=click.Path(dir_okay=False, path_type=Path), required=True, help="FILE.pdf, .xlsx or .csv."
)
def export(number: str, to: Path) -> None:
    """Set bill NUMBER as a file, of the kind that its name ends with."""
    settings = config.load()
    forms: dict[str, Callable[[Document], bytes]] = {
        ".pdf": lambda document: as_pdf(document, Path(settings.bill_font) if settings.bill_font else None),
        ".xlsx": as_xlsx,
        ".csv": lambda document: as_csv(document).encode(),
    }
    form = forms.get(to.suffix.lower())
    if form is None:
        raise RatingError(f"{to}: the name must end with {', '.join(forms)}")
    with closing(schema.opened(settings.database_url)) as store, store.reading() as session:
        document = use_case.opened(session, use_case.required(session, number))
    try:
        to.write_bytes(form(document))
    except OSError as error:
        raise RatingError(f"cannot write {to}: {error.strerror}") from error


@bill.command()
@click.argument("number")
@click.argument("invoice")
@_BY
def invoice(number: str, invoice: str, by: str) -> None:
    """Note INVOICE, the number of the tax invoice (发票) that was issued for bill NUMBER."""
    with closing(schema.opened(config.load().database_url)) as store, store.work() as session:
        login = known_login(session, by)
        document = use_case.note_invoice(session, number, invoice, login, bootstrap.utc_now())
        session.commit()
    click.echo(_line(document))


@bill.command()
def check() -> None:
    """Check that numbers have no gaps, and that bills and ledger agree."""
    with closing(schema.opened(config.load().database_url)) as store, store.reading() as session:
        faults = checked(session)
    for fault in faults:
        click.echo(fault)
    if faults:
        raise RatingError(f"{len(faults)} faults")
    click.echo("bills: whole")


def _started(store: Store, by: str, account: str | None, month: int | None) -> tuple[str, list[str]]:
    """The login as it is kept, and the accounts that are meant."""
    with store.reading() as session:
        login = known_login(session, by)
        if account is not None:
            return login, [account]
        return login, bills.accounts(session) if month is None else months.accounts(session, month)


def _terms(settings: Settings) -> Terms:
    if not settings.bill_issuer:
        raise RatingError("who issues bills is not set (setting bill_issuer)")
    issuer = Party(
        settings.bill_issuer,
        settings.bill_issuer_tax_number,
        settings.bill_issuer_address,
        settings.bill_issuer_phone,
        settings.bill_issuer_bank,
        settings.bill_issuer_bank_account,
    )
    return Terms(issuer, settings.bill_tax_bp)


def _left(gross: int, spent: Spent) -> str:
    """The margin of a bill, in words; ``gross`` in millionths of a yuan."""
    less = f", less what {spent.uncosted} legs without a cost took" if spent.uncosted else ""
    return f"; cost {written(spent.cost)}, margin {written(gross - spent.cost)} yuan{less}"


def _line(document: Document) -> str:
    invoice = f", tax invoice {document.tax_invoice}" if document.tax_invoice else ""
    owed = words.yuan(document.totals.gross)
    return f"{document.number} {document.account} {month_name(document.month)}: {owed} yuan{invoice}"
