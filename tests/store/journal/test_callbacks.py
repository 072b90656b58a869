"""Requests to be called back: kept once, called by one process at a time, ended once, whatever the file allows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from appliance.domain.callback import Ending, Request, Stage, Verdict
from appliance.errors import StoreError
from appliance.store import callbacks as module
from appliance.store import journal_file
from appliance.store.callbacks import Asked, Callbacks
from appliance.store.journal import KEEP, Journal
from appliance.store.waitlist import Waitlist
from tests.store.journal.told import CALLER, NOW, NUMBER, SECOND, allow_pages

LEG, OTHER_LEG = "leg-1", "leg-2"


def request(id_: str = "r", **changed: Any) -> Request:
    values = {
        "queue": "q",
        "account": "demo",
        "number": NUMBER,
        "caller": CALLER,
        "callee": CALLER,
        "trunk": "t",
        "priority": 3,
        "skill": "english",
        "entered_at": NOW,
        "asked_at": NOW + SECOND,
        "expires_at": NOW + timedelta(hours=1),
        "due_at": NOW + 2 * SECOND,
    }
    return Request(id_, **{**values, **changed})


DUE = NOW + 10 * SECOND


@pytest.fixture
def requests(journal: Journal) -> Callbacks:
    return Callbacks(journal.file)


@pytest.fixture
def others(journals: Callable[..., Journal]) -> Callbacks:
    """Another process's, on the same file."""
    return Callbacks(journals().file)


def claimed(requests: Callbacks, **changed: Any) -> Request:
    """One that this process has its line ring for."""
    asked = request(**changed)
    assert requests.ask(asked) is Asked.NOTED
    assert requests.claim(asked, [LEG, OTHER_LEG], ["a", "b"], "here", DUE)
    return asked


def rung(requests: Callbacks) -> Request:
    """One whose telephone rings."""
    asked = claimed(requests)
    found = requests.rings_him(asked.id, LEG, "there", DUE)
    assert found is not None
    return found


def one(requests: Callbacks, id_: str = "r") -> Request:
    found = requests.one(id_)
    assert found is not None
    return found


def test_a_request_is_found_as_it_was_asked(requests: Callbacks, others: Callbacks) -> None:
    assert not requests.any_open() and requests.open() == [] and requests.one("r") is None
    asked = request()
    assert requests.ask(asked) is Asked.NOTED
    for found in (requests, others):
        assert found.any_open() and found.open() == [asked] and found.one("r") == asked


def test_one_open_request_a_number_and_queue(requests: Callbacks) -> None:
    assert requests.ask(request()) is Asked.NOTED
    assert requests.ask(request()) is Asked.NOTED, "the same call, back from dead handlers"
    assert requests.ask(request("later", entered_at=NOW + SECOND)) is Asked.ALREADY
    assert requests.ask(request("elsewhere", queue="other")) is Asked.NOTED
    assert [asked.id for asked in requests.open()] == ["elsewhere", "r"]
    assert requests.close("r", "done", "me", NOW)
    assert requests.ask(request("later")) is Asked.NOTED


def test_only_one_process_calls(requests: Callbacks, others: Callbacks) -> None:
    asked = request()
    requests.ask(asked)
    assert not requests.claim(asked, [LEG], ["a"], "here", NOW), "not due yet"
    assert not requests.claim(asked, [LEG], ["a"], "here", asked.expires_at), "over"
    assert requests.claim(asked, [LEG], ["a"], "here", DUE)
    assert not others.claim(asked, [OTHER_LEG], ["a"], "there", DUE)
    assert (one(others).stage, one(others).legs, one(others).lines) == (Stage.LINE, (LEG,), ("a",))


def test_no_line_took_it(requests: Callbacks) -> None:
    claimed(requests)
    requests.release("r", "strange", DUE, "busy")
    assert one(requests).stage is Stage.LINE, "of another try"
    requests.release("r", LEG, DUE + SECOND, "busy")
    found = one(requests)
    assert (found.stage, found.legs, found.attempts, found.due_at, found.said) == (
        Stage.WAITS,
        (),
        0,
        DUE + SECOND,
        "busy",
    )


def test_his_telephone_rings_once(requests: Callbacks, others: Callbacks) -> None:
    claimed(requests)
    requests.taken("r", LEG, DUE)
    assert one(requests).stage is Stage.TAKEN
    found = others.rings_him("r", OTHER_LEG, "there", DUE)
    assert found is not None and (found.stage, found.attempts, found.legs) == (Stage.CALLER, 1, (OTHER_LEG,))
    assert requests.rings_him("r", LEG, "here", DUE) is None, "another line of the same try"
    assert requests.rings_him("r", OTHER_LEG, "here", DUE) is None
    requests.release("r", OTHER_LEG, DUE, "late")
    requests.taken("r", OTHER_LEG, DUE)
    assert one(requests).stage is Stage.CALLER, "what the line's process learns late"


@pytest.mark.parametrize("ending", [Ending.REACHED, Ending.FAILED])
def test_an_end(requests: Callbacks, ending: Ending) -> None:
    rung(requests)
    requests.settle("r", LEG, Verdict(ending, DUE, 1), "said", DUE)
    found = one(requests)
    assert (found.ending, found.closed_at, found.said, found.attempts) == (ending, DUE, "said", 1)
    assert requests.open() == [] and requests.ended(5) == [found]
    # Whatever comes later changes nothing.
    requests.recorded("r", LEG, DUE, reached=True)
    requests.answered("q", CALLER, "call", DUE, DUE)
    requests.expire(DUE + KEEP)
    assert not requests.close("r", "late", "me", DUE)
    assert one(requests) == found


def test_called_again_after_the_gap(requests: Callbacks) -> None:
    rung(requests)
    requests.settle("r", LEG, Verdict(None, DUE + SECOND, 1), "busy", DUE)
    found = one(requests)
    assert (found.stage, found.due_at, found.attempts, found.legs) == (Stage.WAITS, DUE + SECOND, 1, ())
    assert not requests.claim(found, ["leg-3"], ["a"], "here", DUE)
    assert requests.claim(found, ["leg-3"], ["a"], "here", DUE + SECOND)


def test_the_record_decides_where_the_handlers_do_not_know(requests: Callbacks) -> None:
    rung(requests)
    requests.over("r", LEG, DUE)
    assert one(requests).stage is Stage.OVER and one(requests).owner == ""
    requests.recorded("r", "strange", DUE, reached=True)
    assert one(requests).ending is None
    requests.recorded("r", LEG, DUE, reached=True)
    assert one(requests).ending is Ending.REACHED


def test_the_record_says_that_they_did_not_talk(requests: Callbacks) -> None:
    rung(requests)
    requests.recorded("r", LEG, DUE + SECOND, reached=False)  # its handlers died, and could say nothing
    assert (one(requests).stage, one(requests).since) == (Stage.MISSED, DUE + SECOND)
    requests.over("r", LEG, DUE)
    assert one(requests).stage is Stage.MISSED


def test_a_record_of_a_line_that_did_not_answer_is_no_news(requests: Callbacks) -> None:
    claimed(requests)
    requests.recorded("r", LEG, DUE, reached=False)
    assert one(requests).stage is Stage.LINE


def test_abandoned_by_its_process(requests: Callbacks) -> None:
    claimed(requests)
    requests.abandon("r", LEG)
    assert (one(requests).owner, one(requests).stage) == ("", Stage.LINE)


def test_over_with_the_time_but_not_while_he_is_called(requests: Callbacks) -> None:
    requests.ask(request("early", queue="early", expires_at=DUE))
    claimed(requests, expires_at=DUE + SECOND)
    requests.expire(DUE - SECOND)
    assert len(requests.open()) == 2
    requests.expire(DUE + SECOND)
    assert one(requests, "early").ending is Ending.EXPIRED
    assert one(requests).ending is None


def test_he_called_again_and_was_answered(requests: Callbacks) -> None:
    requests.ask(request())
    requests.ask(request("withheld", caller="", callee="13900139000"))
    requests.answered("q", CALLER, "call", NOW, DUE)
    assert one(requests).ending is None, "he asked after that talk had begun"
    requests.answered("other", CALLER, "call", DUE, DUE)
    assert one(requests).ending is None
    requests.answered("q", CALLER, "call", DUE, DUE)
    assert (one(requests).ending, one(requests).reason) == (Ending.WITHDRAWN, "answered call")
    requests.answered("q", "13900139000", "call", DUE, DUE)
    assert one(requests, "withheld").ending is Ending.WITHDRAWN


def test_who_talks_to_a_line_of_his_callback_is_not_withdrawn(requests: Callbacks) -> None:
    rung(requests)
    requests.answered("q", CALLER, "call", DUE, DUE)
    assert one(requests).ending is None


def test_not_called_while_his_call_is_written_down(requests: Callbacks) -> None:
    requests.ask(request())
    requests.postpone("q", CALLER, DUE)
    assert one(requests).due_at == DUE
    requests.postpone("q", CALLER, NOW)
    requests.postpone("other", CALLER, DUE + SECOND)
    requests.postpone("q", "13900139000", DUE + SECOND)
    assert one(requests).due_at == DUE


def test_what_has_changed_is_stored_once(requests: Callbacks) -> None:
    requests.ask(request())
    ((found, version),) = requests.unstored()
    assert found == request()
    requests.claim(request(), [LEG], ["a"], "here", DUE)
    requests.are_stored([("r", version)])
    ((found, version),) = requests.unstored()
    assert found.stage is Stage.LINE, "it changed meanwhile"
    requests.are_stored([("r", version)])
    assert requests.unstored() == []


def test_what_is_old_and_stored_is_forgotten(journal: Journal, requests: Callbacks) -> None:
    for name in ("kept", "stored", "open"):
        requests.ask(request(name, queue=name))
    requests.close("kept", "", "me", NOW)
    requests.close("stored", "", "me", NOW)
    requests.are_stored([("stored", 2), ("open", 1)])
    journal.forget(NOW + KEEP + SECOND)
    assert requests.one("stored") is None
    assert requests.one("kept") is not None and requests.one("open") is not None


def test_ended_ones_by_account(requests: Callbacks) -> None:
    for at, account in enumerate(("demo", "other", "demo")):
        requests.ask(request(str(at), queue=str(at), account=account))
        requests.close(str(at), "", "me", NOW + at * SECOND)
    assert [found.id for found in requests.ended(2)] == ["2", "1"]
    assert [found.id for found in requests.ended(5, "demo")] == ["2", "0"]


def test_a_clerk_closes_it(file: Path, requests: Callbacks) -> None:
    requests.ask(request())
    assert module.close(file, "r", "called by hand", "clerk", DUE)
    found = one(requests)
    assert (found.ending, found.reason, found.closed_by) == (Ending.WITHDRAWN, "called by hand", "clerk")
    assert not module.close(file, "r", "again", "clerk", DUE)
    assert not module.close(file, "none", "", "clerk", DUE)


def test_closed_while_its_line_rings_he_is_not_called(requests: Callbacks) -> None:
    claimed(requests)
    assert requests.close("r", "", "clerk", DUE)
    assert requests.rings_him("r", LEG, "here", DUE) is None


def locked(file: Path) -> sqlite3.Connection:
    """Somebody holds the file."""
    held = sqlite3.connect(file, isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    return held


def test_while_it_cannot_be_written_nobody_is_told_so_nor_called(file: Path, requests: Callbacks) -> None:
    requests.ask(request("known"))
    with closing(locked(file)), capture_logs():
        assert requests.ask(request("new", queue="other")) is Asked.FAILED
        assert not requests.claim(request("known"), [LEG], ["a"], "here", DUE)
        with pytest.raises(StoreError, match="cannot be written"):
            module.close(file, "known", "", "clerk", DUE)
    assert [asked.id for asked in requests.open()] == ["known"]


def test_an_end_that_cannot_be_written_is_written_later(file: Path, journal: Journal, requests: Callbacks) -> None:
    rung(requests)
    with closing(locked(file)), capture_logs():
        requests.settle("r", LEG, Verdict(Ending.REACHED, DUE, 1), "answered", DUE)
        assert one(requests).stage is Stage.CALLER, "nobody else calls him meanwhile"
    journal.file._not_before = 0.0
    assert journal.file.write_waiting()
    assert one(requests).ending is Ending.REACHED


def test_no_room(journal: Journal, requests: Callbacks) -> None:
    allow_pages(journal, 0)
    with capture_logs():
        asked = [requests.ask(request(str(at), queue=str(at), skill="x" * 4000)) for at in range(9)]
    assert Asked.FAILED in asked
    assert asked.count(Asked.NOTED) == len(requests.open()), "whoever was told is there"


def test_form_3_becomes_form_4_with_what_it_had(file: Path, journals: Callable[..., Journal]) -> None:
    before = journals()
    Waitlist(before.file).sign("a", NOW, signed_in=True)
    before.close()
    with closing(sqlite3.connect(file)) as old:
        old.executescript("DROP TABLE callbacks; PRAGMA user_version=3;")
    reader = Callbacks(journals(reads_only=True).file)
    assert reader.open() == [] and not reader.any_open()
    now = journals()
    requests = Callbacks(now.file)
    assert requests.ask(request()) is Asked.NOTED
    assert Waitlist(now.file).signed_in() == {"a": NOW}
    with closing(sqlite3.connect(file)) as found:
        assert found.execute("PRAGMA user_version").fetchone() == (journal_file.FORM,) == (4,)
    assert reader.open() == [replace(request())]
