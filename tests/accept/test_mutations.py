"""Rules broken on purpose: the tests must notice each time. Each is broken in a copy of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.accept, pytest.mark.timeout(300)]

_ROOT = Path(__file__).parents[2]
#: (what is broken, file, what stands there, what is put there, the tests that must fail)
MUTATIONS = [
    (
        "who is urgent waits longest",
        "domain/queue.py",
        "key=lambda one: (-one.priority, one.entered_at, one.uuid)",
        "key=lambda one: (one.priority, one.entered_at, one.uuid)",
        "tests/domain/test_queue.py",
    ),
    (
        "lines need no rest",
        "domain/queue.py",
        "return not rests and (",
        "return (",
        "tests/domain/test_queue.py",
    ),
    (
        "a line that was chosen is chosen again",
        "domain/queue.py",
        "taken[line_id] = taken.get(line_id, 0) + young",
        "taken[line_id] = taken.get(line_id, 0)",
        "tests/domain/test_queue.py",
    ),
    (
        "who hung up was lost by us",
        "domain/queue.py",
        "Left.ABANDONED if gave_up else Left.LOST",
        "Left.LOST if gave_up else Left.ABANDONED",
        "tests/domain/test_queue.py",
    ),
    (
        "nobody is woken for his turn",
        "calls/dispatch.py",
        "            if self._is_wanted(ticket):",
        "            if self._is_wanted(ticket) and not ticket.lines:",
        "tests/calls/test_queue_races.py",
    ),
    (
        "a place is lost with the handlers",
        "calls/waiting.py",
        "entered_at=before.entered_at if before is not None and resumed else desk.now(),",
        "entered_at=desk.now(),",
        "tests/calls/test_scenarios.py",
    ),
    (
        "a white list does not open closed hours",
        "domain/admission.py",
        "_VIP_SKIPS = frozenset({Rule.FREQUENCY, Rule.PASSWORD, Rule.HOLIDAY, Rule.SCHEDULE})",
        "_VIP_SKIPS = frozenset({Rule.FREQUENCY, Rule.PASSWORD, Rule.HOLIDAY})",
        "tests/calls/test_scenarios.py",
    ),
    (
        "any end of a line has the next one rung",
        "domain/hunt.py",
        "return _COUNTS_AS.get(after, after) in self.fail_over",
        "return True",
        "tests/calls/test_scenarios.py",
    ),
    (
        "a system that fails is asked on",
        "domain/breaker.py",
        "(State.OPEN, Event.ASKED): Step(State.OPEN),",
        "(State.OPEN, Event.ASKED): Step(State.OPEN, may_ask=True),",
        "tests/http/test_lookup.py",
    ),
    (
        "the checked address is looked up again",
        "http/client.py",
        "return request.sent(order, targets, deadline, tls)",
        "return request.sent(order, self._names.targets(parts.hostname or '', parts.port or 80, deadline),"
        " deadline, tls)",
        "tests/http/test_client.py",
    ),
    (
        "an IPv6 writing of this machine may be asked",
        "domain/reach.py",
        "return address.ipv4_mapped or address.sixtofour or address",
        "return address",
        "tests/domain/test_reach.py",
    ),
    (
        "whoever claims last has the message",
        "store/outbox_sending.py",
        " AND tries = ? AND (claimed_until <= ? OR claimed_until > ?) RETURNING id",
        " AND ? >= 0 AND (1 OR claimed_until <= ? OR claimed_until > ?) RETURNING id",
        "tests/store/journal/test_outbox.py",
    ),
    (
        "robots get messages as fast as they come",
        "domain/retry.py",
        "return last_try + timedelta(minutes=1) / per_minute if per_minute else last_try",
        "return last_try",
        "tests/notify/test_sender_retries.py",
    ),
    # The faults that other queues are known for (tests/calls/test_faults_elsewhere.py), one each.
    (
        "a member who was joined once stays taken",
        "domain/queue.py",
        "            young = one.rung_at is None or floor.now - one.rung_at < _NOT_COUNTED_YET",
        "            young = True",
        "tests/calls/test_faults_elsewhere.py",
    ),
    (
        "a line stays reserved for one who left",
        "calls/dispatch.py",
        "self._list.keep(kept, left_at=self._now())",
        "self._list.keep(kept)",
        "tests/calls/test_faults_elsewhere.py",
    ),
    (
        "a line is rung for one who left",
        "calls/dispatch.py",
        "            del self._tickets[ticket.waiting.uuid]",
        "            ticket.asleep = True",
        "tests/calls/test_faults_elsewhere.py",
    ),
    (
        "who came first is not served first",
        "domain/queue.py",
        "key=lambda one: (-one.priority, one.entered_at, one.uuid)",
        "key=lambda one: (-one.priority, one.uuid)",
        "tests/calls/test_faults_elsewhere.py",
    ),
    (
        "a queue dies with its process",
        "calls/orphans.py",
        "gone = {owner for owner in {one.owner for one in kept} if not self._is_alive(owner)}",
        "gone: set[str] = set()",
        "tests/calls/test_faults_elsewhere.py",
    ),
    (
        "a call that the list has missed is closed while it lives",
        "cdr/lost.py",
        "            if _is_there(uuid, api):",
        "            if False:",
        "tests/cdr/test_lost.py",
    ),
    (
        "a CDR that waits in the spool is overtaken",
        "cdr/lost.py",
        "        due = [begun[uuid] for uuid in gone if uuid not in written]",
        "        due = [begun[uuid] for uuid in gone]",
        "tests/cdr/test_lost.py",
    ),
    (
        "what was never known to end is charged",
        "domain/lost.py",
        "return replace(call, outcome=ABNORMAL,",
        'return replace(call, outcome=call.outcome or "answered",',
        "tests/cdr/test_lost.py",
    ),
    (
        "a caller of a dead switch has no end of his wait",
        "domain/lost.py",
        "return stays_of(over, open_one, call.joined_at, call.ended_at, gave_up=False)",
        'return stays_of(over, "", call.joined_at, call.ended_at, gave_up=False)',
        "tests/domain/test_lost.py",
    ),
    (
        "what a dead switch's call had noted is forgotten",
        "calls/under_way.py",
        "                self._keep([leg])\n",
        "",
        "tests/calls/test_under_way.py",
    ),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's own files."""
    folder: Path = tmp_path_factory.mktemp("mutated")
    for name in ("appliance", "webui", "tests", "docs", "freeswitch-scripts", "pyproject.toml"):
        source = _ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "vendor"))
        else:
            shutil.copy(source, folder / name)
    return folder


def run(folder: Path, tests: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-cov", "-p", "no:cacheprovider", tests]
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280)


def test_unbroken_they_pass(copy: Path) -> None:
    for tests in sorted({tests for *_, tests in MUTATIONS}):
        done = run(copy, tests)
        assert done.returncode == 0, done.stdout[-2000:]
    where = subprocess.run(
        [sys.executable, "-c", "import appliance; print(appliance.__file__)"],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )
    assert where.stdout.startswith(str(copy)), "the copy is what is tested"


@pytest.mark.parametrize(("what", "file", "there", "put", "tests"), MUTATIONS, ids=[one[0] for one in MUTATIONS])
def test_a_broken_rule_is_noticed(copy: Path, what: str, file: str, there: str, put: str, tests: str) -> None:
    path = copy / "appliance" / file
    whole = path.read_text(encoding="utf-8")
    assert whole.count(there) == 1, "the rule is written otherwise by now"
    path.write_text(whole.replace(there, put), encoding="utf-8")
    try:
        done = run(copy, tests)
    finally:
        path.write_text(whole, encoding="utf-8")
    assert done.returncode == 1, f"nobody noticed: {what}\n{done.stdout[-1500:]}"
    assert "failed" in done.stdout
