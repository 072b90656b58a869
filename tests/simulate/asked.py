"""A site to ask the simulator about, and asking it."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from appliance.domain.hunt import Choice
from appliance.reference.workdays import day_kind
from appliance.simulate.route import Answer, Question, explain
from appliance.site import check, read
from appliance.site.apply import apply
from appliance.store.journal import Journal
from appliance.store.unit import Store

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)  # a Wednesday, ten in Shanghai


SINCE = "2026-01-01T00:00:00+08:00"
SUBSCRIBED = {"4008000022": "minutes", "4008000023": "calls", "4008000024": "mobiles"}
PLANS = f"""
plans:
  - {{code: minutes, name: 按时, charge_by: time, meter: answer, prices: [
      {{effective_from: "{SINCE}", per_minute: 0.11, connect_fee: 0.5}}]}}
  - {{code: calls, name: 按次, charge_by: call, meter: answer, prices: [
      {{effective_from: "{SINCE}", per_call: 1.5}}]}}
  - {{code: mobiles, name: 手机, charge_by: time, meter: bridge, prices: [
      {{effective_from: "{SINCE}", caller: mobile, per_minute: 0.2}}]}}
"""


def ask(session: Session, number: str, caller: str = "13800138000", **more: Any) -> Answer:
    """Asked over an empty journal."""
    journal = Journal(Path("/nowhere/journal.db"), reads_only=True)
    question = Question(number, caller, more.pop("at", NOW), **more)
    return explain(question, session, journal, day_kind, dice=random.Random(1))


def put(store: Store, text: str) -> None:
    """A site of an account ``demo`` and what the text says."""
    whole = f"version: 1\naccounts: [{{id: demo, name: 示范企业}}]\n{text}\n".encode()
    document = read.parse(whole, "site.yaml")
    assert check.check(document, lambda account, name: Path(f"/prompts/{name}.wav")) == []
    apply(store, document, now=NOW)


def ids(choice: Choice) -> list[list[str]]:
    return [[line.id for line in lines] for lines in choice.rounds]
