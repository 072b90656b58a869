"""What trunks take: checked, applied once, never edited, exported, pruned."""

from __future__ import annotations

import pytest

from appliance.site.findings import SiteFaults
from appliance.store.unit import Store
from tests.site.ruled import exported, found, put, said
from tests.site.texts import edited

SITE = """version: 1
trunks:
  - {id: telecom, proxy: "192.0.2.1:5060", caller_id: pass}
  - {id: inward, accept: ["192.0.2.9"]}
costs:
  - {trunk: telecom, effective_from: "2026-01-01T00:00:00+08:00", per_minute: 0.06, connect_fee: 0.01}
  - {trunk: telecom, line: mobile, effective_from: "2026-01-01T00:00:00+08:00", step_seconds: 6, per_minute: 0.0725}
"""
LATER = '  - {trunk: telecom, line: mobile, effective_from: "2027-01-01T00:00:00Z", per_minute: 0.05}\n'
FAULTS = [
    (("trunk: telecom, line: mobile", "trunk: unicom, line: mobile"), "there is no trunk unicom"),
    (("trunk: telecom, line: mobile", "trunk: inward, line: mobile"), "has no proxy: no call goes out by it"),
    (("line: mobile", "line: any"), "is there already, in line 6"),
    (("line: mobile", "line: fax"), "must be one of any, landline, mobile, overseas"),
    (("0.0725", "0.00000001"), "not an amount"),
    (("step_seconds: 6", "step_seconds: 0"), "must be a whole number from 1"),
    (("0.0725", "0.07, per_call: 1"), "unknown field"),
]


@pytest.mark.parametrize(("change", "told"), FAULTS, ids=[told for _, told in FAULTS])
def test_what_is_wrong_is_named(change: tuple[str, str], told: str) -> None:
    assert [fault for fault in found(edited(change, text=SITE)) if told in fault.text()]


def test_applied_exported_and_applied_again(store: Store) -> None:
    assert said(put(store, SITE)) >= {
        "added cost telecom any 2026-01-01T00:00:00+08:00",
        "added cost telecom mobile 2026-01-01T00:00:00+08:00",
    }
    assert not put(store, SITE).changed
    text = exported(store)
    assert "per_minute: '0.0725'" in text and not put(store, text, prune=True).changed


def test_what_is_published_is_succeeded_and_never_edited(store: Store) -> None:
    put(store, SITE)
    with pytest.raises(SiteFaults, match="a published cost is never edited: per_minute"):
        put(store, edited(("0.0725", "0.07"), text=SITE))
    assert said(put(store, SITE + LATER)) == {"added cost telecom mobile 2027-01-01T00:00:00Z"}
    # Of what the file does not name only that goes which is not in effect yet.
    without = SITE[: SITE.index("costs:")]
    assert said(put(store, without, prune=True)) == {
        "kept cost telecom any 2026-01-01T00:00:00+08:00 (it is or was in effect)",
        "kept cost telecom mobile 2026-01-01T00:00:00+08:00 (it is or was in effect)",
        "removed cost telecom mobile 2027-01-01T00:00:00Z",
    }
    # A trunk may go; what its legs cost stays, and is no part of the site any more.
    put(store, "version: 1\n", prune=True)
    assert "costs" not in exported(store)
