"""Loads of the same call through FreeSWITCH's dialplan alone and through our handlers, in one FreeSWITCH."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from appliance import bootstrap
from appliance.config import Settings
from tests.e2e.live import LiveBox, live_box
from tests.support.sipp import SippLine, run_sipp

#: Taken by the dialplan alone: to a line whose calls nobody counts, and to one whose slot the call holds.
PLAIN, PLAIN_SLOT = "4008000001", "4008000002"
#: The same two, the appliance's way.
OURS, OURS_SLOT = "4008001234", "4008001235"

SITE = """
version: 1
accounts: [{id: acme, name: 测试企业}]
trunks:
  - {id: inbound, name: 来话, accept: ["127.0.0.1"]}
  - {id: out, name: 去话, proxy: "127.0.0.1:@A@", caller_id: pass}
lines:
  - {id: first, account: acme, number: "02160000001", kind: landline, trunk: out, max_calls: 0, ring_seconds: 25}
  - {id: slots, account: acme, number: "02160000002", kind: landline, trunk: out, max_calls: 900, ring_seconds: 25}
flows: [@FLOWS@]
numbers: [@NUMBERS@]
"""
_FLOW = """{name: to-@, account: acme, start: ask, nodes: {
  ask: {type: menu, prompt: tone-1750, keys: {"1": ring}, silence: bye, wrong: bye},
  ring: {type: ring, lines: [@]},
  bye: {type: hangup}}}"""
_NUMBER = '{number: "%s", account: acme, flow: to-@, record: "off", record_notice: false}'
_LINES = {"first": OURS, "slots": OURS_SLOT}
SITE = SITE.replace("@FLOWS@", ", ".join(_FLOW.replace("@", line) for line in _LINES)).replace(
    "@NUMBERS@", ", ".join((_NUMBER % number).replace("@", line) for line, number in _LINES.items())
)

_RING = {PLAIN: ("bridge", ""), PLAIN_SLOT: ("limit_execute", "hash line plain 900 bridge ")}

#: The same call without us: answer, one key during the same prompt, the same line.
PLAIN_EXTENSION = """
  <extension name="plain-{number}">
    <condition field="destination_number" expression="^{number}$">
      <action application="set" data="hangup_after_bridge=true"/>
      <action application="set" data="ignore_early_media=true"/>
      <action application="answer"/>
      <action application="play_and_get_digits"
              data="1 1 1 5000 none {prompt} silence_stream://20 key [0-9*#]+ 3000"/>
      <action application="{ring[0]}"
              data="{ring[1]}[leg_timeout=25]sofia/gateway400/02160000001@127.0.0.1:{port}"/>
      <action application="hangup" data="NORMAL_CLEARING"/>
    </condition>
  </extension>
"""


@dataclass(frozen=True)
class Load:
    """One load: CPU seconds of switch and handlers, calls done of those made, answer delays in milliseconds."""

    calls: int
    done: int
    switch_s: float
    handlers_s: float
    answer_ms: Sequence[float]

    @property
    def per_call_ms(self) -> float:
        """CPU of switch and handlers for one call that was done, milliseconds."""
        return 1000 * (self.switch_s + self.handlers_s) / max(1, self.done)


class Bench:
    """A box on FreeSWITCH whose dialplan also takes ``PLAIN`` and ``PLAIN_SLOT`` by itself."""

    def __init__(self, box: LiveBox) -> None:
        self._box = box
        self._switch = psutil.Process(box.parts.pid("switch"))
        self._handlers = psutil.Process(box.parts.pid("handlers"))

    def load(self, number: str, calls: int, rate: float) -> Load:
        """``calls`` calls at ``rate`` a second. Each lasts about 1.5 s."""
        with SippLine("line-answers.xml", port=self._box.port_a):
            before = self._cpu()
            result = run_sipp(
                "caller-presses-1.xml",
                self._box.sip,
                service=number,
                calls=calls,
                rate=rate,
                at_once=calls,
                timeout=calls / rate + 20,
                callers=(),
                extra=("-trace_rtt", "-rtt_freq", "1"),
            )
            after = self._cpu()
        return Load(calls, result.successes, after[0] - before[0], after[1] - before[1], result.delays("answer"))

    def _cpu(self) -> tuple[float, float]:
        return tuple(sum(one.cpu_times()[:2]) for one in (self._switch, self._handlers))  # type: ignore[return-value]


@contextlib.contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """The box, up."""
    render = bootstrap.render_switch

    def with_plain_extension(settings: Settings, to: Path) -> object:
        changed = render(settings, to)
        dialplan = to / "dialplan" / "gateway.xml"
        text = dialplan.read_text(encoding="utf-8")
        head, opening, rest = text.partition('<context name="gateway">')
        site = (folder / "site.yaml").read_text(encoding="utf-8")
        extensions = "".join(
            PLAIN_EXTENSION.format(
                number=number,
                ring=ring,
                prompt=settings.prompts_dir / "acme" / "tone-1750.wav",
                port=site.split('proxy: "127.0.0.1:')[1].split('"')[0],
            )
            for number, ring in _RING.items()
        )
        dialplan.write_text(head + opening + extensions + rest, encoding="utf-8")
        return changed

    bootstrap.render_switch = with_plain_extension  # type: ignore[assignment]
    try:
        with live_box(folder, "freeswitch", site=SITE, calls_per_second=500, max_calls=2000) as box:
            yield Bench(box)
    finally:
        bootstrap.render_switch = render
