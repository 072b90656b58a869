"""Applying a site file: one unit of work, the same file twice changes nothing the second time."""

from __future__ import annotations

import hashlib
from datetime import datetime

from appliance.errors import StoreError
from appliance.site.apply_hooks import merge_hooks
from appliance.site.apply_keys import check_callback_keys
from appliance.site.apply_operators import merge_operators
from appliance.site.apply_prices import merge_plans, merge_subscriptions
from appliance.site.apply_routing import (
    merge_accounts,
    merge_flows,
    merge_lines,
    merge_numbers,
    merge_queues,
    merge_trunks,
)
from appliance.site.apply_rules import merge_calendar, merge_lists, merge_regions, merge_schedules
from appliance.site.costs import merge_costs
from appliance.site.findings import SiteFaults
from appliance.site.merge import Merge, Report
from appliance.site.prune import prune_absent
from appliance.site.read import Document
from appliance.store.models import SiteState
from appliance.store.unit import Store


def apply(store: Store, document: Document, *, now: datetime, prune: bool = False, dry_run: bool = False) -> Report:
    """Make the stored site what a checked file says.

    What the file does not name stays, unless ``prune``: then it goes, except what calls depend on
    (``site.prune``). With ``dry_run`` everything is tried and nothing kept.

    :raises SiteFaults: the file contradicts what is stored (a published price edited, overlaps); nothing changed.
    :raises StoreError: the database is full, locked or away; nothing changed.
    """
    with store.work() as session:
        # Two applications at once: the second one waits here and then sees what the first one did.
        state = session.get(SiteState, 1, with_for_update=True)
        if state is None:
            raise StoreError("the database lacks its site row; restore it from a backup")
        merge = Merge(session, document, prune, now)
        merge_accounts(merge)
        merge_calendar(merge)
        merge_regions(merge)
        merge_schedules(merge)
        merge_lists(merge)
        merge_trunks(merge)
        merge_lines(merge)
        merge_queues(merge)
        merge_hooks(merge)
        merge_flows(merge)
        check_callback_keys(merge)
        merge_numbers(merge)
        merge_plans(merge)
        merge_subscriptions(merge)
        merge_costs(merge)
        merge_operators(merge)
        if merge.faults:
            raise SiteFaults(merge.faults)
        if prune:
            prune_absent(merge)
        report = Report(tuple(merge.changes), state.revision, dry_run)
        if not report.changed or dry_run:
            return report
        state.revision += 1
        state.applied_at = now
        state.applied_sha256 = hashlib.sha256(document.text).hexdigest()
        session.commit()
        return Report(report.changes, state.revision)
