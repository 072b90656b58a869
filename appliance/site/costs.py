"""What trunks take for legs that go out: checked, applied, exported, pruned.

As prices, costs that are published are succeeded and never edited.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.site.findings import Finding, Path
from appliance.site.merge import Action, Merge, differences
from appliance.site.read import Document
from appliance.site.time_values import written_amount
from appliance.store.models import Trunk, TrunkCost


def check_costs(document: Document) -> Iterator[Finding]:
    """A cost names a trunk that places calls; no two are for the same line and instant."""
    trunks = {trunk.id: trunk for trunk in document.site.trunks}
    first: dict[tuple[str, str, datetime], int] = {}
    for index, part in enumerate(document.site.costs):
        path: Path = ("costs", index)
        if part.trunk not in trunks:
            yield document.finding((*path, "trunk"), "unknown-trunk", value=part.trunk)
        elif not trunks[part.trunk].proxy:
            yield document.finding((*path, "trunk"), "cost-without-proxy", value=part.trunk)
        key = (part.trunk, part.line, part.effective_from.at)
        here = (*path, "effective_from")
        if key in first:
            yield document.finding(here, "cost-twice", value=part.trunk, what=part.line, line=first[key])
        first.setdefault(key, document.line(here))


def merge_costs(merge: Merge) -> None:
    """A cost that is not there is added; one that is there is compared only."""
    stored = {(row.trunk_id, row.line, row.effective_from): row for row in merge.session.scalars(select(TrunkCost))}
    for index, part in enumerate(merge.document.site.costs):
        values = part.model_dump(exclude={"trunk", "line", "effective_from"})
        known = stored.get((part.trunk, part.line, part.effective_from.at))
        if known is None:
            made = TrunkCost(
                trunk_id=part.trunk,
                line=part.line,
                effective_from=part.effective_from.at,
                effective_text=part.effective_from.text,
                **values,
            )
            merge.add("cost", _key(made), made)
            continue
        edited = differences(known, values)
        if edited:
            path: Path = ("costs", index, edited[0])
            merge.faults.append(merge.document.finding(path, "cost-published", what=", ".join(edited)))
    merge.session.flush()


def prune_costs(merge: Merge) -> None:
    """Costs that are not yet in effect go when the file does not name them; others explain what legs cost."""
    named = {(part.trunk, part.line, part.effective_from.at) for part in merge.document.site.costs}
    order = (TrunkCost.trunk_id, TrunkCost.line, TrunkCost.effective_from)
    for row in merge.session.scalars(select(TrunkCost).order_by(*order)):
        if (row.trunk_id, row.line, row.effective_from) in named:
            continue
        if row.effective_from <= merge.now:
            merge.note(Action.KEPT, "cost", _key(row), "it is or was in effect")
        else:
            merge.remove("cost", _key(row), row)
    merge.session.flush()


def exported_costs(session: Session) -> dict[str, Any]:
    """The section, where there is anything to say. Costs of trunks that are gone are no part of the site."""
    order = (TrunkCost.trunk_id, TrunkCost.line, TrunkCost.effective_from)
    rows = session.scalars(select(TrunkCost).join(Trunk, Trunk.id == TrunkCost.trunk_id).order_by(*order)).all()
    if not rows:
        return {}
    return {
        "costs": [
            {
                "trunk": row.trunk_id,
                "line": row.line,
                "effective_from": row.effective_text,
                "initial_seconds": row.initial_seconds,
                "step_seconds": row.step_seconds,
                "connect_fee": written_amount(row.connect_fee),
                "per_minute": written_amount(row.per_minute),
            }
            for row in rows
        ]
    }


def _key(row: TrunkCost) -> str:
    return f"{row.trunk_id} {row.line} {row.effective_text}"
