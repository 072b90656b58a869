"""Short orders: lines are counted, legs are woken, and the connection comes and goes with what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from appliance.errors import SwitchError, SwitchGone, UnsafeArgument
from appliance.switch import orders as module
from appliance.switch.client import Client
from appliance.switch.orders import Orders
from tests.switch.scripted_switch import UUID, ScriptedSwitch, outcome
from tests.switch.test_client import ACCEPTED, INVALID, Listening

PROMPTS = Path("/srv/prompts")


@pytest.fixture
def listening() -> Iterator[Listening]:
    far = Listening()
    yield far
    far.close()


@pytest.fixture
def orders(listening: Listening) -> Iterator[Orders]:
    made = Orders(lambda: Client("127.0.0.1", listening.port, "secret", 1.0), [PROMPTS])
    yield made
    made.close()


def wanted(act: Callable[[], object], listening: Listening) -> tuple[gevent.Greenlet[..., object], ScriptedSwitch]:
    """Want something for which a connection has to be made; the switch's end of it."""
    taking = gevent.spawn(listening.take, ACCEPTED)
    asking = gevent.spawn(act)
    return asking, taking.get(timeout=2)


def test_nothing_is_connected_before_something_is_wanted(orders: Orders, listening: Listening) -> None:
    listening.listener.settimeout(0.1)
    orders.rest()
    with pytest.raises(TimeoutError):
        listening.listener.accept()


def test_lines_are_counted_all_at_once(orders: Orders, listening: Listening) -> None:
    asking, switch = wanted(lambda: orders.usage(["a", "b", "c"]), listening)
    # All are asked before the first is answered.
    assert switch.commands(3) == [f"api limit_usage hash line {line}" for line in "abc"]
    for count in ("0", "2", "17\n"):
        switch.api(count)
    assert outcome(asking) == {"a": 0, "b": 2, "c": 17}


def test_no_lines_are_no_question(orders: Orders) -> None:
    assert orders.usage([]) == {}


@pytest.mark.parametrize("said", ["-ERR no such command\n", "", "-1", "many", "²"])
def test_what_is_no_count(orders: Orders, listening: Listening, said: str) -> None:
    asking, switch = wanted(lambda: orders.usage(["a", "b"]), listening)
    switch.commands(2)
    switch.api("1")
    switch.api(said)
    error = outcome(asking)
    assert isinstance(error, SwitchError) and "line b" in str(error)


def test_a_line_whose_name_cannot_be_said(orders: Orders, listening: Listening) -> None:
    asking, _ = wanted(lambda: orders.usage(["a", "b\n\napi shutdown"]), listening)
    assert isinstance(outcome(asking), UnsafeArgument)


def test_a_leg_is_woken(orders: Orders, listening: Listening) -> None:
    asking, switch = wanted(lambda: orders.wake(UUID), listening)
    assert switch.command() == f"api uuid_break {UUID} all"
    switch.api("+OK\n")
    assert outcome(asking) is True


def test_a_leg_that_is_gone(orders: Orders, listening: Listening) -> None:
    asking, switch = wanted(lambda: orders.wake(UUID), listening)
    switch.command()
    switch.api("-ERR No such channel!\n")
    assert outcome(asking) is False


def test_something_is_said_over_the_music_and_ended(orders: Orders, listening: Listening) -> None:
    asking, switch = wanted(lambda: orders.say_over(UUID, PROMPTS / "place.wav"), listening)
    assert switch.command() == f"api uuid_displace {UUID} start /srv/prompts/place.wav"
    switch.api("+OK Success\n")
    assert outcome(asking) is True
    ending = gevent.spawn(orders.hush, UUID, PROMPTS / "place.wav")
    assert switch.command() == f"api uuid_displace {UUID} stop /srv/prompts/place.wav"
    switch.api("-ERR Cannot stop displace session!\n")
    assert outcome(ending) is None, "it was over already"


def test_what_cannot_be_said_over(orders: Orders, listening: Listening) -> None:
    asking, switch = wanted(lambda: orders.say_over(UUID, PROMPTS / "place.wav"), listening)
    switch.command()
    switch.api("-ERR Cannot displace session!\n")
    assert outcome(asking) is False


@pytest.mark.parametrize(
    "sound", ["/etc/passwd", "/srv/prompts/../key.wav", "/srv/prompts/a b.wav", "/srv/prompts/${system id}"]
)
def test_no_other_file_is_said(orders: Orders, sound: str) -> None:
    with pytest.raises(UnsafeArgument):
        orders.say_over(UUID, Path(sound))


def test_one_connection_for_all(orders: Orders, listening: Listening) -> None:
    asking, switch = wanted(lambda: orders.wake(UUID), listening)
    switch.command()
    switch.api("+OK\n")
    assert outcome(asking) is True
    again = gevent.spawn(orders.usage, ["a"])
    assert switch.command() == "api limit_usage hash line a"
    switch.api("1")
    assert outcome(again) == {"a": 1}
    assert len(listening.ends) == 1


def test_a_connection_that_broke_is_made_again(orders: Orders, listening: Listening) -> None:
    asking, switch = wanted(lambda: orders.usage(["a"]), listening)
    switch.command()
    switch.sock.close()
    assert isinstance(outcome(asking), SwitchGone)
    asking, switch = wanted(lambda: orders.usage(["a"]), listening)
    assert switch.command() == "api limit_usage hash line a"
    switch.api("0")
    assert outcome(asking) == {"a": 0}


def test_the_switch_is_away(orders: Orders, listening: Listening) -> None:
    port = listening.port
    listening.close()
    for _ in range(2):
        with pytest.raises(SwitchGone):
            orders.usage(["a"])
        with pytest.raises(SwitchGone):
            orders.wake(UUID)
    listening.open(port)
    asking, switch = wanted(lambda: orders.wake(UUID), listening)
    switch.command()
    switch.api("+OK\n")
    assert outcome(asking) is True


def test_a_wrong_password_is_an_error_of_the_switch(orders: Orders, listening: Listening) -> None:
    gevent.spawn(listening.take, INVALID)
    with pytest.raises(SwitchError):
        orders.usage(["a"])


def test_a_wrong_password_does_not_say_that_a_leg_is_gone(orders: Orders, listening: Listening) -> None:
    """It would be struck from the list of those who wait."""
    gevent.spawn(listening.take, INVALID)
    with pytest.raises(SwitchError):
        orders.wake(UUID)


def test_two_that_want_it_at_once_share_one(orders: Orders, listening: Listening) -> None:
    asking = [gevent.spawn(orders.usage, [line]) for line in "ab"]
    gevent.sleep(0.02)
    first, second = listening.take(ACCEPTED), listening.take(ACCEPTED)

    def answering(switch: ScriptedSwitch) -> None:
        while True:
            switch.command(timeout_s=5)
            switch.api("4")

    answers = [gevent.spawn(answering, switch) for switch in (first, second)]
    found = [outcome(one) for one in asking]
    assert found == [{"a": 4}, {"b": 4}]
    gevent.sleep(0.05)
    ended = [one for one in answers if one.ready()]
    assert len(ended) == 1, "the one that is not needed is closed"
    for one in answers:
        one.kill()


def test_an_idle_connection_is_closed(
    orders: Orders, listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, switch = wanted(lambda: orders.wake(UUID), listening)
    switch.command()
    switch.api("+OK\n")
    assert outcome(asking) is True
    orders.rest()
    assert not switch.closed(0.1), "it was wanted a moment ago"
    monkeypatch.setattr(module, "IDLE_S", -1.0)
    orders.rest()
    assert switch.closed()
    orders.rest()
    orders.close()
    asking, switch = wanted(lambda: orders.wake(UUID), listening)
    switch.command()
    switch.api("+OK\n")
    assert outcome(asking) is True
