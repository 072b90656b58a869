"""PostgreSQL is stopped, or holds every statement, while calls come: none fails, every limit holds, and what they
produced is stored afterwards, all of it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest

from appliance.store.queries.call_views import CallDetail
from appliance.testphone import CallFailed, LineScript, Phone
from tests.e2e.live import LiveBox, live_box
from tests.support.freeswitch import require_freeswitch
from tests.support.postgres import Server, Unavailable
from tests.support.queue_stays import stays
from tests.support.sipp import SippLine, require_sipp, run_sipp

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

MENU, ONE_CALL, ONE_LINE, SELDOM, WAITS, LOAD = (f"400800123{n}" for n in range(6))
SITE = f"""
version: 1
accounts: [{{id: acme, name: 测试企业}}]
trunks:
  - {{id: inbound, name: 来话, accept: ["127.0.0.1"]}}
  - {{id: out, name: 去话, proxy: "127.0.0.1:@A@", caller_id: pass}}
  - {{id: load, name: 压测, proxy: "127.0.0.1:@B@", caller_id: pass, ping_seconds: 0}}
lines:
  - {{id: wide, account: acme, number: "02160000001", kind: landline, trunk: out, max_calls: 100}}
  - {{id: narrow, account: acme, number: "02160000002", kind: landline, trunk: out, max_calls: 1}}
  - {{id: deaf, account: acme, number: "02160000003", kind: landline, trunk: out, max_calls: 1}}
  - {{id: many, account: acme, number: "02160000004", kind: landline, trunk: load, max_calls: 100}}
queues:
  - {{id: desk, account: acme, name: 服务台, lines: [deaf], announce_seconds: 0}}
flows:
  - name: front
    account: acme
    start: ask
    nodes:
      ask: {{type: menu, prompt: tone-1750, keys: {{"1": ring}}, silence: ask, wrong: ask}}
      ring: {{type: ring, lines: [wide]}}
  - {{name: load, account: acme, start: ask, nodes: {{
      ask: {{type: menu, prompt: tone-1750, keys: {{"1": ring}}, silence: ask, wrong: ask}},
      ring: {{type: ring, lines: [many]}}}}}}
  - {{name: wait, account: acme, start: wait, nodes: {{wait: {{type: queue, queue: desk}}}}}}
numbers:
  - {{number: "{MENU}", account: acme, flow: front, record_notice: false}}
  - {{number: "{LOAD}", account: acme, flow: load, record_notice: false}}
  - {{number: "{WAITS}", account: acme, flow: wait, record_notice: false}}
  - {{number: "{ONE_CALL}", account: acme, lines: [wide], record: "off", rules: {{max_calls: 1}}}}
  - {{number: "{ONE_LINE}", account: acme, lines: [narrow], record: "off"}}
  - number: "{SELDOM}"
    account: acme
    lines: [wide]
    record: "off"
    rules: {{caller_limit: {{calls: 1, minutes: 60}}}}
"""
_callers = (f"1390000{n:04d}" for n in itertools.count(1))


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of its own: it is stopped."""
    try:
        made = Server()
    except Unavailable as error:
        pytest.skip(str(error))
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def gone(server: Server, url: str) -> Iterator[None]:
    """It is stopped, as by an operator, or a machine that is switched off."""
    server.down()
    yield
    server.up()


@contextmanager
def held(server: Server, url: str) -> Iterator[None]:
    """It is there, and every statement hangs: somebody has locked all tables."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        names = ", ".join(f'"{name}"' for (name,) in tables)
        connection.rollback()
        for _ in range(20):
            # Whoever holds one of the tables may be waiting for another: PostgreSQL breaks one of the two off.
            try:
                connection.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
                break
            except psycopg.errors.DeadlockDetected:
                connection.rollback()
        yield
        connection.rollback()


Trouble = Callable[[Server, str], AbstractContextManager[None]]


async def calls_of_all_kinds(box: LiveBox) -> dict[str, tuple[str, str]]:
    """Each kind once; (number, outcome) of each call, by caller."""
    wanted: dict[str, tuple[str, str]] = {}

    def behave(call: object) -> LineScript:
        deaf = getattr(call, "called", "") == "02160000003"
        return LineScript.no_answer() if deaf else LineScript.answer(0.1, say=900.0)

    async with Phone(port=box.port_a, on_invite=behave), Phone() as phone:

        async def talks(number: str, caller: str) -> None:
            call = await phone.dial(number, box.sip, caller=caller)
            if number == MENU:
                await call.answered(10)
                await call.hears(1750, 5)
                await call.press("1")
            await call.hears(900, 10)
            wanted[caller] = (number, "answered")

        async def refused(number: str, caller: str, status: int, outcome: str) -> None:
            call = await phone.dial(number, box.sip, caller=caller)
            with pytest.raises(CallFailed) as failed:
                await call.answered(20)
            assert failed.value.status == status
            wanted[f"{caller}/{number}"] = (number, outcome)

        often = next(_callers)
        await asyncio.gather(*(talks(number, next(_callers)) for number in (MENU, ONE_CALL, ONE_LINE)))
        await talks(SELDOM, often)
        waits = await phone.dial(WAITS, box.sip, caller=(patient := next(_callers)))
        await waits.answered(10)
        await asyncio.gather(
            refused(ONE_CALL, next(_callers), 486, "refused:number-full"),
            refused(ONE_LINE, next(_callers), 486, "failed:user-busy"),
            refused(SELDOM, often, 603, "refused:too-frequent"),
        )
        await asyncio.sleep(1)  # something to record
        await waits.hangup()
        wanted[patient] = (WAITS, "abandoned")
        await asyncio.gather(*(call.hangup() for call in phone.dialled if call.end is None))
    await asyncio.sleep(0.2)  # until the phones' ports are free again
    return wanted


def told(found: list[CallDetail]) -> Counter[tuple[str, str, str]]:
    return Counter(
        (
            one.row.caller,
            one.row.number,
            "abandoned" if one.row.outcome.startswith("abandoned") else one.row.outcome,
        )
        for one in found
    )


async def assert_nothing_is_missing(box: LiveBox, wanted: dict[str, tuple[str, str]], load: int = 0) -> None:
    found = await asyncio.to_thread(box.stored, len(wanted) + load, 60, charged=False)
    expected = Counter((caller.partition("/")[0], *what) for caller, what in wanted.items())
    assert told([one for one in found if one.row.number != LOAD]) == expected
    of_load = [one for one in found if one.row.number == LOAD]
    assert Counter(one.row.outcome for one in of_load) == Counter({"answered": load} if load else {})
    recorded = [one for one in found if one.row.number in (MENU, LOAD)]
    for one in recorded:
        kept = await asyncio.to_thread(box.kept, one.row.uuid, 60)
        assert kept.duration_ms > 0 and not kept.fault
    queued = [caller for caller, (number, _) in wanted.items() if number == WAITS]
    assert sorted(stay.caller for stay in stays(box.settings.database_url)) == sorted(queued)
    assert {stay.left for stay in stays(box.settings.database_url)} == {"abandoned"}
    for line in ("wide", "narrow", "deaf", "many"):
        assert box.usage(line) == 0
    assert list(box.settings.spool_dir.glob("*.json")) == []


@contextmanager
def box_on(server: Server, folder: Path, switch: str) -> Iterator[tuple[LiveBox, str]]:
    if switch == "freeswitch":
        require_freeswitch()
    url = server.database()
    with live_box(folder, switch, site=SITE, database_url=url) as box:
        yield box, url


@pytest.mark.accept
@pytest.mark.freeswitch
async def test_for_a_moment(server: Server, tmp_path: Path) -> None:
    with box_on(server, tmp_path, "freeswitch") as (box, url):
        wanted = {}
        for trouble in (gone, held):
            with trouble(server, url):
                await asyncio.sleep(1)
                wanted |= await calls_of_all_kinds(box)
        await assert_nothing_is_missing(box, wanted)


@pytest.mark.accept
@pytest.mark.sipp
@pytest.mark.parametrize("trouble", [gone, held], ids=["gone", "held"])
@pytest.mark.parametrize("switch", ["miniswitch", pytest.param("freeswitch", marks=pytest.mark.freeswitch)])
async def test_for_half_a_minute_under_load(server: Server, tmp_path: Path, switch: str, trouble: Trouble) -> None:
    require_sipp()
    rate, lasts = 5, {gone: 30, held: 20}[trouble]
    calls = rate * (lasts + 8)
    with (
        box_on(server, tmp_path, switch) as (box, url),
        SippLine("line-answers.xml", port=box.port_b) as line,
    ):
        load = asyncio.create_task(
            asyncio.to_thread(
                run_sipp,
                "caller-presses-1.xml",
                box.sip,
                service=LOAD,
                calls=calls,
                rate=rate,
                at_once=calls,
                timeout=lasts + 60,
                callers=(),
            )
        )
        await asyncio.sleep(4)
        wanted: dict[str, tuple[str, str]] = {}
        until = time.monotonic() + lasts
        with trouble(server, url):
            while time.monotonic() < until:
                wanted |= await calls_of_all_kinds(box)
        (await load).check(calls)
        line.stop().check(calls)
        await assert_nothing_is_missing(box, wanted, calls)
