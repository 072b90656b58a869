"""Reseller mode by real calls: calls at once share one balance, a call that runs out of money is warned and ended
to the second, and a box without the mode refuses and ends nobody."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance import bootstrap
from appliance.domain.credit import OUT_OF_MONEY
from appliance.domain.ledger import Kind, Who
from appliance.rating.booking import book
from appliance.store import ledger
from appliance.store.credit import Credit
from appliance.store.journal import Journal
from appliance.store.models import Account, SiteState
from appliance.store.queries.call_views import CallDetail
from appliance.testphone import CallFailed, IncomingCall, LineScript, OutgoingCall, Phone
from appliance.testphone.tones import Samples, purity, tone
from tests.e2e.live import NUMBER, LiveBox, OtherHandlers, live_box
from tests.support.audio import write_wav
from tests.support.freeswitch import require_freeswitch

SHARED, SHORT = "4006543211", "4006543212"
YUAN = 1_000_000
#: What a call on ``SHARED`` may come to, and what ``SHORT`` may spend: a yuan each second.
LONGEST_S = 40
SITE = f"""
version: 1
accounts:
  - {{id: many, name: 多路, credit: {{mode: prepaid, longest_call_seconds: {LONGEST_S}}}}}
  - {{id: short, name: 短, credit: {{mode: prepaid, warning_seconds: 5}}}}
trunks:
  - {{id: inbound, name: 来话, accept: ["127.0.0.1"]}}
  - {{id: out, name: 去话, proxy: "127.0.0.1:@A@", caller_id: pass}}
lines:
  - {{id: wide, account: many, number: "02160000001", kind: landline, trunk: out, max_calls: 0}}
  - {{id: talks, account: short, number: "02160000002", kind: landline, trunk: out, max_calls: 0}}
numbers:
  - number: "{SHARED}"
    account: many
    lines: [wide]
    record: "off"
    subscriptions: [{{plan: second, starts_at: "2026-01-01T00:00:00+08:00"}}]
  - number: "{SHORT}"
    account: short
    lines: [talks]
    record_notice: false
    subscriptions: [{{plan: second, starts_at: "2026-01-01T00:00:00+08:00"}}]
plans:
  - code: second
    name: 每秒一元
    charge_by: time
    meter: answer
    prices:
      - {{effective_from: "2026-01-01T00:00:00+08:00", initial_seconds: 1, step_seconds: 1, per_minute: "60"}}
"""
_callers = (f"1390088{n:04d}" for n in itertools.count(1))


@pytest.fixture(scope="module")
def reseller(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    folder = tmp_path_factory.mktemp(f"reseller-{switch}")
    write_prompt(folder)
    with live_box(folder, switch, site=SITE, reseller_mode=True) as box:
        yield box


def write_prompt(folder: Path) -> None:
    """A warning that is told from voices by ear."""
    (folder / "prompts" / "short").mkdir(parents=True)
    write_wav(folder / "prompts" / "short" / "credit-ends.wav", tone(500, 1.0))


class Money:
    """An account's, in the ledger and as calls see it."""

    def __init__(self, box: LiveBox, account: str) -> None:
        self._box, self._account = box, account
        self._journal = Journal(box.settings.journal_file, reads_only=True)

    async def paid(self, yuan: int) -> None:
        """Booked as ``appliance ledger topup`` does; returns when calls have it."""
        with self._box.store.work() as session:
            now = bootstrap.utc_now()
            book(
                session,
                Kind.TOPUP,
                self._account,
                yuan * YUAN,
                Who("boss"),
                now,
                reference=f"{self._account}-{now}",
            )
            session.commit()
        await self.comes_to(lambda: self.seen() == (self.booked(), 0))

    def booked(self) -> int:
        with self._box.store.reading() as session:
            return ledger.balance(session, self._account)

    def seen(self) -> tuple[int, int]:
        """Balance, and what is held."""
        credit = Credit(self._journal.file)
        balance = credit.balances().get(self._account)
        held = sum(one.amount for one in credit.held() if one.account == self._account)
        return (balance.amount if balance else -1), held

    @staticmethod
    async def comes_to(what: object, within_s: float = 20.0) -> None:
        assert callable(what)
        async with asyncio.timeout(within_s):
            while not what():
                await asyncio.sleep(0.1)


async def stored(box: LiveBox, caller: str) -> CallDetail:
    return await asyncio.to_thread(box.stored_of, caller)


async def dialled(phone: Phone, box: LiveBox, caller: str, number: str) -> OutgoingCall | CallFailed:
    """A call that is answered, or why it is not."""
    try:
        call = await phone.dial(number, box.sip, caller=caller)
        await call.answered(20)
    except CallFailed as failed:
        return failed
    return call


async def test_ten_calls_at_once_on_a_balance_that_pays_for_three(reseller: LiveBox) -> None:
    box, money = reseller, Money(reseller, "many")
    callers = list(itertools.islice(_callers, 10))
    await money.paid(3 * LONGEST_S + 1)
    async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=900.0)):
        ended = await asyncio.gather(*(dialled(phone, box, caller, SHARED) for caller in callers))
        talking = [call for call in ended if isinstance(call, OutgoingCall)]
        refused = [call for call in ended if isinstance(call, CallFailed)]
        assert len(talking) == 3 and {one.status for one in refused} == {503}
        assert money.seen() == ((3 * LONGEST_S + 1) * YUAN, 3 * LONGEST_S * YUAN)
        for call in talking:
            await call.hangup()
    calls = [await stored(box, caller) for caller in callers]
    assert Counter(one.row.outcome for one in calls) == {"answered": 3, "refused:no-credit": 7}
    spent = sum(one.charge.amount for one in calls if one.charge is not None)
    await money.comes_to(lambda: money.seen() == (money.booked(), 0))
    assert money.booked() == (3 * LONGEST_S + 1) * YUAN - spent >= 0


def loudest(heard: Samples, hz: int) -> float:
    """The largest part that a tone has in half a second."""
    return max(purity(heard[start : start + 4000], hz) for start in range(0, len(heard) - 4000, 1000))


async def test_a_call_that_runs_out_of_money(reseller: LiveBox) -> None:
    box, money, caller = reseller, Money(reseller, "short"), next(_callers)
    await money.paid(8)
    async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=900.0)) as lines:
        call = await dialled(phone, box, caller, SHORT)
        assert isinstance(call, OutgoingCall)
        call.say(1200.0)
        line = await lines.incoming(5)
        assert isinstance(await dialled(phone, box, next(_callers), SHORT), CallFailed), "all of it is held"
        end = await call.ended(30)
        assert end.by == "them"
        await line.ended(5)
        for heard in (call.heard, line.heard):
            assert loudest(heard, 500) > 0.15, "the warning"
    one = await stored(box, caller)
    assert (one.row.outcome, one.hangup_cause) == ("answered", OUT_OF_MONEY)
    assert one.charge is not None
    # Ended in its last seconds, and never behind them.
    assert 5_500 < one.row.bill_ms <= 8_000
    assert one.charge.amount == -(-one.row.bill_ms // 1000) * YUAN
    await money.comes_to(lambda: money.seen() == (money.booked(), 0))
    assert money.booked() == 8 * YUAN - one.charge.amount >= 0
    kept = await asyncio.to_thread(box.kept, one.row.uuid)
    recording = box.heard(kept)
    assert abs(recording.seconds - one.row.bridged_ms / 1000) < 0.5
    assert recording.right is not None
    assert purity(recording.left, 1200) > 0.3 and purity(recording.right, 900) > 0.3


async def test_without_the_mode_whoever_owes_much_is_carried(box: LiveBox, tmp_path: Path) -> None:
    caller = next(_callers)
    with box.store.work() as session:
        account = session.get(Account, "acme")
        state = session.get(SiteState, 1)
        assert account is not None and state is not None
        who = Who("boss", "owes", "other")
        book(session, Kind.ADJUSTMENT, "acme", -1000 * YUAN, who, bootstrap.utc_now(), reference=caller)
        account.credit = {"mode": "prepaid", "daily_cap": 1}
        state.revision += 1
        session.commit()
    async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=900.0)):
        call = await dialled(phone, box, caller, NUMBER)
        assert isinstance(call, OutgoingCall)
        await call.hears(1750, 5)
        await call.press("7")
        await call.hears(900, 10)
        await call.hangup()
    one = await stored(box, caller)
    assert one.row.outcome == "answered" and one.charge is not None and one.charge.amount > 0
    credit = Credit(Journal(box.settings.journal_file, reads_only=True).file)
    assert credit.held() == [] and credit.balances() == {}


@pytest.mark.accept
async def test_two_processes_of_handlers_share_the_balance(switch: str, tmp_path: Path) -> None:
    """The port is shared: each takes some of twenty calls; seven are paid for."""
    with live_box(tmp_path, switch, site=SITE, reseller_mode=True) as box, OtherHandlers(box) as others:
        money = Money(box, "many")
        await money.paid(7 * LONGEST_S)
        others.start()
        callers = list(itertools.islice(_callers, 20))
        async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=900.0)):
            ended = await asyncio.gather(*(dialled(phone, box, caller, SHARED) for caller in callers))
            assert sum(isinstance(call, OutgoingCall) for call in ended) == 7
            assert money.seen() == (7 * LONGEST_S * YUAN, 7 * LONGEST_S * YUAN)
            for call in ended:
                if isinstance(call, OutgoingCall):
                    await call.hangup()
        await money.comes_to(lambda: money.seen() == (money.booked(), 0))
        assert 0 <= money.booked() < 7 * LONGEST_S * YUAN


@pytest.mark.accept
async def test_the_limit_outlives_the_handlers(switch: str, tmp_path: Path) -> None:
    """They are killed in the talk and stay dead: it ends in time, and what it cost is all that is gone."""
    write_prompt(tmp_path)
    with live_box(tmp_path, switch, site=SITE, dies=("handlers",), reseller_mode=True) as box:
        money, caller = Money(box, "short"), next(_callers)
        await money.paid(8)
        async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=900.0)) as lines:
            call = await dialled(phone, box, caller, SHORT)
            assert isinstance(call, OutgoingCall)
            line = await lines.incoming(5)
            await asyncio.to_thread(os.kill, box.parts.pid("handlers"), signal.SIGKILL)
            assert (await call.ended(30)).by == "them"
            await line.ended(5)
            for heard in (call.heard, line.heard):
                assert loudest(heard, 500) > 0.15, "the warning"
        one = await stored(box, caller)
        assert (one.row.outcome, one.hangup_cause) == ("answered", OUT_OF_MONEY)
        assert one.charge is not None and 5_500 < one.row.bill_ms <= 8_000
        await money.comes_to(lambda: money.seen() == (money.booked(), 0))
        assert money.booked() == 8 * YUAN - one.charge.amount >= 0


def with_a_second_line() -> str:
    """The site, with keys in a talk and a line behind extension 802."""
    further = """  - {id: back-office, name: 分机, proxy: "127.0.0.1:@B@", caller_id: pass}
lines:
  - {id: second, account: short, number: "02160000003", kind: landline, trunk: back-office, extension: "802"}
"""
    return SITE.replace("lines:\n", further, 1).replace("name: 短,", "name: 短, talk_keys: {},")


@asynccontextmanager
async def with_the_second(
    box: LiveBox, caller: str, key: str
) -> AsyncIterator[tuple[OutgoingCall, IncomingCall, IncomingCall]]:
    """A call whose line has asked the second one, which has answered: the ends of caller and both lines."""
    answers = LineScript.answer(0.1, say=900.0)
    async with (
        Phone() as phone,
        Phone(port=box.port_a, on_invite=answers) as one,
        Phone(port=box.port_b) as two,
    ):
        call = await dialled(phone, box, caller, SHORT)
        assert isinstance(call, OutgoingCall)
        first = await one.incoming(5)
        await call.hears(900, 10)
        await first.press(key)
        await asyncio.sleep(0.5)
        await first.press("802#")
        second = await two.incoming(10)
        second.answer()
        second.say(700, loop=True)
        yield call, first, second


@pytest.mark.accept
@pytest.mark.freeswitch
async def test_who_is_sent_on_keeps_his_limit(tmp_path: Path) -> None:
    """Keys in a talk are FreeSWITCH's. The meter starts with the line; the first talk is a part of the time."""
    require_freeswitch()
    write_prompt(tmp_path)
    site = with_a_second_line().replace("meter: answer", "meter: bridge")
    with live_box(tmp_path, "freeswitch", site=site, reseller_mode=True) as box:
        money, caller = Money(box, "short"), next(_callers)
        await money.paid(16)
        async with with_the_second(box, caller, "*2") as (call, _, second):
            await call.hears(700, 10)
            assert (await call.ended(30)).by == "them"
            await second.ended(5)
            for heard in (call.heard, second.heard):
                assert loudest(heard, 500) > 0.15, "the warning, to whom he talks by then"
        found = await stored(box, caller)
        assert (found.row.outcome, found.hangup_cause) == ("answered", OUT_OF_MONEY)
        assert [line for line, _ in found.talks] == ["talks", "second"]
        assert found.charge is not None and found.charge.amount <= 16 * YUAN
        await money.comes_to(lambda: money.seen() == (money.booked(), 0))
        assert money.booked() == 16 * YUAN - found.charge.amount >= 0


@pytest.mark.accept
@pytest.mark.freeswitch
async def test_who_waits_while_a_line_is_consulted_runs_out_of_money(tmp_path: Path) -> None:
    """He hears music; his call ends with his money, and the consultation soon after it."""
    require_freeswitch()
    write_prompt(tmp_path)
    with live_box(tmp_path, "freeswitch", site=with_a_second_line(), reseller_mode=True) as box:
        money, caller = Money(box, "short"), next(_callers)
        await money.paid(12)
        async with with_the_second(box, caller, "*3") as (call, first, second):
            await first.hears(700, 10)
            assert (await call.ended(30)).by == "them"
            await first.ended(15)
            await second.ended(5)
        found = await stored(box, caller)
        assert (found.row.outcome, found.hangup_cause) == ("answered", OUT_OF_MONEY)
        assert found.charge is not None and 9 * YUAN < found.charge.amount <= 12 * YUAN
        await money.comes_to(lambda: money.seen() == (money.booked(), 0))
        assert money.booked() == 12 * YUAN - found.charge.amount >= 0
