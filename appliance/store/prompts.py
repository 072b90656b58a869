"""Rows of prompts, written within the caller's unit of work."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.store.models import Account, Prompt


def has_account(session: Session, account: str) -> bool:
    """Whether there is such an account."""
    return session.get(Account, account) is not None


def lock_account(session: Session, account: str) -> bool:
    """Whether there is such an account; until the end of the work nobody else changes its prompts."""
    return session.scalar(select(Account.id).where(Account.id == account).with_for_update()) is not None


def versions(session: Session, account: str, name: str) -> list[Prompt]:
    """A prompt's versions, the newest first."""
    asked = select(Prompt).where(Prompt.account_id == account, Prompt.name == name)
    return list(session.scalars(asked.order_by(Prompt.version.desc())))


def put_in_use(rows: list[Prompt], version: int | None) -> None:
    """Have one version played, or (None) the default set's."""
    for row in rows:
        row.in_use = row.version == version
