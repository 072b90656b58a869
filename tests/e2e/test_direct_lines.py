"""A number without a menu: nothing is answered, and nothing metered, until a line answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.testphone import CallFailed, LineScript, Phone
from tests.e2e.live import NUMBER, LiveBox, live_box, site_text


@pytest.fixture(scope="module")
def direct(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    folder: Path = tmp_path_factory.mktemp(f"direct-{switch}")
    site = site_text(1, 2, number="lines: [first, second]").replace(':1"', ':@A@"').replace(':2"', ':@B@"')
    # The menu is still there for another number: a site may hold flows that no number uses yet.
    with live_box(folder, switch, site=site) as running:
        yield running


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        (LineScript.busy(), LineScript.busy(), 486),
        (LineScript.busy(), LineScript.no_answer(), 480),
        (LineScript(status=603, ringing=False, ring_s=0), LineScript(status=603, ringing=False, ring_s=0), 403),
        (LineScript(status=404, ringing=False, ring_s=0), LineScript(status=503, ringing=False, ring_s=0), 503),
    ],
)
async def test_the_caller_gets_a_proper_cause(
    direct: LiveBox, first: LineScript, second: LineScript, status: int
) -> None:
    async with (
        Phone() as phone,
        Phone(port=direct.port_a, on_invite=first),
        Phone(port=direct.port_b, on_invite=second),
    ):
        call = await phone.dial(NUMBER, direct.sip)
        with pytest.raises(CallFailed) as failed:
            await call.answered(20)
        accepted = {status, 603} if status == 403 else {status}
        assert failed.value.status in accepted


async def test_answered_only_when_a_line_answers(direct: LiveBox) -> None:
    async with (
        Phone() as phone,
        Phone(port=direct.port_a, on_invite=LineScript.answer(1.0, say=900.0)),
        Phone(port=direct.port_b, on_invite=LineScript.busy()),
    ):
        call = await phone.dial(NUMBER, direct.sip, caller="13711112222")
        await asyncio.sleep(0.7)
        assert call.answered_at is None
        await call.answered(5)
        await call.hears(900)
        await call.hangup()
    one = await asyncio.to_thread(direct.stored_of, "13711112222")
    # The gateway's answer is the line's: both meters begin together.
    assert abs(one.row.bill_ms - one.row.bridged_ms) < 300


async def test_who_hangs_up_in_the_recording_notice_has_heard_no_line(switch: str, tmp_path: Path) -> None:
    site = site_text(1, 2, number="lines: [first, second]").replace(':1"', ':@A@"').replace(':2"', ':@B@"')
    with live_box(tmp_path, switch, site=site.replace("record_notice: false", "record_notice: true")) as box:
        async with Phone() as phone, Phone(port=box.port_a, on_invite=LineScript.answer(0.1, say=900.0)) as line:
            early = await phone.dial(NUMBER, box.sip, caller="13711113333")
            await early.early_media(5)
            await asyncio.sleep(0.5)
            await early.hangup()
            one = await asyncio.to_thread(box.stored_of, "13711113333")
            assert (one.row.outcome, one.tried, one.row.answered_at, len(line.calls)) == (
                "abandoned:prompt",
                (),
                None,
                0,
            )
            patient = await phone.dial(NUMBER, box.sip, caller="13711114444")
            await patient.hears(900, 15)
            await patient.hangup()
            two = await asyncio.to_thread(box.stored_of, "13711114444")
    assert (two.row.outcome, two.row.line_id) == ("answered", "first")
