"""Drafts and publications: what is refused, and what calls take from when on."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from appliance.errors import FlowError
from appliance.store.models import FlowDraft, FlowVersion
from appliance.store.unit import Store
from tests.flows.publishing import (
    LATER,
    MINUTE,
    NOW,
    NUMBER,
    ONLY_SQLITE,
    faults_of,
    publish,
    publisher,
    revision_of,
    says,
    states,
    table,
    taken,
    told,
)

BROKEN: dict[str, Any] = {"start": "gone", "nodes": {"bye": {"type": "hangup", "cause": "BOREDOM"}, "x": 5}}


def test_a_draft_may_have_faults_and_is_refused_by_node_and_field(site: Store) -> None:
    before = revision_of(site)
    publisher(site, by="li").save("welcome", BROKEN)
    assert faults_of(site, BROKEN) == {("", "start"), ("bye", "cause"), ("x", "")}
    assert taken(site) == 1 and revision_of(site) == before, "calls notice nothing"
    with site.reading() as session:
        (draft,) = session.scalars(select(FlowDraft))
        assert (draft.graph, draft.based_on, draft.edited_by, draft.edited_at) == (BROKEN, 1, "wang", NOW)
        assert len(session.scalars(select(FlowVersion)).all()) == 2
    state = states(site)["welcome"]
    assert (state.published, state.draft_at, state.draft_by) == (1, NOW, "wang")


@ONLY_SQLITE
def test_what_is_published_now_is_taken_at_once(site: Store) -> None:
    before = revision_of(site)
    assert publish(site, says("second"), note="夏季") == 2
    assert revision_of(site) > before, "handlers read again"
    route = table(site).numbers[NUMBER]
    assert route.flow is not None and route.flow.label == "welcome@2" and route.in_service
    assert taken(site, NOW - MINUTE) == 1
    assert [(one.version, one.at, one.made_by, one.note) for one in told(site)] == [
        (2, NOW, "wang", "夏季"),
        (1, NOW - MINUTE, "site-file", ""),
    ]
    assert states(site)["welcome"].draft_at is None, "the draft is published and gone"
    with pytest.raises(FlowError, match="has no draft"):
        publisher(site).publish("welcome")


def test_what_is_published_at_a_time_is_taken_from_then_on(site: Store) -> None:
    before = revision_of(site)
    assert publish(site, says("later"), at=NOW) == 2
    publisher(site).save("welcome", says("winter"))
    assert publisher(site).publish("welcome", at=LATER) == 3
    assert revision_of(site) == before + 2
    assert [taken(site, at) for at in (NOW, LATER - MINUTE / 60, LATER, LATER + MINUTE)] == [2, 2, 3, 3]
    assert states(site)["welcome"].to_come == ((LATER, 3),)
    assert states(site, at=LATER)["welcome"].to_come == ()


@pytest.mark.parametrize("past", [NOW, NOW - MINUTE])
@ONLY_SQLITE
def test_nothing_is_published_in_the_past(site: Store, past: Any) -> None:
    who = publisher(site)
    who.save("welcome", says("second"))
    with pytest.raises(FlowError, match="is over"):
        who.publish("welcome", at=past)
    assert len(told(site)) == 1 and states(site)["welcome"].draft_at == NOW


def test_a_draft_that_is_the_same_as_a_version_is_that_version(site: Store) -> None:
    assert publish(site, says("second")) == 2
    assert publish(site, says("first"), NOW + MINUTE) == 1
    assert taken(site, NOW + MINUTE) == 1
    swapped = {"nodes": {"bye": {"prompt": "second", "type": "hangup"}}, "start": "bye"}
    assert publish(site, swapped, NOW + 2 * MINUTE) == 2
    assert [one.version for one in told(site)] == [2, 1, 2, 1]
    with site.reading() as session:
        assert len(session.scalars(select(FlowVersion)).all()) == 3


@ONLY_SQLITE
def test_the_order_of_cases_makes_another_version(site: Store) -> None:
    """The first that fits is taken: the same cases in another order are another flow."""
    made = []
    for cases in ({"138*": "a", "1380*": "b"}, {"1380*": "b", "138*": "a"}):
        switch = {"type": "switch", "variable": "caller", "cases": cases, "other": "b"}
        nodes = {"sw": switch, "a": {"type": "hangup"}, "b": {"type": "hangup", "cause": "USER_BUSY"}}
        made.append(publish(site, {"start": "sw", "nodes": nodes}))
    assert made == [2, 3]
    with site.reading() as session:
        (kept,) = session.scalars(select(FlowVersion).where(FlowVersion.version == 3))
        assert list(kept.graph["nodes"]["sw"]["cases"]) == ["1380*", "138*"]
