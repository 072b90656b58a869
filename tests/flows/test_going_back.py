"""What calls take is changed back, withdrawn, or not taken after all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete

from appliance.errors import FlowError
from appliance.flows.publish import FlowFaults
from appliance.store.models import Line
from appliance.store.unit import Store
from tests.flows.publishing import (
    LATER,
    MINUTE,
    NOW,
    NUMBER,
    ONLY_SQLITE,
    publish,
    publisher,
    revision_of,
    says,
    states,
    table,
    taken,
    told,
)


@ONLY_SQLITE
def test_going_back_to_the_version_before(site: Store) -> None:
    publish(site, says("second"))
    before = revision_of(site)
    assert publisher(site, NOW + MINUTE).roll_back("welcome", note="出错") == 1
    assert (taken(site), taken(site, NOW + MINUTE)) == (2, 1) and revision_of(site) > before
    assert (told(site)[0].version, told(site)[0].note) == (1, "出错")
    # Once more: what calls took before is the second one.
    assert publisher(site, NOW + 2 * MINUTE).roll_back("welcome") == 2


def test_going_back_after_several_and_to_a_named_one(site: Store) -> None:
    for serial, prompt in enumerate(("second", "third", "fourth")):
        publish(site, says(prompt), NOW + serial * MINUTE)
    at = NOW + timedelta(minutes=10)
    assert publisher(site, at).roll_back("welcome") == 3
    assert publisher(site, at + MINUTE).roll_back("welcome", 1) == 1
    assert taken(site, at + MINUTE) == 1
    with pytest.raises(FlowError, match="no version 9"):
        publisher(site, at).roll_back("welcome", 9)


@ONLY_SQLITE
def test_going_back_passes_over_what_was_cancelled_or_the_same(site: Store) -> None:
    publish(site, says("second"))
    publish(site, says("second"), NOW + MINUTE)
    publisher(site, NOW + MINUTE).save("welcome", says("third"))
    publisher(site, NOW + MINUTE).publish("welcome", at=NOW + 2 * MINUTE)
    publisher(site, NOW + MINUTE).cancel("welcome")
    assert publisher(site, NOW + 3 * MINUTE).roll_back("welcome") == 1


@ONLY_SQLITE
def test_there_is_nothing_to_go_back_to(site: Store) -> None:
    with pytest.raises(FlowError, match="no other version before"):
        publisher(site).roll_back("welcome")
    publisher(site).save("fresh", says("first"))
    with pytest.raises(FlowError, match="had no other version before"):
        publisher(site).roll_back("fresh")


@ONLY_SQLITE
def test_going_back_cancels_what_was_to_come(site: Store) -> None:
    publish(site, says("second"))
    publisher(site, NOW + MINUTE).save("welcome", says("third"))
    publisher(site, NOW + MINUTE).publish("welcome", at=LATER)
    assert publisher(site, NOW + 2 * MINUTE, by="li").roll_back("welcome") == 1
    assert taken(site, LATER + MINUTE) == 1
    (cancelled,) = [one for one in told(site) if one.cancelled_at]
    assert (cancelled.version, cancelled.cancelled_at, cancelled.cancelled_by) == (3, NOW + 2 * MINUTE, "li")


@ONLY_SQLITE
def test_a_version_whose_line_is_gone_does_not_come_back(site: Store) -> None:
    publish(site, {"start": "r", "nodes": {"r": {"type": "ring", "lines": ["a", "b"]}}})
    publish(site, says("third"), NOW + MINUTE)
    publisher(site, NOW + MINUTE).save("welcome", says("fourth"))
    publisher(site, NOW + MINUTE).publish("welcome", at=LATER)
    with site.work() as session:
        session.execute(delete(Line).where(Line.id == "b"))
        session.commit()
    before = revision_of(site)
    with pytest.raises(FlowFaults) as refused:
        publisher(site, NOW + 2 * MINUTE).roll_back("welcome", 2)
    (fault,) = refused.value.faults
    assert (fault.text(), fault.text("zh")) == ("r.lines: there is no line b", "r.lines: 没有线路 b")
    assert refused.value.findings == ["r.lines: 没有线路 b", "    r.lines: there is no line b"]
    assert taken(site, NOW + 2 * MINUTE) == 3 and revision_of(site) == before
    assert states(site, at=NOW + 2 * MINUTE)["welcome"].to_come == ((LATER, 4),), "nothing was cancelled"


def test_a_flow_that_is_withdrawn_takes_its_number_out_of_service_and_comes_back(site: Store) -> None:
    publisher(site).save("welcome", says("second"))
    publisher(site).publish("welcome", at=LATER)
    before = revision_of(site)
    publisher(site).withdraw("welcome", note="停用")
    assert revision_of(site) > before
    assert taken(site) is None and taken(site, LATER) is None
    assert not table(site).numbers[NUMBER].in_service
    assert states(site)["welcome"].published is None
    assert (told(site)[1].version, told(site)[1].note) == (None, "停用")
    assert publisher(site, NOW + MINUTE).roll_back("welcome") == 1
    assert table(site, NOW + MINUTE).numbers[NUMBER].in_service


def test_what_is_to_come_is_cancelled_and_counted(site: Store) -> None:
    for hours in (1, 2):
        publisher(site).save("welcome", says(f"in-{hours}"))
        publisher(site).publish("welcome", at=NOW + timedelta(hours=hours))
    before = revision_of(site)
    assert publisher(site, by="li").cancel("welcome") == 2
    assert revision_of(site) > before
    assert publisher(site).cancel("welcome") == 0
    assert taken(site, NOW + timedelta(hours=3)) == 1
    assert [(one.version, one.cancelled_by) for one in told(site)] == [(3, "li"), (2, "li"), (1, "")]
