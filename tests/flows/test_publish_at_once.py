"""Several who publish at the same moment, and clocks that disagree."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from appliance.errors import FlowError
from appliance.store.models import FlowDraft, FlowPublication, FlowVersion
from appliance.store.unit import Store
from tests.flows.publishing import MINUTE, NOW, ONLY_SQLITE, publish, publisher, revision_of, says, taken, told


def at_once(acts: list[Any]) -> list[BaseException]:
    """Everybody at the same moment; what went wrong."""
    gate, wrong = threading.Barrier(len(acts)), []

    def run(act: Any) -> None:
        gate.wait()
        try:
            act()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_two_who_publish_at_once_make_a_version_each(site: Store) -> None:
    """Each has a flow's draft before him; the other one's is neither lost nor numbered alike."""
    count = 6

    def act(serial: int) -> None:
        who = publisher(site, by=f"p{serial}")
        who.save("welcome", says(f"prompt-{serial}"))
        try:
            who.publish("welcome")
        except FlowError as error:
            # Somebody else published what was the draft then: his own, or this one.
            assert "has no draft" in str(error)

    assert at_once([lambda serial=serial: act(serial) for serial in range(count)]) == []
    with site.reading() as session:
        versions = session.scalars(select(FlowVersion).where(FlowVersion.version > 1)).all()
        published = session.scalars(
            select(FlowPublication.version).where(FlowPublication.version > 1).order_by(FlowPublication.id)
        ).all()
        left = session.scalars(select(FlowDraft)).all()
    assert len({one.version for one in versions}) == len(versions) == len({str(one.graph) for one in versions})
    assert len(published) == len(versions) and set(published) == {one.version for one in versions}, "each one once"
    assert taken(site) == published[-1], "the last one is taken"
    assert left == [], "the last to save publishes it himself, or somebody after him"


def test_two_versions_of_different_flows_are_both_there(site: Store) -> None:
    names = [f"flow-{serial}" for serial in range(4)]
    before = revision_of(site)
    assert at_once([lambda name=name: publish(site, says("first"), name=name) for name in names]) == []
    assert {name: taken(site, name=name) for name in names} == dict.fromkeys(names, 1)
    assert revision_of(site) == before + 4


def test_who_was_kept_waiting_has_the_last_word(site: Store) -> None:
    """He came first, and another one was let in before him."""
    seconds = timedelta(seconds=3)
    assert publish(site, says("third"), NOW + seconds) == 2
    assert publish(site, says("fourth"), NOW) == 3
    assert taken(site, NOW + seconds) == 3
    assert publisher(site).roll_back("welcome") == 2
    publisher(site).withdraw("welcome")
    assert taken(site, NOW + seconds) is None
    assert [one.version for one in told(site)] == [None, 2, 3, 2, 1]
    assert not any(one.cancelled_at for one in told(site))


@ONLY_SQLITE
def test_a_clock_that_was_set_back_does_not_put_off_what_is_published(site: Store) -> None:
    publish(site, says("second"), NOW + timedelta(days=400))
    publish(site, says("third"))
    assert taken(site) == 3


def test_who_publishes_while_another_goes_back(site: Store) -> None:
    publish(site, says("second"))
    publisher(site, NOW + MINUTE).save("welcome", says("third"))
    acts = [
        lambda: publisher(site, NOW + 2 * MINUTE).publish("welcome"),
        lambda: publisher(site, NOW + 2 * MINUTE).roll_back("welcome", 1),
    ]
    assert at_once(acts) == []
    history = [one.version for one in told(site)]
    assert set(history[:2]) == {1, 3}
    assert taken(site, NOW + 2 * MINUTE) == history[0]
