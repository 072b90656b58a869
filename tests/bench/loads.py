"""Loads of the same call through FreeSWITCH's own dialplan and modules and through our handlers, in one FreeSWITCH.

A caller is answered, presses a key in a prompt, and is joined to a line that talks for a second. Each load is named
by the number that is dialled: the two of a pair differ in nothing but who carries the call.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from appliance.config import Settings
from tests.bench.plain import add_plain
from tests.e2e.live import LiveBox, live_box
from tests.support.sipp import SippLine, run_sipp

#: Taken by FreeSWITCH alone: to a line whose calls nobody counts; to one whose slot the call holds; recorded;
#: through the queue of mod_callcenter.
PLAIN, PLAIN_SLOT, PLAIN_RECORDED, CALLCENTER = "4008000001", "4008000002", "4008000003", "4008000004"
#: The same four, the appliance's way.
OURS, OURS_SLOT, OURS_RECORDED, OURS_QUEUE = "4008001234", "4008001235", "4008001236", "4008001237"
#: ``OURS_SLOT`` with rules that look at who calls how often, and with a schedule and regions.
OURS_RULES, OURS_SCHEDULE = "4008001238", "4008001239"
#: Lines of the queue, each for one call at once.
QUEUE_LINES = 10

_SITE = """
version: 1
accounts: [{{id: acme, name: 测试企业}}]
trunks:
  - {{id: inbound, name: 来话, accept: ["127.0.0.1"]}}
  - {{id: out, name: 去话, proxy: "127.0.0.1:@A@", caller_id: pass}}
lines:
  - {{id: first, account: acme, number: "02160000001", kind: landline, trunk: out, max_calls: 0}}
  - {{id: slots, account: acme, number: "02160000002", kind: landline, trunk: out, max_calls: 900}}
{queue_lines}
queues:
  - {{id: desk, account: acme, name: 服务台, lines: [{queue_ids}], strategy: longest-idle, wrap_up_seconds: 0,
     announce_seconds: 0, music: tone-1750}}
lists:
  - {{id: barred, account: acme, entries: [{barred}]}}
  - {{id: known, account: acme, entries: ["13911112222", "021"]}}
schedules:
  - {{id: always, account: acme, holidays: open, week: {{mon-sun: ["00:00-24:00"]}}}}
flows: [{flows}]
numbers: [{numbers}]
"""
_FLOW = """{{name: to-{name}, account: acme, start: ask, nodes: {{
  ask: {{type: menu, prompt: tone-1750, keys: {{"1": go}}, silence: bye, wrong: bye}},
  go: {node},
  bye: {{type: hangup}}}}}}"""
_NODES = {
    "first": "{type: ring, lines: [first]}",
    "slots": "{type: ring, lines: [slots]}",
    "desk": "{type: queue, queue: desk}",
}
_RULES = (
    "max_calls: 900, calls_per_minute: 10000, black_lists: [barred], white_lists: [known],"
    " caller_limit: {calls: 1000, minutes: 1}"
)
#: number → flow, recording, rules
_NUMBERS = {
    OURS: ("first", "off", ""),
    OURS_SLOT: ("slots", "off", ""),
    OURS_RECORDED: ("slots", "all", ""),
    OURS_QUEUE: ("desk", "off", ""),
    OURS_RULES: ("slots", "off", _RULES),
    OURS_SCHEDULE: ("slots", "off", "schedule: always, regions_except: [西藏, 境外]"),
}
_LINE = '  - {{id: q{at}, account: acme, number: "0216000{at:04}", kind: landline, trunk: out, max_calls: 1}}'
_NUMBER = (
    '{{number: "{number}", account: acme, flow: to-{flow}, record: "{record}", record_notice: false,'
    " rules: {{{rules}}}}}"
)
_QUEUE_FROM = 100


def site() -> str:
    """The box's site file."""
    ats = range(_QUEUE_FROM, _QUEUE_FROM + QUEUE_LINES)
    return _SITE.format(
        queue_lines="\n".join(_LINE.format(at=at) for at in ats),
        queue_ids=", ".join(f"q{at}" for at in ats),
        barred=", ".join(f'"170{at:04}"' for at in range(1000)),
        flows=", ".join(_FLOW.format(name=name, node=node) for name, node in _NODES.items()),
        numbers=", ".join(
            _NUMBER.format(number=number, flow=flow, record=record, rules=rules)
            for number, (flow, record, rules) in _NUMBERS.items()
        ),
    )


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
    """A box on FreeSWITCH whose dialplan also takes the plain numbers by itself."""

    def __init__(self, box: LiveBox) -> None:
        self._box = box
        self._switch = psutil.Process(box.parts.pid("switch"))
        self._handlers = psutil.Process(box.parts.pid("handlers"))

    def load(self, number: str, calls: int, rate: float) -> Load:
        """``calls`` calls at ``rate`` a second. Each lasts about 1.5 s, and as long as it waits."""
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
    from appliance import bootstrap

    render = bootstrap.render_switch

    def with_plain(settings: Settings, to: Path) -> object:
        changed = render(settings, to)
        rendered = (folder / "site.yaml").read_text(encoding="utf-8")
        port = int(rendered.split('proxy: "127.0.0.1:')[1].split('"')[0])
        prompt = settings.prompts_dir / "acme" / "tone-1750.wav"
        records = settings.recordings_dir / "plain"
        records.mkdir(parents=True, exist_ok=True)
        add_plain(to, port=port, prompt=prompt, records=records, agents=QUEUE_LINES)
        return changed

    bootstrap.render_switch = with_plain  # type: ignore[assignment]
    try:
        with live_box(folder, "freeswitch", site=site(), calls_per_second=500, max_calls=2000) as box:
            yield Bench(box)
    finally:
        bootstrap.render_switch = render
