"""What may be sent to the switch: the lists allow what is meant, and nothing that is syntax."""

from __future__ import annotations

import doctest
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import UnsafeArgument
from appliance.switch import dialling, escape, waiting, wire
from appliance.switch.leg import Target

#: Characters that FreeSWITCH reads as syntax somewhere: an argument that passes holds none of them.
SYNTAX = set(" \n\r\t\x00\x85\u2028\u2029${}[]<>,|^'\"\\`;&()=!?%")
anything = st.text(max_size=60)
almost_good = st.one_of(anything, st.sampled_from(["4001234567", "127.0.0.1:5060"]))
texts = [escape.number, escape.identifier, escape.host_port, escape.cause, escape.variable]


def passes(check: Callable[[str], str], written: str) -> bool:
    try:
        assert check(written) == written
    except UnsafeArgument:
        return False
    return True


@pytest.mark.parametrize("module", [escape, dialling, waiting, wire])
def test_the_examples_hold(module: object) -> None:
    assert doctest.testmod(module, optionflags=doctest.IGNORE_EXCEPTION_DETAIL).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("check", texts)
@given(written=anything)
def test_what_passes_holds_no_syntax(check: Callable[[str], str], written: str) -> None:
    if passes(check, written):
        assert not SYNTAX & set(written)
        assert written.isascii() and written


@pytest.mark.parametrize("check", texts)
@pytest.mark.parametrize("tail", ["\n", "\r", " ", "\x00", "\u2028", "${x}", ",b", "|b", "\n\nexit"])
def test_nothing_may_hang_behind(check: Callable[[str], str], tail: str) -> None:
    good = {
        escape.number: "13800138000",
        escape.identifier: "line-1",
        escape.host_port: "127.0.0.1:5060",
        escape.cause: "USER_BUSY",
        escape.variable: "gw_number",
    }[check]
    assert passes(check, good)
    assert not passes(check, good + tail)
    assert not passes(check, tail + good)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (escape.number, ["4008001234", "+8613800138000", "*98", "12#"], ["", "1", "12", "+", "1" * 25, "１２３４"]),
        (escape.identifier, ["a", "A.b_c-9", "x" * 40], ["", "x" * 41, "é", "a b"]),
        (
            escape.host_port,
            ["10.0.0.1:5060", "sip.carrier.example:1", "a:65535"],
            ["10.0.0.1", ":5060", "a:", "a:0", "a:65536", "a..b:1", "-a:1", "[::1]:5060", "a@b:1", "a:b:1"],
        ),
        (escape.cause, ["NORMAL_CLEARING", "USER_BUSY"], ["", "x", "normal_clearing", "A" * 60]),
        (escape.variable, ["gw_number", "RECORD_STEREO"], ["", "1a", "a-b", "a" * 65, "a=b"]),
        (escape.event_name, ["CHANNEL_ANSWER", "sofia::register"], ["", "A B", "A\nB"]),
        (escape.password, ["a", "!x~"], ["", "a b", "a\nb", "é"]),
        (
            escape.api_command,
            ["status", "limit_usage hash line a", "uuid_kill a NORMAL_CLEARING"],
            ["", "status\n\napi system id", "expand ${x}", "a\\b", "a'b"],
        ),
    ],
)
def test_what_is_meant_passes(check: Callable[[str], str], good: list[str], bad: list[str]) -> None:
    assert [written for written in good if not passes(check, written)] == []
    assert [written for written in bad if passes(check, written)] == []


@given(anything)
def test_paths_stay_below_their_folder(written: str) -> None:
    root = Path("/srv/prompts")
    for path in (Path(written), root / written):
        try:
            sent = escape.media_path(path, root)
        except UnsafeArgument:
            continue
        assert sent.startswith("/srv/prompts/") and ".." not in sent
        assert not SYNTAX & set(sent)


def test_paths_below_any_of_several_folders() -> None:
    roots = (Path("/srv/a"), Path("/srv/b"))
    assert escape.media_path(Path("/srv/b/x/1.wav"), *roots) == "/srv/b/x/1.wav"
    for refused in (
        "/srv/c/1.wav",
        "/srv/a",
        "/srv/ab/1.wav",
        "srv/a/1.wav",
        "/srv/a/.hidden",
        "/srv/a/" + "x" * 300,
    ):
        with pytest.raises(UnsafeArgument):
            escape.media_path(Path(refused), *roots)
    with pytest.raises(UnsafeArgument):
        escape.media_path(Path("/srv/a/1.wav"))


def split_as_the_switch(argument: str) -> dict[str, str]:
    """``multiset``'s own reading of an argument that holds neither quotes nor backslashes."""
    assert argument.startswith("^^")
    pairs = argument[3:].split(argument[2])
    return dict(pair.strip(" ").split("=", 1) for pair in pairs)


@given(st.dictionaries(st.from_regex(r"gw_[a-z]{1,8}", fullmatch=True), anything, min_size=1, max_size=6))
def test_the_switch_reads_back_what_was_set(variables: dict[str, str]) -> None:
    try:
        argument = escape.multiset(variables)
    except UnsafeArgument:
        assert any(not passes(escape.value, written) for written in variables.values())
        return
    assert split_as_the_switch(argument) == variables
    assert not re.search(r"[\n\r\x00\x85\u2028\u2029$'\"\\]", argument)


@given(anything)
def test_values_hold_nothing_unseen(written: str) -> None:
    if passes(escape.value, written):
        assert all(unicodedata.category(character)[0] not in "C" for character in written)
        assert "$" not in written and written == written.strip()


def test_values_use_up_every_delimiter() -> None:
    assert split_as_the_switch(escape.multiset({"a": ";|~!@&", "b": "x"})) == {"a": ";|~!@&", "b": "x"}


@pytest.mark.parametrize("count", [0, 201])
def test_a_multiset_of_none_or_of_too_many(count: int) -> None:
    with pytest.raises(UnsafeArgument):
        escape.multiset({f"v{index}": "1" for index in range(count)})


@given(
    line=almost_good,
    number=almost_good,
    proxy=almost_good,
    diversion=almost_good,
    ring_seconds=st.integers(-5, 700),
    max_calls=st.integers(-5, 20000),
    trunk=almost_good,
    trunk_max_calls=st.integers(-1, 3),
)
def test_a_dial_string_holds_only_our_syntax(
    line: str,
    number: str,
    proxy: str,
    diversion: str,
    ring_seconds: int,
    max_calls: int,
    trunk: str,
    trunk_max_calls: int,
) -> None:
    target = Target(
        line,
        number,
        proxy,
        ring_seconds,
        max_calls,
        diversion=diversion,
        trunk=trunk,
        trunk_max_calls=trunk_max_calls,
    )
    try:
        application, argument = dialling.ringing([target])
    except UnsafeArgument:
        return
    hosts = re.escape(proxy)
    shown = ",origination_caller_id_number=anonymous,origination_caller_id_name=anonymous"
    diverted = rf",sip_h_Diversion=<sip:{re.escape(diversion)}@{hosts}>;reason=unconditional" if diversion else ""
    channel = (
        ",limit_ignore_transfer=true,execute_on_originate_0="
        rf"limit hash trunk {re.escape(trunk)} {trunk_max_calls} !NORMAL_CIRCUIT_CONGESTION"
    )
    held = channel if trunk_max_calls else ""
    outward = rf",gw_outward={re.escape(trunk)}" if trunk else ""
    slot = rf"hash line {re.escape(line)} {max_calls} bridge " if max_calls else ""
    assert application == ("limit_execute" if max_calls else "bridge")
    assert re.fullmatch(
        rf"{slot}"
        rf"\{{ignore_early_media=true,originate_timeout={ring_seconds + 60}\}}"
        rf"\[leg_timeout={ring_seconds}{shown}{diverted},sip_h_Privacy=id{outward}{held}\]"
        rf"sofia/gateway400/{re.escape(number)}@{hosts}",
        argument,
    )


def test_no_long_value_is_remembered() -> None:
    """Thousands of packed facts would hold a hundred megabytes."""

    def kept_of(length: int) -> int:
        before = escape._short_value.cache_info().currsize
        for letter in "abc":
            assert escape.value(letter * length, escape.MAX_PACKED) == letter * length
        return escape._short_value.cache_info().currsize - before

    escape._short_value.cache_clear()
    assert (kept_of(257), kept_of(escape.MAX_PACKED), kept_of(256)) == (0, 0, 3)
    with pytest.raises(UnsafeArgument):
        escape.value("a" * 300 + "$", escape.MAX_PACKED)
