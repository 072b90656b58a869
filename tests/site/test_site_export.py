"""An export applies again without a change, here and on another box."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from appliance.site.apply import apply
from appliance.site.export import export
from appliance.store import passwords
from appliance.store.models import Flow, Operator
from appliance.store.unit import Store
from tests.site.texts import DEMO, document
from tests.support.databases import sqlite_database

NOW = datetime(2026, 6, 1, tzinfo=UTC)

NASTY = """
version: 1
accounts:
  - {id: "007", name: " true  two  blanks "}
  - {id: "null", name: "a: b # c '\\" & *x 名"}
operators:
  - {login: "off", roles: [agent, auditor], account: "007"}
trunks:
  - {id: "1.5", accept: [10.0.0.0/8, "fd00::/8"], proxy: "[fd00::1]:5060", caller_number: "+14155550100",
     number_format: "86", landing: {"95588": 4008001234}}
lines:
  - {id: "0x1", account: "007", number: 13800138000, kind: mobile, trunk: "1.5"}
numbers:
  - {number: 4008001234, account: "007", lines: ["0x1"], subscriptions: [
      {plan: "1e3", starts_at: "2026-01-01T00:00:00.000001Z", ends_at: "2026-02-01T00:00:00-05:00"},
      {plan: "1e3", starts_at: "2026-02-01T00:00:00-05:00"}]}
  - {number: 4008005678, account: "null", in_service: false}
flows:
  - {name: "yes", account: "007", start: "1", nodes: {"1": {type: menu, prompt: "0", keys: {"1": "2", "*": "2"},
     silence: "2", wrong: "2", timeout_s: 2.5, attempts: 2}, "2": {type: hangup}}}
plans:
  - {code: "1e3", name: "~", charge_by: call, meter: bridge, included: 15, minimum_monthly: 0.000001, prices: [
      {effective_from: "2026-01-01T00:00:00.5-05:00", caller: mobile, per_call: 999999.999999},
      {effective_from: "2026-01-01T00:00:00Z", free_seconds: 3}]}
"""


@pytest.mark.parametrize("source", [DEMO, NASTY], ids=["demo", "nasty"])
def test_an_export_applies_again_without_a_change(store: Store, tmp_path: Path, source: str) -> None:
    apply(store, document(source), now=NOW)
    with store.reading() as session:
        text = export(session, NOW)
    assert not apply(store, document(text), now=NOW, prune=True).changed

    other = sqlite_database(tmp_path / "other.db")
    second = Store(other)
    assert apply(second, document(text), now=NOW).changed
    with second.reading() as session:
        assert export(session, NOW) == text
    second.close()


def test_no_secret_and_no_draft_is_exported(store: Store) -> None:
    apply(store, document(), now=NOW)
    with store.work() as session:
        passwords.set_password(session, "admin", "long enough")
        session.scalars(select(Flow)).one()
        session.commit()
        session.add(Flow(account_id="demo", name="never-published"))
        session.commit()
        admin = session.scalars(select(Operator).where(Operator.login == "admin")).one()
        secrets = [admin.password_hash or "", admin.session_key, "password", "never-published"]
    with store.reading() as session:
        text = export(session, NOW)
    assert not [secret for secret in secrets if secret in text]


def test_a_number_kept_for_its_calls_is_exported_out_of_service(store: Store) -> None:
    apply(
        store,
        document(
            "version: 1\naccounts: [{id: a, name: b}]\n"
            "numbers: [{number: 4008001234, account: a, in_service: false}]\n"
        ),
        now=NOW,
    )
    with store.reading() as session:
        text = export(session, NOW)
    assert "in_service: false" in text
    assert not apply(store, document(text), now=NOW, prune=True).changed
