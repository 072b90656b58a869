"""Keys in a talk, talks of a call, and what a carrier means by how a try ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.domain.cdr import Leg, Role, read_leg
from appliance.domain.cdr_call import derive_call
from appliance.domain.hunt import Hunt, LineUse, Skip, Uses, choose
from appliance.domain.lines import media_terms, targets_for
from appliance.domain.numbers import caller
from appliance.domain.outcome import Disposition, Way, as_announced, disposition, read_causes
from appliance.domain.routing import DtmfMode, Line, Registration, RoutingTable, Trunk
from appliance.domain.talk import NO_KEYS, TalkKey, TalkKeys, line_of_extension
from appliance.domain.talks import talks_of, together_ms
from tests.domain.test_hunt import workday

NOW = datetime(2026, 11, 25, 10, tzinfo=UTC)
TRUNK = Trunk("t", (), "192.0.2.7:5060", caller_number="02180000000")


def line(name: str, **fields: object) -> Line:
    return Line(name, "demo", "02160000001", "t", **fields)  # type: ignore[arg-type]


def table(*lines: Line, trunk: Trunk = TRUNK) -> RoutingTable:
    return RoutingTable(1, (trunk,), {one.id: one for one in lines}, {})


def leg(name: str, begins: float, joined: float | None, ends: float, **facts: str) -> Leg:
    at = NOW + timedelta(seconds=begins)
    bridged = None if joined is None else NOW + timedelta(seconds=joined)
    until = NOW + timedelta(seconds=ends)
    role = Role.CALLER if name == "caller" else Role.LINE
    return Leg(name, "caller", role, at, bridged, bridged, until, "NORMAL_CLEARING", {"gw_line": name, **facts})


CALLER = leg("caller", 0, 2, 60, gw_line="first", bridge_uuid="second")


def test_keys_are_those_that_have_a_digit() -> None:
    assert not NO_KEYS and list(NO_KEYS) == []
    assert list(TalkKeys(hold="1", pause="5")) == [(TalkKey.HOLD, "1"), (TalkKey.PAUSE, "5")]


@pytest.mark.parametrize(
    ("keyed", "found"), [("802", "b"), ("801", None), ("809", None), ("8", None), ("80*", None), ("888", None)]
)
def test_an_extension_leads_to_another_line_of_the_account(keyed: str, found: str | None) -> None:
    stranger = replace(line("c", extension="809"), account="other")
    known = table(line("a", extension="801"), line("b", extension="802"), stranger)
    led = line_of_extension(keyed, "demo", "a", known)
    assert (led.id if led else None) == found


def test_talks_follow_one_another_where_a_caller_is_sent_on() -> None:
    first, second = leg("first", 1, 2, 20), leg("second", 20, 25, 60)
    call = derive_call(CALLER, [second, first])
    assert call.talks == "first=18000;second=35000"
    assert call.bridged_ms == 53000 and call.line_id == "second"
    assert call.tried == "first=answered;second=answered"


def test_a_line_that_was_only_asked_did_not_talk() -> None:
    first = leg("first", 1, 2, 60)
    asked = leg("asked", 5, 8, 20, originator="first")
    assert [one.leg.uuid for one in talks_of(CALLER, [first, asked])] == ["first"]
    handed = replace(asked, ended_at=NOW + timedelta(seconds=60))
    left = replace(first, ended_at=NOW + timedelta(seconds=30))
    talks = talks_of(CALLER, [left, handed])
    assert [one.lasted_ms for one in talks] == [28000, 30000] and together_ms(talks) == 58000


@pytest.mark.parametrize(
    ("joined", "since"),
    [
        (4.0, 4.0),
        # The caller's leg was joined by the switch anew, or its bridge is not known.
        (30.0, 1.0),
        (None, 1.0),
    ],
)
def test_a_line_that_asked_another_has_talked_since_it_was_joined(joined: float | None, since: float) -> None:
    """Its leg's bridge is the one to the line that it asked."""
    caller = replace(CALLER, bridged_at=None if joined is None else NOW + timedelta(seconds=joined))
    first = replace(leg("first", 0, 8, 30), answered_at=NOW + timedelta(seconds=1))
    handed = leg("second", 5, 8, 60, originator="first")
    talks = talks_of(caller, [first, handed])
    assert [one.lasted_ms for one in talks] == [(30 - since) * 1000, 30000]
    assert together_ms(talks) == derive_call(caller, [first, handed]).bridged_ms == (60 - since) * 1000


def test_who_is_joined_by_three_talks_from_the_asking_on() -> None:
    first = leg("first", 1, 2, 60)
    third = leg("third", 5, 8, 60, originator="first", current_application="three_way")
    talks = talks_of(CALLER, [first, third])
    assert [one.lasted_ms for one in talks] == [58000, 52000] and together_ms(talks) == 58000


def test_a_line_that_never_answered_did_not_talk() -> None:
    assert talks_of(CALLER, [leg("first", 1, None, 20)]) == []


def test_tried_lines_without_a_leg_and_those_that_failed_between_talks() -> None:
    legs = [leg("first", 1, 2, 20), leg("busy", 20, None, 21), leg("again", 21, 22, 60)]
    legs[1] = replace(legs[1], hangup_cause="USER_BUSY")
    told = replace(CALLER, facts={**CALLER.facts, "gw_tried": "full=full;busy=off", "bridge_uuid": "again"})
    assert derive_call(told, legs).tried == "full=full;first=answered;busy=off;again=answered"
    untold = replace(CALLER, facts={**CALLER.facts, "bridge_uuid": "again"})
    assert derive_call(untold, legs).tried == "first=answered;busy=busy;again=answered"


@pytest.mark.parametrize(
    ("told", "facts", "role", "call"),
    [
        (Role.LINE, {"direction": "inbound"}, Role.CALLER, "u"),
        (Role.CALLER, {"direction": "outbound", "gw_call": "c"}, Role.LINE, "c"),
        (Role.CALLER, {"direction": "outbound"}, Role.CALLER, "u"),
        (Role.LINE, {"direction": "outbound", "originator": "b", "gw_call": "c"}, Role.LINE, "c"),
    ],
)
def test_whose_leg_it_is_whatever_its_file_is_called(
    told: Role, facts: dict[str, str], role: Role, call: str
) -> None:
    times = {f"{name}_uepoch": "1795777553717007" for name in ("start", "end")}
    read = read_leg({"uuid": "u", **times, **facts}, told)
    assert isinstance(read, Leg) and (read.role, read.call_uuid) == (role, call)


def test_a_phone_rings_where_it_is_registered_and_nowhere_else() -> None:
    desk = replace(line("desk", is_phone=True), number="", trunk="")
    known = table(desk)
    import random

    def chosen(uses: Uses) -> tuple[int, dict[str, Skip]]:
        choice = choose(Hunt(("desk",)), known, uses, NOW, workday, random.Random(0))
        return len(choice.rounds), dict(choice.skipped)

    assert chosen(Uses()) == (0, {"desk": Skip.UNREGISTERED})
    assert chosen(Uses({"desk": LineUse(registered=True)})) == (1, {})
    (target,) = targets_for(desk, caller("13800138000"), known)
    assert (target.way, target.number, target.caller_number) == (Way.PHONE, "desk", "13800138000")


def test_a_trunk_that_registers_is_reached_by_its_name() -> None:
    trunk = replace(TRUNK, registration=Registration("u"), dtmf=DtmfMode.INFO, media_timeout_seconds=9)
    (target,) = targets_for(line("a"), caller("13800138000"), table(trunk=trunk), keys=TalkKeys(hold="1"))
    assert (target.way, target.trunk, target.media) == (Way.REGISTERED, "t", media_terms(trunk))
    assert target.keys.hold == "1" and trunk.is_watched and not trunk.is_pinged


def test_a_reason_goes_before_a_status() -> None:
    causes = read_causes({"480": "busy", "q850:20": "off"})
    assert disposition("SUBSCRIBER_ABSENT", "480", causes) is Disposition.OFF
    assert disposition("NO_USER_RESPONSE", "480", causes) is Disposition.BUSY


@pytest.mark.parametrize(
    ("found", "announced", "spoke", "rang", "meant"),
    [
        (Disposition.NO_ANSWER, Disposition.OFF, True, False, Disposition.OFF),
        (Disposition.NO_ANSWER, Disposition.OFF, True, True, Disposition.NO_ANSWER),
        (Disposition.NO_ANSWER, Disposition.OFF, False, False, Disposition.NO_ANSWER),
        (Disposition.NO_ANSWER, None, True, False, Disposition.NO_ANSWER),
        (Disposition.BUSY, Disposition.OFF, True, False, Disposition.BUSY),
    ],
)
def test_what_an_announcement_means(
    found: Disposition, announced: Disposition | None, spoke: bool, rang: bool, meant: Disposition
) -> None:
    assert as_announced(found, announced, spoke=spoke, rang=rang) is meant
