"""On what terms accounts call, and who suspended them, in the database."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.domain.credit import Mode, Terms
from appliance.errors import LedgerError
from appliance.store.models import Account, AccountSuspension


class Holder(NamedTuple):
    """An account; ``terms`` None: its calls are not counted."""

    name: str
    terms: Terms | None


def load_holders(session: Session) -> dict[str, Holder]:
    """Every account, by its id."""
    rows = session.execute(select(Account.id, Account.name, Account.credit))
    return {account: Holder(name, _terms(credit) if credit else None) for account, name, credit in rows}


def _terms(stored: dict[str, object]) -> Terms:
    """``accounts.credit``: the site file's form (``site.schema.CreditPart``), what is at its default left out."""

    def whole(name: str, usual: int = 0) -> int:
        found = stored.get(name, usual)
        return found if isinstance(found, int) else usual

    notify = stored.get("notify", [])
    return Terms(
        mode=Mode(str(stored["mode"])),
        credit_limit=whole("credit_limit"),
        daily_cap=whole("daily_cap"),
        low_balance=whole("low_balance"),
        warning_s=whole("warning_seconds", 60),
        longest_call_s=whole("longest_call_seconds"),
        notify=tuple(map(str, notify)) if isinstance(notify, list) else (),
    )


def suspend(session: Session, account_id: str, suspended: bool, reason: str, by_login: str, at: datetime) -> bool:
    """Suspend an account, or have it call again; False: it was so already. Each change is kept for good.

    :raises LedgerError: there is no such account.
    """
    if session.get(Account, account_id) is None:
        raise LedgerError(f"no such account: {account_id}")
    if suspended == (account_id in suspended_accounts(session)):
        return False
    session.add(
        AccountSuspension(account_id=account_id, suspended=suspended, reason=reason, by_login=by_login, at=at)
    )
    return True


def suspended_accounts(session: Session) -> set[str]:
    """Accounts whose last change says so."""
    last = select(func.max(AccountSuspension.id)).group_by(AccountSuspension.account_id)
    found = select(AccountSuspension.account_id).where(AccountSuspension.id.in_(last), AccountSuspension.suspended)
    return set(session.scalars(found))
