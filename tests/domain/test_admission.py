"""Is the call taken? Each rule for itself, and what holds for all of them together."""

from __future__ import annotations

import doctest
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import admission
from appliance.domain.admission import (
    ALONE,
    OVERSEAS,
    Decision,
    Facts,
    Funded,
    Load,
    Rule,
    Step,
    Verdict,
    decide,
    is_vip,
    unlimited,
)
from appliance.domain.calendar import DayKind, Hours, Schedule
from appliance.domain.called import Incoming, Refused
from appliance.domain.credit import Unfunded
from appliance.domain.lists import NumberList
from appliance.domain.numbers import Caller, caller
from appliance.domain.places import Place
from appliance.domain.refusal import ENDINGS, Refusal
from appliance.domain.routing import (
    NO_RULES,
    CallerLimit,
    NumberRoute,
    RoutingTable,
    Rules,
    Treatment,
    Trunk,
)

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)  # a Wednesday, ten in Shanghai
OPEN = Schedule("open", "demo", {day: (Hours(0, 1440),) for day in range(7)}, works_holidays=True)
OFFICE = Schedule("office", "demo", {day: (Hours(540, 1080),) for day in range(5)})
CLOSED = Schedule("closed", "demo", {})
BAD = NumberList("bad", "demo", frozenset({"13811110000", "0512"}))
VIP = NumberList("vip", "demo", frozenset({"13899990000", "13811110000", "withheld"}))
TABLE = RoutingTable(
    1,
    (),
    {},
    {},
    account_max_calls={"demo": 3},
    schedules={one.id: one for one in (OPEN, OFFICE, CLOSED)},
    lists={one.id: one for one in (BAD, VIP)},
)
#: Every rule but the last one, and the reasons for which each may refuse.
REASONS = {
    Rule.NUMBER: {Refusal.OUT_OF_SERVICE},
    Rule.CONCURRENCY: {Refusal.TRUNK_FULL, Refusal.ACCOUNT_FULL, Refusal.NUMBER_FULL},
    Rule.CALL_RATE: {Refusal.CALL_RATE},
    Rule.BLACK_LIST: {Refusal.BLACK_LISTED},
    Rule.FREQUENCY: {Refusal.TOO_FREQUENT},
    Rule.BALANCE: {Refusal.SUSPENDED, Refusal.NO_CREDIT, Refusal.DAILY_CAP},
    Rule.PASSWORD: {Refusal.WRONG_PASSWORD},
    Rule.HOLIDAY: {Refusal.HOLIDAY},
    Rule.SCHEDULE: {Refusal.OUT_OF_HOURS},
    Rule.REGION: {Refusal.REGION},
}
#: What a caller on a white list is never refused for.
SKIPPED_BY_VIPS = {Rule.FREQUENCY, Rule.PASSWORD, Rule.HOLIDAY, Rule.SCHEDULE}

places = st.sampled_from(
    [None, Place("上海", ("上海",)), Place("江苏", ("苏州",)), Place("陕西", ("西安", "咸阳"))]
)
callers = st.sampled_from(
    ["13800138000", "13811110000", "13899990000", "051261234567", "anonymous", "+14155550100", "10086"]
).map(caller)
names = st.lists(st.sampled_from(["上海", "江苏", "江苏/苏州", "咸阳市", "境外"]), max_size=2).map(tuple)
rules = st.builds(
    Rules,
    max_calls=st.integers(0, 2),
    calls_per_minute=st.integers(0, 2),
    black_lists=st.sampled_from([(), ("bad",), ("gone", "bad"), ("gone",)]),
    white_lists=st.sampled_from([(), ("vip",), ("gone", "vip")]),
    caller_limit=st.one_of(st.none(), st.builds(CallerLimit, st.integers(1, 2), st.just(10))),
    passwords=st.sampled_from([frozenset(), frozenset({"1234"}), frozenset({"1234", "567890"})]),
    schedule=st.sampled_from(["", "open", "office", "closed", "gone"]),
    regions_only=names,
    regions_except=names,
)
loads = st.builds(
    Load,
    *[st.integers(1, 4)] * 2,
    st.integers(1, 3),
    *[st.integers(0, 3)] * 2,
    st.sampled_from([None, None, NOW + timedelta(minutes=9)]),
)
calls = st.builds(
    Incoming,
    st.builds(Trunk, st.just("t"), st.just(()), max_calls=st.integers(0, 3)),
    st.builds(
        NumberRoute,
        st.just("4008001234"),
        st.sampled_from(["demo", "other"]),
        in_service=st.sampled_from([True, True, True, False]),
        rules=rules,
    ),
    callers,
)
facts = st.builds(
    lambda kind, place, load, password, fund: asked(kind, place, load, password, fund=fund),
    st.sampled_from(DayKind),
    places,
    loads,
    st.sampled_from([None, "", "1234", "4321"]),
    st.sampled_from([None, None, Funded(60, 1_000_000), Unfunded(Refusal.NO_CREDIT, -5)]),
)


def asked(
    kind: DayKind = DayKind.WORKDAY,
    place: Place | None = None,
    load: Load = ALONE,
    password: str | None = None,
    now: datetime = NOW,
    fund: Funded | Unfunded | None = None,
) -> Facts:
    return Facts(now, lambda day: kind, lambda caller: place, load, password, lambda: fund)


def call(rules: Rules = NO_RULES, number: str = "13800138000", *, channels: int = 0, **route: object) -> Incoming:
    made = NumberRoute("4008001234", "demo", rules=rules, **route)  # type: ignore[arg-type]
    return Incoming(Trunk("t", (), max_calls=channels), made, caller(number))


def step(decision: Decision, rule: Rule) -> Step:
    """The one step of a rule."""
    (found,) = [one for one in decision.trail if one.rule is rule]
    return found


def reason(decision: Decision) -> Refusal | None:
    return decision.refused.reason if decision.refused else None


def test_doctests_and_every_reason_has_an_ending() -> None:
    assert doctest.testmod(admission).failed == 0
    assert set(ENDINGS) == set(Refusal)
    assert {reason for found in REASONS.values() for reason in found} == set(Refusal) - {
        Refusal.UNKNOWN_TRUNK,
        Refusal.UNKNOWN_NUMBER,
    }


@given(calls, facts)
def test_the_trail_names_each_rule_once_and_in_order(incoming: Incoming, known: Facts) -> None:
    rules = [one.rule for one in decide(incoming, TABLE, known).trail]
    assert rules == list(Rule)[: len(rules)], "from the trunk on, none left out, none twice"
    assert rules[0] is Rule.TRUNK


@given(calls, facts)
def test_the_first_refusal_wins_and_nothing_is_asked_after_it(incoming: Incoming, known: Facts) -> None:
    decision = decide(incoming, TABLE, known)
    refusing = [one for one in decision.trail if one.refusal is not None]
    assert [one for one in decision.trail if one.verdict is Verdict.REFUSED] == refusing
    if decision.refused is not None:
        assert refusing == [decision.trail[-1]] and decision.refused.reason is refusing[0].refusal
        assert decision.refused.reason in REASONS[refusing[0].rule]
        assert decision.refused == Refused(
            decision.refused.reason,
            incoming.caller,
            "t",
            "4008001234",
            incoming.route.account,
            " ".join(f"{name}={value}" for name, value in refusing[0].values.items()),
        )
    else:
        assert not refusing
        assert decision.asks is (decision.trail[-1].verdict is Verdict.ASKS)
        assert decision.asks or decision.trail[-1] == Step(Rule.DEFAULT, Verdict.PASSED)


@given(calls, facts)
def test_it_is_decided_at_the_first_rule_that_refuses_the_call_alone(incoming: Incoming, known: Facts) -> None:
    """Each rule asked by itself, over a number that has no other: the earliest of those that refuse has decided."""
    found = decide(incoming, TABLE, known)
    refusing = []
    for rule, kept in ALONE_WITH.items():
        given = incoming.route.rules
        alone = Rules(**{name: getattr(given, name) for name in (*kept, "white_lists")})
        route = replace(
            incoming.route, rules=alone, in_service=incoming.route.in_service or rule is not Rule.NUMBER
        )
        counted = rule is Rule.CONCURRENCY
        paid = known if rule is Rule.BALANCE else replace(known, fund=unlimited)
        trunk = incoming.trunk if counted else replace(incoming.trunk, max_calls=0)
        table = TABLE if counted else replace(TABLE, account_max_calls={})
        decision = decide(Incoming(trunk, route, incoming.caller), table, paid)
        if decision.refused is not None and decision.trail[-1].rule is rule:
            refusing.append((rule, decision.refused))
        elif decision.asks:
            refusing.append((rule, None))
    if refusing:
        assert (found.trail[-1].rule, found.refused) == refusing[0]
    else:
        assert found.refused is None and not found.asks


#: Rule → the fields of a number's rules that it goes by.
ALONE_WITH: dict[Rule, tuple[str, ...]] = {
    Rule.NUMBER: (),
    Rule.CONCURRENCY: ("max_calls",),
    Rule.CALL_RATE: ("calls_per_minute",),
    Rule.BLACK_LIST: ("black_lists",),
    Rule.FREQUENCY: ("caller_limit",),
    Rule.BALANCE: (),
    Rule.PASSWORD: ("passwords",),
    Rule.HOLIDAY: ("schedule",),
    Rule.SCHEDULE: ("schedule",),
    Rule.REGION: ("regions_only", "regions_except"),
}


@given(calls, facts)
def test_a_caller_on_a_white_list_is_not_refused_for_what_it_skips(incoming: Incoming, known: Facts) -> None:
    listed = replace(incoming.route, rules=replace(incoming.route.rules, white_lists=("gone", "vip")))
    for number in ("13899990000", "anonymous"):
        decision = decide(replace(incoming, route=listed, caller=caller(number)), TABLE, known)
        assert not decision.asks
        assert decision.refused is None or decision.trail[-1].rule not in SKIPPED_BY_VIPS
        for one in decision.trail:
            if one.rule in SKIPPED_BY_VIPS:
                assert one.verdict in (Verdict.SKIPPED, Verdict.NONE) and not one.values
        if decision.trail[-1].rule is Rule.DEFAULT:
            assert step(decision, Rule.WHITE_LIST).verdict is Verdict.LISTED


@given(calls, facts)
def test_with_the_right_password_nothing_is_asked_and_the_rest_stays(incoming: Incoming, known: Facts) -> None:
    """A rule that asks ends the decision; what stood before it is the same the second time."""
    first = decide(incoming, TABLE, replace(known, password=None))
    if first.asks:
        again = decide(incoming, TABLE, replace(known, password="1234"))
        assert again.trail[: len(first.trail) - 1] == first.trail[:-1]
        assert again.trail[len(first.trail) - 1] == Step(Rule.PASSWORD, Verdict.PASSED)
        assert not again.asks


@given(callers, loads, places, st.sampled_from(DayKind))
def test_a_number_without_rules_takes_everybody(
    who: Caller, load: Load, place: Place | None, kind: DayKind
) -> None:
    incoming = replace(call(), caller=who)
    decision = decide(incoming, replace(TABLE, account_max_calls={}), asked(kind, place, load))
    assert decision.refused is None and not decision.asks
    assert [one.verdict for one in decision.trail[2:-1]] == [Verdict.NONE] * 10


def test_the_trail_says_what_each_rule_went_by() -> None:
    every = Rules(
        max_calls=5,
        calls_per_minute=5,
        black_lists=("bad",),
        white_lists=("vip",),
        caller_limit=CallerLimit(2, 10),
        passwords=frozenset({"1234"}),
        schedule="office",
        regions_only=("上海",),
    )
    fund = Funded(60, 350_000)
    known = asked(DayKind.WORKDAY, Place("上海", ("上海",)), Load(2, 1, 4, 3, 1), "1234", fund=fund)
    decision = decide(call(every, channels=9), TABLE, known)
    assert decision.refused is None
    assert {one.rule: (one.verdict.value, dict(one.values)) for one in decision.trail} == {
        Rule.TRUNK: ("passed", {"trunk": "t"}),
        Rule.NUMBER: ("passed", {"number": "4008001234"}),
        Rule.CONCURRENCY: ("passed", {"calls": "2/9 1/3 4/5"}),
        Rule.CALL_RATE: ("passed", {"calls": "3", "limit": "5"}),
        Rule.BLACK_LIST: ("passed", {}),
        Rule.WHITE_LIST: ("passed", {}),
        Rule.FREQUENCY: ("passed", {"calls": "1", "limit": "2", "minutes": "10"}),
        Rule.BALANCE: ("passed", {"seconds": "60", "held": "0.35"}),
        Rule.PASSWORD: ("passed", {}),
        Rule.HOLIDAY: ("passed", {"schedule": "office"}),
        Rule.SCHEDULE: ("passed", {"schedule": "office"}),
        Rule.REGION: ("passed", {"place": "上海"}),
        Rule.DEFAULT: ("passed", {}),
    }


def test_a_number_out_of_service() -> None:
    refused = decide(call(Rules(white_lists=("vip",)), "13899990000", in_service=False), TABLE, asked()).refused
    assert refused == Refused(
        Refusal.OUT_OF_SERVICE, caller("13899990000"), "t", "4008001234", "demo", "number=4008001234"
    )


@pytest.mark.parametrize(
    ("load", "expected", "because"),
    [
        (Load(2, 3, 1), None, ""),
        (Load(3, 3, 1), "trunk-full", "calls=3 limit=2"),
        (Load(2, 4, 1), "account-full", "calls=4 limit=3"),
        (Load(2, 3, 2), "number-full", "calls=2 limit=1"),
        (Load(9, 9, 9), "trunk-full", "calls=9 limit=2"),
        (Load(2, 9, 9), "account-full", "calls=9 limit=3"),
    ],
)
def test_calls_at_once(load: Load, expected: str | None, because: str) -> None:
    refused = decide(call(Rules(max_calls=1), channels=2), TABLE, asked(load=load)).refused
    assert (refused and refused.reason.value, refused.because if refused else "") == (expected, because)


@pytest.mark.parametrize(
    ("before", "expected"), [(0, None), (1, None), (2, Refusal.CALL_RATE), (9, Refusal.CALL_RATE)]
)
def test_calls_within_a_minute(before: int, expected: Refusal | None) -> None:
    decision = decide(call(Rules(calls_per_minute=2)), TABLE, asked(load=Load(last_minute=before)))
    assert reason(decision) is expected


@pytest.mark.parametrize(
    ("number", "lists", "expected"),
    [
        ("13811110000", ("bad",), "list=bad entry=13811110000"),
        ("051261234567", ("gone", "bad"), "list=bad entry=0512"),
        ("13811110000", ("vip", "bad"), "list=vip entry=13811110000"),
        ("13811110000", ("gone",), None),
        ("13811110001", ("bad",), None),
        ("anonymous", ("bad",), None),
    ],
)
def test_black_lists(number: str, lists: tuple[str, ...], expected: str | None) -> None:
    decision = decide(call(Rules(black_lists=lists), number), TABLE, asked())
    assert (decision.refused.because if decision.refused else None) == expected
    assert step(decision, Rule.BLACK_LIST).verdict is (Verdict.REFUSED if expected else Verdict.PASSED)


def test_who_is_on_both_lists_is_refused() -> None:
    decision = decide(call(Rules(black_lists=("bad",), white_lists=("vip",)), "13811110000"), TABLE, asked())
    assert reason(decision) is Refusal.BLACK_LISTED
    assert decision.trail[-1].rule is Rule.BLACK_LIST


def test_a_white_list_names_its_entry_and_refuses_nobody() -> None:
    rules = Rules(white_lists=("gone", "vip"))
    assert step(decide(call(rules, "anonymous"), TABLE, asked()), Rule.WHITE_LIST) == Step(
        Rule.WHITE_LIST, Verdict.LISTED, {"list": "vip", "entry": "withheld"}
    )
    other = decide(call(rules), TABLE, asked())
    assert other.refused is None and step(other, Rule.WHITE_LIST).verdict is Verdict.PASSED


def test_what_a_number_does_not_ask_is_not_said_to_be_skipped() -> None:
    decision = decide(call(Rules(white_lists=("vip",), passwords=frozenset({"1"})), "13899990000"), TABLE, asked())
    assert {rule: step(decision, rule).verdict for rule in SKIPPED_BY_VIPS} == {
        Rule.FREQUENCY: Verdict.NONE,
        Rule.PASSWORD: Verdict.SKIPPED,
        Rule.HOLIDAY: Verdict.NONE,
        Rule.SCHEDULE: Verdict.NONE,
    }


@pytest.mark.parametrize(
    ("number", "before", "verdict"),
    [
        ("13800138000", 0, "passed"),
        ("13800138000", 1, "passed"),
        ("13800138000", 2, "refused"),
        ("10086", 2, "refused"),
        ("anonymous", 99, "not-concerned"),
    ],
)
def test_calls_of_one_caller(number: str, before: int, verdict: str) -> None:
    incoming = call(Rules(caller_limit=CallerLimit(2, 10)), number)
    decision = decide(incoming, TABLE, asked(load=Load(by_caller=before)))
    assert step(decision, Rule.FREQUENCY).verdict == verdict
    assert reason(decision) is (Refusal.TOO_FREQUENT if verdict == "refused" else None)


@pytest.mark.parametrize(
    ("keyed", "expected"),
    [
        ("1234", None),
        ("567890", None),
        ("", "wrong-password"),
        ("12345", "wrong-password"),
        ("123", "wrong-password"),
    ],
)
def test_passwords(keyed: str, expected: str | None) -> None:
    incoming = call(Rules(passwords=frozenset({"1234", "567890"})))
    assert decide(incoming, TABLE, asked()) == Decision(
        (
            *decide(incoming, TABLE, asked(password="1234")).trail[: list(Rule).index(Rule.PASSWORD)],
            Step(Rule.PASSWORD, Verdict.ASKS),
        ),
        asks=True,
    )
    decision = decide(incoming, TABLE, asked(password=keyed))
    assert not decision.asks and reason(decision) == expected
    # Nobody may read passwords, or what was keyed, out of a record.
    assert not step(decision, Rule.PASSWORD).values


@pytest.mark.parametrize(
    ("schedule", "kind", "hour", "expected"),
    [
        ("office", "workday", 10, None),
        ("office", "workday", 18, "out-of-hours"),
        ("office", "holiday", 10, "holiday"),
        ("office", "holiday", 18, "holiday"),
        ("office", "makeup", 10, None),
        ("closed", "workday", 10, "out-of-hours"),
        ("closed", "holiday", 10, "holiday"),
        ("open", "holiday", 3, None),
        ("gone", "holiday", 3, None),
        ("", "holiday", 3, None),
    ],
)
def test_holidays_and_hours(schedule: str, kind: str, hour: int, expected: str | None) -> None:
    now = datetime.fromisoformat(f"2026-11-25T{hour:02}:00:00+08:00")
    decision = decide(call(Rules(schedule=schedule)), TABLE, asked(DayKind(kind), now=now))
    assert reason(decision) == expected
    assert decision.refused is None or decision.refused.because == f"schedule={schedule}"


@pytest.mark.parametrize(
    ("only", "other_than", "number", "place", "refused"),
    [
        (("上海",), (), "13800138000", Place("上海", ("上海",)), False),
        (("上海",), (), "13800138000", Place("江苏", ("苏州",)), True),
        (("上海", "江苏/苏州"), (), "13800138000", Place("江苏", ("苏州",)), False),
        (("江苏",), ("苏州",), "13800138000", Place("江苏", ("苏州",)), True),
        (("江苏",), ("苏州",), "13800138000", Place("江苏", ("无锡",)), False),
        ((), ("江苏",), "13800138000", Place("江苏"), True),
        ((), ("江苏",), "13800138000", None, False),
        (("上海",), (), "13800138000", None, False),
        (("上海",), (), "anonymous", None, False),
        (("上海",), (), "+14155550100", None, True),
        (("上海", "境外"), (), "+14155550100", None, False),
        ((), ("境外",), "+14155550100", Place("上海", ("上海",)), True),
        ((), ("咸阳",), "02961234567", Place("陕西", ("西安", "咸阳")), True),
    ],
)
def test_regions(
    only: tuple[str, ...], other_than: tuple[str, ...], number: str, place: Place | None, refused: bool
) -> None:
    decision = decide(call(Rules(regions_only=only, regions_except=other_than), number), TABLE, asked(place=place))
    assert reason(decision) is (Refusal.REGION if refused else None)
    seen = OVERSEAS if number.startswith("+") else place
    assert dict(step(decision, Rule.REGION).values) == ({} if seen is None else {"place": str(seen)})


def test_nobody_asks_where_an_overseas_caller_or_one_of_a_number_without_regions_is() -> None:
    def unasked(who: Caller) -> Place | None:
        raise AssertionError(who)

    def any_day(day: date) -> DayKind:
        raise AssertionError(day)

    plain = Facts(NOW, any_day, unasked)
    assert decide(call(), TABLE, plain).refused is None
    assert reason(decide(call(Rules(regions_only=("上海",)), "+14155550100"), TABLE, plain)) is Refusal.REGION


def test_who_is_locked_out_for_wrong_passwords_is_not_asked() -> None:
    """Four digits would be found within an hour else."""
    incoming = call(Rules(passwords=frozenset({"1234"})))
    assert decide(incoming, TABLE, asked(password=None)).asks
    until = NOW.astimezone(UTC) + timedelta(minutes=15)
    none_left = decide(incoming, TABLE, asked(load=Load(password_locked_until=until), password=None))
    assert not none_left.asks and reason(none_left) is Refusal.WRONG_PASSWORD
    assert none_left.refused is not None and none_left.refused.because == "locked_until=2026-11-25T10:15:00+08:00"


@pytest.mark.parametrize(("number", "vip"), [("13899990000", True), ("anonymous", True), ("13800138000", False)])
def test_who_is_on_a_white_list_of_the_number_is_a_vip(number: str, vip: bool) -> None:
    assert is_vip(call(Rules(white_lists=("vip",)), number), TABLE) is vip
    assert not is_vip(call(Rules(white_lists=("gone",)), number), TABLE)


@pytest.mark.parametrize("caller_of", ["13800138000", "13899990000"])
def test_a_caller_on_a_white_list_is_paid_for_as_any_other(caller_of: str) -> None:
    rules = Rules(white_lists=("vip",), caller_limit=CallerLimit(9, 10))
    held = decide(call(rules, caller_of), TABLE, asked(fund=Funded(60, 1_500_000)))
    assert held.refused is None
    assert step(held, Rule.BALANCE) == Step(Rule.BALANCE, Verdict.PASSED, {"seconds": "60", "held": "1.50"})
    refused = decide(call(rules, caller_of), TABLE, asked(fund=Unfunded(Refusal.SUSPENDED, 0)))
    assert reason(refused) is Refusal.SUSPENDED
    assert step(refused, Rule.BALANCE).values == {"left": "0.00"}


def test_money_is_asked_for_only_when_no_rule_before_refuses() -> None:
    def never() -> None:
        raise AssertionError("money held for a call that is refused")

    known = replace(asked(load=Load(by_caller=1)), fund=never)
    assert reason(decide(call(Rules(caller_limit=CallerLimit(1, 10))), TABLE, known)) is Refusal.TOO_FREQUENT


def test_for_want_of_money_nobody_is_answered() -> None:
    treated = Treatment("own", answer=True, flow=None)
    rules = Rules(treatments={Refusal.NO_CREDIT: treated, Refusal.HOLIDAY: treated})
    assert (rules.treatment(Refusal.NO_CREDIT), rules.treatment(Refusal.HOLIDAY)) == (Treatment("own"), treated)
    assert (treated.answers, Treatment("own").answers) == (True, False)
