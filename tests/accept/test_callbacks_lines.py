"""Callbacks by lines of every kind, and callers who do not answer, by real calls on FreeSWITCH."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from appliance import bootstrap
from appliance.domain.callback import Ending
from appliance.domain.routing import PHONES_REALM
from appliance.store.journal import Journal
from appliance.store.phones import set_phone_password
from appliance.testphone import LineScript, Phone
from tests.accept.calling_back import (
    SITE,
    box_of,
    change_terms,
    ended,
    one_call_a_line,
    requests,
    settled,
    talk,
)
from tests.e2e.calling_back import HIS, LINES, asks
from tests.e2e.live import NUMBER, LiveBox
from tests.support.freeswitch import require_freeswitch

pytestmark = [pytest.mark.accept, pytest.mark.freeswitch, pytest.mark.timeout(300)]

PASSWORD = "only-for-this-phone"
TALKS = LineScript.answer(0.2, say=HIS)


@pytest.fixture(autouse=True)
def _freeswitch() -> None:
    require_freeswitch()


async def test_all_lines_ring_at_once_and_one_calls_him(tmp_path: Path) -> None:
    caller = "13900003001"
    with box_of(tmp_path, "first, second", strategy="ring-all") as box:
        async with (
            Phone() as phone,
            Phone(port=box.port_a, on_invite=LineScript.busy()) as lines,
            Phone(port=box.port_b, on_invite=TALKS) as his,
            one_call_a_line(box, "first", "second"),
        ):
            await asks(box, phone, caller)
            lines.on_invite = None
            rung: dict[str, object] = {}
            async with asyncio.timeout(20):
                while len(rung) < 2:
                    one = await lines.incoming(15)
                    if one.end is None:
                        rung[one.called] = one
            # Whoever is first has the call; the other stops ringing.
            slow, quick = rung["02160000001"], rung["02160000002"]
            quick.answer()  # type: ignore[attr-defined]
            quick.say(LINES, loop=True)  # type: ignore[attr-defined]
            await talk(await his.incoming(15), quick)  # type: ignore[arg-type]
            assert slow.end is not None  # type: ignore[attr-defined]
            request = await ended(box, caller)
            await asyncio.sleep(4.0)
            assert len(his.calls) == 1
        assert (request.ending, request.attempts) == (Ending.REACHED, 1)
        await settled(box, "first", "second")


async def test_no_line_of_all_takes_it_then_one_does(tmp_path: Path) -> None:
    caller = "13900003011"
    with box_of(tmp_path, "first, second", strategy="ring-all") as box:
        async with (
            Phone() as phone,
            Phone(port=box.port_a, on_invite=LineScript.busy()) as lines,
            Phone(port=box.port_b, on_invite=TALKS) as his,
            one_call_a_line(box, "first", "second"),
        ):
            await asks(box, phone, caller)
            async with asyncio.timeout(20):
                while requests(box)[caller].said != "line busy":
                    await asyncio.sleep(0.2)
            lines.on_invite = LineScript.answer(0.3, say=LINES)
            await talk(await his.incoming(20), None)
            request = await ended(box, caller)
            await asyncio.sleep(4.0)
            assert len(his.calls) == 1
        assert (request.ending, request.attempts) == (Ending.REACHED, 1)
        await settled(box, "first", "second")


async def register(box: LiveBox, *phones: tuple[str, Phone]) -> None:
    """SIP phones register, and the handlers know."""
    with box.store.work() as session:
        for line, _ in phones:
            set_phone_password(session, line, PHONES_REALM, PASSWORD)
        session.commit()
    bootstrap.render_switch(box.settings, box.settings.state_dir / "switch")
    with bootstrap.switch_api(box.settings) as api:
        api("reloadxml")
    for line, phone in phones:
        registrar = (box.settings.sip_host, box.settings.phones_port)
        await phone.register(registrar, line, PASSWORD, domain=PHONES_REALM)
    journal = Journal(box.settings.journal_file, reads_only=True)
    async with asyncio.timeout(10):
        while not all((state := journal.phones().get(line)) and state.up for line, _ in phones):
            await asyncio.sleep(0.1)
    journal.close()


@pytest.mark.parametrize("strategy", ["order", "ring-all"])
async def test_sip_phones_as_lines(tmp_path: Path, strategy: str) -> None:
    caller, lines = "13900003021", '  - {id: first, account: acme, number: "02160000001"'
    phones = "  - {id: desk, account: acme, kind: phone}\n  - {id: bench, account: acme, kind: phone}\n"
    site = SITE.replace(lines, phones + lines)
    with box_of(tmp_path, "desk, bench", site=site, strategy=strategy) as box:
        async with (
            Phone() as phone,
            Phone(on_invite=LineScript.busy()) as desk,
            Phone(on_invite=LineScript.busy()) as bench,
            Phone(port=box.port_b, on_invite=TALKS) as his,
            one_call_a_line(box, "desk", "bench"),
        ):
            await register(box, ("desk", desk), ("bench", bench))
            await asks(box, phone, caller)
            bench.on_invite = LineScript.answer(0.3, say=LINES)
            telephone = await his.incoming(20)
            (rung,) = [one for one in bench.calls if one.end is None]
            assert rung.caller == caller
            await talk(telephone, rung)
            request = await ended(box, caller)
            await asyncio.sleep(4.0)
            assert len(his.calls) == 1
        assert (request.ending, request.attempts) == (Ending.REACHED, 1)
        await settled(box, "desk", "bench")


async def test_he_does_not_answer_and_is_called_again_after_the_gap(tmp_path: Path) -> None:
    """Busy, then gone, then no more: two attempts are used up. Another is reached at the second. A third's request
    is over before it is his turn again."""
    used_up, reached, over = "13900003031", "13900003032", "13900003033"
    with box_of(tmp_path) as box:
        async with (
            Phone() as phone,
            Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=LINES)) as line,
            Phone(port=box.port_b) as his,
            one_call_a_line(box, "first"),
        ):

            async def asked_by(caller: str) -> None:
                """He asks while the line talks to somebody, who hangs up then."""
                busy = await phone.dial(NUMBER, box.sip, caller="13900003000")
                await busy.answered(10)
                await asks(box, phone, caller)
                await busy.hangup()

            his.on_invite = LineScript.busy()
            await asked_by(used_up)
            await his.incoming(20)
            first_at = time.monotonic()
            await his.incoming(20)
            assert time.monotonic() - first_at > 2.5, "not within the gap"
            request = await ended(box, used_up)
            assert (request.ending, request.attempts, request.said) == (Ending.FAILED, 2, "busy")

            scripts = [LineScript.busy(), TALKS]
            his.on_invite = lambda call: scripts.pop(0)
            await asked_by(reached)
            await his.incoming(20)
            await talk(await his.incoming(20), None)
            request = await ended(box, reached)
            assert (request.ending, request.attempts) == (Ending.REACHED, 2)

            his.on_invite = LineScript.not_found()
            await asked_by("13900003034")
            await his.incoming(20)
            request = await ended(box, "13900003034")
            assert (request.ending, request.attempts, request.said) == (Ending.FAILED, 1, "not-existing")

            his.on_invite = LineScript.busy()
            change_terms(box, gap_seconds=120, expires_minutes=1)
            await asyncio.sleep(1.5)
            await asked_by(over)
            await his.incoming(20)
            request = await ended(box, over, 80)
            assert (request.ending, request.attempts) == (Ending.EXPIRED, 1)
            await asyncio.sleep(1.0)
            assert len(his.calls) == 6 and all(one.end is not None for one in line.calls)
        await settled(box, "first")
