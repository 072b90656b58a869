"""On what terms accounts call (reseller mode): checked, stored, exported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from appliance.domain.credit import Mode
from appliance.domain.refusal import FOR_MONEY
from appliance.site.findings import Finding
from appliance.site.named import check_hook
from appliance.site.read import Document
from appliance.site.schema import CreditPart
from appliance.site.time_values import written_amount

#: Fields that are amounts: millionths of a yuan where they are stored, yuan in the file.
_AMOUNTS = ("credit_limit", "daily_cap", "low_balance")


def check_credit(document: Document) -> Iterator[Finding]:
    """Who pays before has no credit; hooks are the account's own; for want of money nobody is answered."""
    for index, account in enumerate(document.site.accounts):
        part = account.credit
        if part is None:
            continue
        path = ("accounts", index, "credit")
        if part.mode == Mode.PREPAID and part.credit_limit:
            yield document.finding((*path, "credit_limit"), "credit-of-prepaid")
        for at, hook in enumerate(part.notify):
            yield from check_hook(document, (*path, "notify", at), hook, account.id)
    for index, number in enumerate(document.site.numbers):
        for reason, treated in number.rules.refusals.items():
            here = ("numbers", index, "rules", "refusals", reason)
            if reason in FOR_MONEY and (treated.answer or treated.flow is not None):
                field = "answer" if treated.answer else "flow"
                yield document.finding((*here, field), "answered-without-money", value=reason)


def stored_credit(part: CreditPart | None) -> dict[str, Any]:
    """As it is stored: without what is at its default; empty: the account's calls are not counted."""
    return {} if part is None else {"mode": part.mode, **part.model_dump(exclude_defaults=True)}


def exported_credit(stored: dict[str, Any]) -> dict[str, Any]:
    """As the file writes it."""
    written = {name: written_amount(value) if name in _AMOUNTS else value for name, value in stored.items()}
    return {"credit": written} if written else {}
