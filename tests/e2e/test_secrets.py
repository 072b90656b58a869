"""What a caller keys secretly stands nowhere on the box when his call is over: not in the switch's record, nor in
any log, even one that says all there is, nor in journal or database."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import bootstrap
from appliance.config import Settings
from appliance.testphone import OutgoingCall, Phone
from tests.e2e.live import NUMBER, LiveBox, live_box

#: The right password stands in the site, as it must; a wrong one is the caller's own, and perhaps right elsewhere.
RIGHT, WRONG, SECRET = "275813", "593186", "640293175820"
CALLER = "13800137001"
SITE = f"""
version: 1
accounts:
  - {{id: acme, name: 测试企业}}
trunks:
  - {{id: inbound, accept: ["127.0.0.1"]}}
flows:
  - name: front
    account: acme
    start: ask
    nodes:
      ask: {{type: collect, prompt: tone-1750, variable: id, secret: true, most: 12, next: copy, silence: bye,
             wrong: bye}}
      copy: {{type: set, variable: copied, value: "no {{id}}", next: which}}
      which: {{type: switch, variable: id, cases: {{"64*": known}}, other: bye}}
      known: {{type: hangup, prompt: tone-1000}}
      bye: {{type: hangup, prompt: tone-500}}
numbers:
  - {{number: "{NUMBER}", account: acme, flow: front, record: "off", rules: {{passwords: ["{RIGHT}"]}}}}
"""
#: Six digits as themselves: not within a time's or a leg's name.
_KEYED = re.compile(rb"%s|(?<![0-9a-f.])%s(?![0-9a-f])" % (SECRET.encode(), WRONG.encode()))


@pytest.fixture
def talkative_box(switch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveBox]:
    """A box whose switch writes down all that it can, as one does who looks for a fault."""
    render = bootstrap.render_switch

    def rendered(settings: Settings, folder: Path) -> None:
        render(settings, folder)
        for file, wanted, instead in (
            ("switch.conf.xml", '"loglevel" value="warning"', '"loglevel" value="debug"'),
            ("logfile.conf.xml", "notice,warning,err,crit,alert", "all"),
        ):
            if settings.switch == "freeswitch":
                found = next(folder.rglob(file))
                text = found.read_text(encoding="utf-8")
                assert wanted in text
                found.write_text(text.replace(wanted, instead), encoding="utf-8")

    monkeypatch.setattr(bootstrap, "render_switch", rendered)
    with live_box(tmp_path, switch, site=SITE) as box:
        yield box


async def press(call: OutgoingCall, keys: str) -> None:
    for key in keys:
        await call.press(key)
        await asyncio.sleep(0.1)


async def test_secret_digits_stand_nowhere(talkative_box: LiveBox) -> None:
    box = talkative_box
    folder, spool = box.settings.state_dir, box.settings.spool_dir
    os.kill(box.parts.pid("collector"), signal.SIGSTOP)
    async with Phone() as phone:
        call = await phone.dial(NUMBER, box.sip, caller=CALLER)
        await call.answered(10)
        await asyncio.sleep(0.5)
        await press(call, f"{WRONG}#")
        await asyncio.sleep(1.0)
        await press(call, f"{RIGHT}#")
        await call.hears(1750, 15)
        await press(call, f"{SECRET}#")
        await call.hears(1000, 15)
        await call.ended(10)
    for _ in range(100):
        if list(spool.glob("*.json")):
            break
        await asyncio.sleep(0.1)
    assert list(spool.glob("*.json"))
    assert where(folder) == [], "the switch's own record, the handlers' journal, the logs"
    os.kill(box.parts.pid("collector"), signal.SIGCONT)
    stored = await asyncio.to_thread(box.stored_of, CALLER)
    assert stored.row.outcome == "ended:menu"
    assert stored.row.way == (("ask", "next"), ("copy", "next"), ("which", "cases.*"))
    assert where(folder) == [], "what is stored of it"
    log = b"".join(file.read_bytes() for file in folder.rglob("freeswitch.log"))
    if box.settings.switch == "freeswitch":
        assert b"EXECUTE" in log, "it says all there is"
        assert b"RECV DTMF" not in log


def where(folder: Path) -> list[str]:
    """Files that have what was keyed."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [f"{file}: {found[0]!r}" for file in files if (found := _KEYED.search(file.read_bytes()))]
