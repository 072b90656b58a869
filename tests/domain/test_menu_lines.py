"""What is asked: attempts and exits. Lines: order, how they are reached, and the cause when all fail."""

from __future__ import annotations

import doctest
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.domain import lines
from appliance.domain.flow import Collect, Dial, Menu, Survey, exits_of
from appliance.domain.lines import cause_when_all_failed, targets_for
from appliance.domain.menu import AskAgain, Asking, Chosen, after_answer, keys_asked
from appliance.domain.numbers import WITHHELD, Caller, CallerKind, NumberFormat
from appliance.domain.outcome import Disposition, Tried
from appliance.domain.routing import CallerIdPolicy, Line, RoutingTable, Trunk
from appliance.domain.talk import LONGEST_EXTENSION

MENU = Menu("ask", {"1": "sales"}, "quiet", "lost", attempts=2, silence_prompt="no-key", wrong_prompt="wrong-key")
COLLECT = Collect(
    *("ask", "card", "on", "quiet", "lost"),
    least=4,
    most=6,
    attempts=2,
    silence_prompt="no-key",
    wrong_prompt="wrong-key",
)
SURVEY = Survey("ask", "15*", "on", attempts=2, thanks="thanks")
TRUNK = Trunk("t", ("10.0.0.1",), "10.0.0.1:5060", number_format=NumberFormat.PLUS_86, caller_number="02160000000")
LINE = Line("a", "demo", "02161234567", "t", 3, 20)
CALLER = Caller("13800138000", CallerKind.MOBILE)
TABLE = RoutingTable(1, (TRUNK,), {"a": LINE, "b": replace(LINE, id="b")}, {})


@pytest.mark.parametrize(
    ("node", "attempt", "keys", "expected"),
    [
        (MENU, 1, "1", Chosen("keys.1", "1")),
        (MENU, 2, "1", Chosen("keys.1", "1")),
        (MENU, 1, "9", AskAgain("wrong-key")),
        (MENU, 1, "11", AskAgain("wrong-key")),
        (MENU, 1, "", AskAgain("no-key")),
        (MENU, 2, "9", Chosen("wrong")),
        (MENU, 2, "", Chosen("silence")),
        (MENU, 3, "", Chosen("silence")),
        (COLLECT, 1, "1234", Chosen("next", "1234")),
        (COLLECT, 2, "000000", Chosen("next", "000000")),
        (COLLECT, 1, "123", AskAgain("wrong-key")),
        (COLLECT, 1, "1234567", AskAgain("wrong-key")),
        # Of digits alone: a star, and signs that are digits elsewhere, are none.
        (COLLECT, 1, "12*4", AskAgain("wrong-key")),
        (COLLECT, 1, "１２３４", AskAgain("wrong-key")),
        (COLLECT, 1, "", AskAgain("no-key")),
        (COLLECT, 2, "12#4", Chosen("wrong")),
        (COLLECT, 2, "", Chosen("silence")),
        (Collect("ask", "v", "on", "quiet", "lost"), 1, "7", Chosen("next", "7")),
        (Collect("ask", "v", "on", "quiet", "lost"), 1, "7" * 20, Chosen("next", "7" * 20)),
        (Collect("ask", "v", "on", "quiet", "lost"), 3, "7" * 21, Chosen("wrong")),
        (SURVEY, 1, "1", Chosen("next", "1")),
        (SURVEY, 2, "*", Chosen("next", "*")),
        (SURVEY, 1, "2", AskAgain("")),
        (SURVEY, 1, "15", AskAgain("")),
        (SURVEY, 1, "", AskAgain("")),
        # Whatever came of it, the call goes on; what was no mark is not kept as one.
        (SURVEY, 2, "2", Chosen("next")),
        (SURVEY, 2, "", Chosen("next")),
    ],
)
def test_what_follows_an_answer(node: Asking, attempt: int, keys: str, expected: Chosen | AskAgain) -> None:
    assert after_answer(node, attempt, keys) == expected


@pytest.mark.parametrize("node", [MENU, COLLECT, SURVEY])
def test_each_answer_leads_to_an_exit_of_the_node(node: Asking) -> None:
    taken = [after_answer(node, 2, keys) for keys in ("", "1", "9", "12345", "*")]
    assert {one.exit for one in taken if isinstance(one, Chosen)} == set(exits_of(node))


def test_how_many_keys_are_taken() -> None:
    assert [keys_asked(node) for node in (MENU, COLLECT, SURVEY)] == [1, 6, 1]
    assert keys_asked(Dial("ask", "quiet", "lost")) == LONGEST_EXTENSION


def test_doctests() -> None:
    assert doctest.testmod(lines).failed == 0


def test_the_caller_stands_in_diversion_where_the_trunk_does_not_pass_it() -> None:
    (target,) = targets_for(LINE, CALLER, TABLE)
    assert (target.number, target.proxy) == ("+862161234567", "10.0.0.1:5060")
    assert (target.caller_number, target.diversion) == ("02160000000", "+8613800138000")
    assert (target.max_calls, target.ring_seconds) == (3, 20)


def test_the_caller_stands_in_the_name_and_the_areas_own_lines_have_no_code() -> None:
    local = replace(TRUNK, caller_id=CallerIdPolicy.DISPLAY, number_format=NumberFormat.LOCAL)
    (target,) = targets_for(LINE, CALLER, replace(TABLE, trunks=(local,)))
    assert (target.number, target.caller_number) == ("61234567", "02160000000")
    assert (target.display, target.diversion) == ("13800138000", "")
    elsewhere = replace(LINE, number="051261234567")
    assert targets_for(elsewhere, CALLER, replace(TABLE, trunks=(local,)))[0].number == "051261234567"
    # Without a landline of its own it has no area; the site file is refused for that.
    lost = replace(local, caller_number="13800138001")
    assert targets_for(LINE, CALLER, replace(TABLE, trunks=(lost,)))[0].number == "02161234567"
    (withheld,) = targets_for(LINE, WITHHELD, replace(TABLE, trunks=(local,)))
    assert withheld.display == ""


def test_the_caller_is_shown_where_the_trunk_passes_it() -> None:
    table = replace(TABLE, trunks=(replace(TRUNK, caller_id=CallerIdPolicy.PASS),))
    (target,) = targets_for(LINE, CALLER, table)
    assert (target.caller_number, target.diversion) == ("+8613800138000", "")
    (withheld,) = targets_for(LINE, WITHHELD, table)
    assert (withheld.caller_number, withheld.diversion) == ("", "")


@pytest.mark.parametrize("number", ["4008005678", "04008005678", "864008005678"])
@pytest.mark.parametrize("trunks_own", ["02160000000", ""])
def test_a_400_number_is_never_the_calling_one(number: str, trunks_own: str) -> None:
    trunk = replace(TRUNK, caller_id=CallerIdPolicy.PASS, caller_number=trunks_own)
    (target,) = targets_for(LINE, Caller(number, CallerKind.UNKNOWN), replace(TABLE, trunks=(trunk,)))
    assert (target.caller_number, target.diversion, target.display) == (trunks_own, "", "")


@pytest.mark.parametrize("trunks", [(), (replace(TRUNK, proxy=""),)])
def test_a_line_without_a_way_to_it(trunks: tuple[Trunk, ...]) -> None:
    assert targets_for(LINE, CALLER, replace(TABLE, trunks=trunks)) == []


def test_a_line_is_reached_by_its_own_trunk_and_then_by_its_backups() -> None:
    second = replace(TRUNK, id="second", number_format=NumberFormat.NATIONAL, codecs=("PCMU",))
    line = replace(LINE, backups=("gone", "t", "second"), confirm=True)
    table = replace(TABLE, trunks=(TRUNK, second))
    own, backup = targets_for(line, CALLER, table, Path("/prompts/whisper.wav"))
    assert (own.trunk, own.number, backup.trunk, backup.number) == ("t", "+862161234567", "second", "02161234567")
    assert (backup.codecs, backup.confirm, backup.whisper) == (("PCMU",), True, Path("/prompts/whisper.wav"))


def test_a_line_that_is_switched_off_is_nobody_there() -> None:
    assert cause_when_all_failed([Tried("a", Disposition.OFF, "")]) == "NORMAL_TEMPORARY_FAILURE"


@pytest.mark.parametrize(
    ("dispositions", "cause"),
    [
        (["busy"], "USER_BUSY"),
        (["full", "busy"], "USER_BUSY"),
        (["busy", "no-answer"], "NO_ANSWER"),
        (["rejected"], "CALL_REJECTED"),
        (["rejected", "busy"], "USER_BUSY"),
        (["not-existing", "busy"], "USER_BUSY"),
        (["not-existing"], "NORMAL_TEMPORARY_FAILURE"),
        (["unreachable", "not-existing"], "NORMAL_TEMPORARY_FAILURE"),
        ([], "NORMAL_TEMPORARY_FAILURE"),
    ],
)
def test_cause_when_all_failed(dispositions: list[str], cause: str) -> None:
    assert cause_when_all_failed([Tried("x", Disposition(one), "") for one in dispositions]) == cause
