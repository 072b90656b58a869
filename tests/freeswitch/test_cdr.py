"""The CDR files hold what docs/switch-contract.md says."""

from __future__ import annotations

import re

import pytest

from appliance.config import PROJECT_ROOT
from appliance.testphone import LineScript, Phone
from tests.freeswitch.scripted import LINE, Handlers, Leg, ring
from tests.support.freeswitch_server import FreeSwitch

pytestmark = pytest.mark.freeswitch

DOCUMENTED = re.findall(
    r"`(\w+)`",
    (PROJECT_ROOT / "docs" / "switch-contract.md")
    .read_text(encoding="utf-8")
    .partition("Used: `variables` with")[2]
    .partition(", every `gw_*`")[0],
)
# Of a line's leg only, or of a leg that the other side refused.
ONLY_LINE = {"sip_term_status", "originator", "originating_leg_uuid"}
ONLY_CALLER = {"originate_disposition", "last_bridge_hangup_cause", "sip_req_user"}


async def test_a_talk(switch: FreeSwitch) -> None:
    facts = f"gw_number=4008001234;gw_account=demo;gw_line={LINE};gw_keys=main=1"
    async with (
        Phone(on_invite=LineScript.answer(0.2, hang_up_after=1.0)) as line,
        Phone() as caller,
        Handlers(switch, ring(line, facts)) as handlers,
    ):
        await (await caller.dial("4008001234", switch.sip_address, display=b"shop")).ended()
    uuid = handlers.legs[0].uuid
    records = switch.cdrs(2)
    mine = records.pop(f"a_{uuid}.cdr.json")
    (name, rung), *rest = records.items()
    assert not rest
    assert name == f"{rung['uuid']}.cdr.json"

    assert "bridge_uepoch" in DOCUMENTED
    assert set(DOCUMENTED) - ONLY_LINE <= set(mine)
    assert set(DOCUMENTED) - ONLY_CALLER <= set(rung)
    assert (mine["direction"], rung["direction"]) == ("inbound", "outbound")
    assert mine["uuid"] == mine["call_uuid"] == rung["call_uuid"] == uuid
    assert mine["bridge_uuid"] == mine["signal_bond"] == rung["uuid"]
    assert mine["originate_disposition"] == "SUCCESS"
    assert rung["sip_term_status"] == "200"
    times = [int(mine[f"{what}_uepoch"]) for what in ("start", "progress", "answer", "bridge", "end")]
    assert times == sorted(times)
    assert 900 <= int(rung["billmsec"]) <= 1300
    assert mine["gw_keys"] == "main=1"
    for record in (mine, rung):
        assert (record["gw_number"], record["gw_account"], record["gw_line"]) == ("4008001234", "demo", LINE)
    assert "gw_music" not in mine


async def test_a_line_that_never_answered_has_its_record(switch: FreeSwitch) -> None:
    async with (
        Phone(on_invite=LineScript.busy()) as line,
        Phone() as caller,
        Handlers(switch, ring(line)) as handlers,
    ):
        await (await caller.dial("4008001234", switch.sip_address)).ended()
    rung = next(record for name, record in switch.cdrs(2).items() if not name.startswith("a_"))
    assert rung["call_uuid"] == handlers.legs[0].uuid
    assert (rung["hangup_cause"], rung["sip_term_status"], rung["answer_uepoch"]) == ("USER_BUSY", "486", "0")


async def test_chinese_and_signs_stay_as_they_are(switch: FreeSwitch) -> None:
    async def script(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("set", 'gw_flow=总机/1 "a"&<b>%20')
        await leg.execute("hangup", "USER_BUSY")

    async with Phone() as caller, Handlers(switch, script):
        await (await caller.dial("4008001234", switch.sip_address)).ended()
    assert next(iter(switch.cdrs(1).values()))["gw_flow"] == '总机/1 "a"&<b>%20'


async def test_a_name_in_gbk_does_not_spoil_the_file(switch: FreeSwitch) -> None:
    async def script(leg: Leg) -> None:
        await leg.connect()
        await leg.execute("hangup", "USER_BUSY")

    async with Phone() as caller, Handlers(switch, script) as handlers:
        call = await caller.dial("4008001234", switch.sip_address, display="张三".encode("gbk"))
        await call.ended()
    (file,) = switch.cdrs(1, errors="replace")
    assert file == f"a_{handlers.legs[0].uuid}.cdr.json"
