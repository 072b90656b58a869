"""Terms of accounts in the site file: what is refused, and that they come back as they were written."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.domain.credit import Mode, Terms
from appliance.site import check, read
from appliance.site.apply import apply
from appliance.site.export import export
from appliance.store.credit_terms import load_holders
from appliance.store.unit import Store
from tests.site.ruled import NOW
from tests.support.databases import sqlite_database

SITE = """version: 1
accounts:
  - {id: before, name: 预付, credit: {mode: prepaid}}
  - id: after
    name: 后付
    credit: {mode: postpaid, credit_limit: "1000", daily_cap: 99.5, low_balance: 50, warning_seconds: 0,
             longest_call_seconds: 1800, notify: [mail]}
  - {id: free, name: 不计}
hooks:
  - {id: mail, account: after, kind: webhook, url: "https://crm.example.cn/low"}
"""


def faults(text: str) -> list[str]:
    return [
        found.code for found in check.check(read.parse(text.encode(), "s.yaml"), lambda account, name: Path("/p"))
    ]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("mode: prepaid", "mode: prepaid, credit_limit: 5", "credit-of-prepaid"),
        ("notify: [mail]", "notify: [gone]", "unknown-hook"),
        ("mode: prepaid", "mode: prepaid, notify: [mail]", "hook-of-another"),
    ],
)
def test_what_is_refused(old: str, new: str, code: str) -> None:
    assert faults(SITE) == []
    assert faults(SITE.replace(old, new, 1)) == [code]


@pytest.mark.parametrize("treated", ["{answer: true}", "{prompt: own}"])
def test_for_want_of_money_only_another_prompt(treated: str) -> None:
    number = (
        'numbers:\n  - {number: "4008001234", account: free, lines: [a],'
        f" rules: {{refusals: {{no-credit: {treated}}}}}}}\n"
        "trunks:\n  - {id: t, accept: [127.0.0.1], proxy: 127.0.0.1:5090, caller_id: pass}\n"
        'lines:\n  - {id: a, account: free, number: "02160000001", kind: landline, trunk: t}\n'
    )
    assert faults(SITE + number) == (["answered-without-money"] if "answer" in treated else [])


def test_stored_read_and_written_again(tmp_path: Path) -> None:
    with Store(sqlite_database(tmp_path / "s.db")) as store:
        apply(store, read.parse(SITE.encode(), "s.yaml"), now=NOW)
        with store.reading() as session:
            found, written = load_holders(session), export(session, NOW)
        assert {name: holder.terms for name, holder in found.items()} == {
            "before": Terms(Mode.PREPAID),
            "after": Terms(Mode.POSTPAID, 1_000_000_000, 99_500_000, 50_000_000, 0, 1800, ("mail",)),
            "free": None,
        }
        assert not apply(store, read.parse(written.encode(), "w.yaml"), now=NOW).changed
