"""The test equipment is able to fail."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from appliance.testphone import CallFailed, LineScript, Phone
from appliance.testphone.tones import silence, tone
from tests.support import audio
from tests.support.freeswitch import find_freeswitch, require_freeswitch
from tests.support.ports import LAST, free_port_block, free_rtp_range, free_tcp_port, free_udp_port, release
from tests.support.process import Process, ProcessFailed
from tests.support.sipp import SippLine, run_sipp

SOUND = np.concatenate([silence(0.5), tone(440, 1.0), silence(0.3), tone(600, 0.4)])


def test_tones_are_found_where_they_are() -> None:
    ((start, end),) = audio.segments(SOUND, 440)
    assert [start, end] == pytest.approx([0.5, 1.5], abs=0.03)
    ((start, end),) = audio.segments(SOUND, 600)
    assert [start, end] == pytest.approx([1.8, 2.2], abs=0.03)
    assert audio.segments(SOUND, 900) == []
    assert audio.dominant_hz(SOUND, 0.6, 1.4) == pytest.approx(440, abs=1)
    assert audio.dominant_hz(SOUND, 0.0, 0.4) == 0.0
    assert audio.longest_silence(SOUND, 0.6, 2.2) == pytest.approx(0.3, abs=0.06)
    assert audio.longest_silence(SOUND, 0.6, 1.4) == 0.0
    mixed = (tone(440, 1.0) + tone(600, 1.0)).astype(np.int16)
    assert audio.tone_present(mixed, 440, 0, 1) and audio.tone_present(mixed, 600, 0, 1)
    assert len(audio.loud_segments(SOUND)) == 2


def test_audio_assertions_fail_with_what_was_heard() -> None:
    audio.assert_tone(SOUND, 440, 0.55, 1.45)
    audio.assert_silent(SOUND, 0.0, 0.45)
    audio.assert_no_tone(SOUND, 600, 0.0, 1.7)
    with pytest.raises(AssertionError, match=r"no 600 Hz .* strongest there 440 Hz.* at 1\.8"):
        audio.assert_tone(SOUND, 600, 0.6, 1.4)
    with pytest.raises(AssertionError, match="strongest 440 Hz"):
        audio.assert_silent(SOUND, 0.2, 1.0)
    with pytest.raises(AssertionError, match="heard at"):
        audio.assert_no_tone(SOUND, 600, 1.0, 2.0)
    with pytest.raises(ValueError, match="outside the 2"):
        audio.assert_silent(SOUND, 2.0, 3.0)


def test_wav_left_and_right(tmp_path: Path) -> None:
    path = tmp_path / "both.wav"
    audio.write_wav(path, np.stack([tone(440, 0.5), tone(600, 0.5)], axis=1))
    recording = audio.read_wav(path)
    assert (recording.rate, recording.seconds) == (8000, 0.5)
    assert recording.right is not None
    audio.assert_tone(recording.left, 440, 0.0, 0.5)
    audio.assert_tone(recording.right, 600, 0.0, 0.5)
    audio.write_wav(path, tone(440, 0.1))
    assert audio.read_wav(path).right is None


def test_ports_are_nobody_elses() -> None:
    ports = [free_udp_port() for _ in range(20)] + [free_tcp_port() for _ in range(20)]
    first, last = free_rtp_range(10)
    assert first % 2 == 0 and last - first == 19
    assert len({*ports, *range(first, last + 1)}) == 60
    code = f"from tests.support import ports; print([ports._reserve(p) for p in {ports[:3]}])"
    run = [sys.executable, "-c", code]
    taken = subprocess.run(run, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert taken.stdout.split() == ["[False,", "False,", "False]"]
    for port in (*ports, *range(first, last + 1)):
        release(port)
    freed = subprocess.run(run, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert freed.stdout.split() == ["[True,", "True,", "True]"]
    with pytest.raises(OSError, match="neighbouring"):
        free_port_block(LAST)


PYTHON = [sys.executable, "-u", "-c"]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)"


def test_process_lines_port_and_end() -> None:
    port = free_tcp_port()
    code = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); print('up 7'); time.sleep(60)"
    with Process([*PYTHON, code]) as process:
        assert process.wait_for_line(r"up (\d)").group(1) == "7"
        process.wait_for_port(port)
        with pytest.raises(ProcessFailed, match=r"(?s)no line with 'down'.*up 7"):
            process.wait_for_line("down", 0.1)
        with pytest.raises(ProcessFailed, match="did not end"):
            process.wait(0.1)
        assert process.stop() == -signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)  # reaped: not even a zombie
    with Process([*PYTHON, "print('bye'); raise SystemExit(3)"]) as process:
        with pytest.raises(ProcessFailed, match=r"(?s)before its end.*bye"):
            process.wait_for_line("never")
        with pytest.raises(ProcessFailed, match="ended before port"):
            process.wait_for_port(port)
        assert process.wait() == 3


def test_process_that_ignores_term_is_killed_with_its_children() -> None:
    child = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-u', '-c', {STUBBORN!r}]).pid)"
    with Process([*PYTHON, child + f"; exec({STUBBORN!r})"]) as process:
        grandchild = int(process.wait_for_line(r"^(\d+)$").group(1))
        process.wait_for_line("up")
        assert process.stop(0.2) == -signal.SIGKILL
    assert not _runs(grandchild)


def _runs(pid: int) -> bool:
    """Whether a process is alive; one that waits to be reaped by init is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_freeswitch_is_named_or_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREESWITCH", sys.executable)
    assert find_freeswitch() == Path(sys.executable)
    monkeypatch.setenv("FREESWITCH", "/nowhere/freeswitch")
    with pytest.raises(pytest.skip.Exception, match="cannot be run"):
        require_freeswitch()
    monkeypatch.delenv("FREESWITCH")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(pytest.skip.Exception, match="not installed"):
        require_freeswitch()
    with pytest.raises(pytest.skip.Exception, match="no sipp"):
        run_sipp("caller-hangs-up.xml", ("127.0.0.1", 9), service="1")


@pytest.mark.sipp
async def test_sipp_calls_and_counts() -> None:
    numbers = ["13800138001", "13800138002", "13800138003"]
    async with Phone(on_invite=LineScript.answer(0.1)) as line:
        scenario, number = "caller-hangs-up.xml", "4008001234"
        result = await asyncio.to_thread(
            run_sipp, scenario, line.address, service=number, calls=3, duration_ms=200, callers=numbers, timeout=10
        )
        result.check(3)
        assert 0.05 < result.seconds("answer") < 1.0
        assert [leg.caller for leg in line.calls] == numbers
        line.on_invite = LineScript.busy()
        result = await asyncio.to_thread(run_sipp, scenario, line.address, service=number, calls=2, timeout=10)
        assert (result.created, result.successes, result.failures) == (2, 0, 2)
        with pytest.raises(AssertionError, match=r"(?s)0 of 2 calls succeeded, 2 failed.*486 Busy"):
            result.check(2)


@pytest.mark.sipp
async def test_sipp_caller_presses_1() -> None:
    async with Phone(on_invite=LineScript.answer(0.1)) as line:
        running = asyncio.create_task(
            asyncio.to_thread(run_sipp, "caller-presses-1.xml", line.address, service="400", timeout=10)
        )
        leg = await line.incoming()
        await leg.hears_keys("1")
        await leg.hangup()
        (await running).check(1)


@pytest.mark.sipp
async def test_sipp_lines() -> None:
    async with Phone(t1=0.1) as caller:
        with SippLine("line-answers.xml") as answers, SippLine("line-busy.xml") as busy:
            call = await caller.dial("1", ("127.0.0.1", answers.port))
            refused = await caller.dial("1", ("127.0.0.1", busy.port))
            with pytest.raises(CallFailed, match="486"):
                await refused.answered()
            await call.answered()
            assert (await call.ended()).by == "them"
            both = await asyncio.gather(*(asyncio.to_thread(line.stop) for line in (answers, busy)))
            for result in both:
                result.check(1)
