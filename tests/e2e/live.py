"""A whole box for a test: its site, its switch, its handlers and collector, and what it stored."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import soundfile
from sqlalchemy import select

from appliance import bootstrap, config
from appliance.cli import box
from appliance.config import Settings
from appliance.media import keys, listen
from appliance.ops.supervise import Supervisor
from appliance.store.models import CallLeg
from appliance.store.queries import calls, recordings
from appliance.store.queries.call_views import CallDetail
from appliance.store.queries.recordings import RecordingRow
from appliance.store.queries.scope import Scope, reading
from appliance.store.unit import Store
from tests.support.audio import Recording, read_wav
from tests.support.certificates import put_certificates
from tests.support.databases import sqlite_database
from tests.support.ports import free_rtp_range, free_tcp_port, free_udp_port, release
from tests.support.process import Process

#: RTP streams of a box; no test holds more. Other phones' ports lie elsewhere.
STREAMS = 400
NUMBER = "4006543210"
LANDING = "02155556666"


def site_text(port_a: int, port_b: int, *, accept: str = "127.0.0.1", max_calls: int = 2, number: str = "") -> str:
    """A site unlike the demonstration's: another number, keys 7 and 8, own prompt names, lines on two ports.

    :param number: further fields of the number (YAML flow style); default: by its flow.
    """
    where = number or "flow: front"
    return textwrap.dedent(
        f"""
        version: 1
        accounts:
          - {{id: acme, name: 测试企业}}
        operators:
          - {{login: admin, name: 管理员, roles: [administrator]}}
        trunks:
          - id: inbound
            name: 来话中继
            accept: ["{accept}"]
            called_from: [request-uri, to, diversion, history-info]
            landing: {{"{LANDING}": "{NUMBER}"}}
          - {{id: to-a, name: A, proxy: "127.0.0.1:{port_a}", caller_id: pass}}
          - {{id: to-b, name: B, proxy: "127.0.0.1:{port_b}", number_format: plus86, caller_number: "02180000000"}}
        lines:
          - id: first
            account: acme
            number: "02160000001"
            kind: landline
            trunk: to-a
            max_calls: {max_calls}
            ring_seconds: 3
          - id: second
            account: acme
            number: "13900000002"
            kind: mobile
            trunk: to-b
            max_calls: {max_calls}
            ring_seconds: 3
        flows:
          - name: front
            account: acme
            start: ask
            nodes:
              ask:
                type: menu
                prompt: tone-1750
                keys: {{"7": both, "8": only-second}}
                silence: bye
                wrong: bye
                attempts: 2
                timeout_s: 2
                wrong_prompt: tone-700
                silence_prompt: tone-800
              both: {{type: ring, lines: [first, second], failed: sorry}}
              only-second: {{type: ring, lines: [second]}}
              sorry: {{type: hangup, prompt: tone-500, cause: USER_BUSY}}
              bye: {{type: hangup, prompt: tone-1000}}
        numbers:
          - number: "{NUMBER}"
            account: acme
            {where}
            record: all
            record_notice: false
            subscriptions:
              - {{plan: six, starts_at: "2026-01-01T00:00:00+08:00"}}
        plans:
          - code: six
            name: 六秒计费
            charge_by: time
            meter: bridge
            prices:
              - effective_from: "2026-01-01T00:00:00+08:00"
                initial_seconds: 6
                step_seconds: 6
                per_minute: "0.6"
        """
    )


def tone_prompts(folder: Path) -> None:
    """Prompts that can be told apart by ear: ``tone-HZ.wav``, one second each."""
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    at = np.arange(8000) / 8000
    for hz in (1750, 500, 700, 800, 1000):
        samples = (0.4 * np.sin(2 * np.pi * hz * at)).astype("float32")
        soundfile.write(folder / f"tone-{hz}.wav", samples, 8000, subtype="PCM_16")


@dataclass(frozen=True)
class LiveBox:
    """A running box. ``port_a`` and ``port_b`` are where its lines ``first`` and ``second`` ring."""

    settings: Settings
    parts: Supervisor
    port_a: int
    port_b: int
    store: Store

    @property
    def sip(self) -> tuple[str, int]:
        """Where callers send their INVITEs."""
        return self.settings.sip_host, self.settings.sip_port

    def stored(
        self,
        count: int = 1,
        within_s: float = 10.0,
        *,
        charged: bool = True,
        wanted: calls.CallFilter = calls.CallFilter(),  # noqa: B008 - frozen
    ) -> list[CallDetail]:
        """The calls stored, newest first, as soon as there are ``count`` (and each is rated).

        Whoever asks for one call says so in ``wanted``: a module's box has stored a hundred, and is asked often.
        """
        deadline = time.monotonic() + within_s
        found: list[CallDetail] = []
        while time.monotonic() < deadline:
            with reading(self.store, Scope(None)) as reader:
                rows = calls.page(reader, wanted, limit=max(count, 100) * 10)
                found = [detail for row in rows if (detail := calls.one(reader, row.uuid)) is not None]
            ready = [one for one in found if one.charge is not None or not charged]
            # The line's leg may come a moment after the caller's: its call is derived anew then.
            whole = all(len(one.legs) > 1 for one in ready if one.row.joined_at)
            if len(ready) >= count and whole:
                return ready
            time.sleep(0.1)
        raise AssertionError(
            f"{len(found)} of {count} calls stored; collector says:\n{self.parts.log('collector')[-3000:]}"
        )

    def stored_of(self, caller: str, within_s: float = 10.0) -> CallDetail:
        """The call of a caller, as soon as it is whole: both legs of a talk, and its charge."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            for one in self.stored(0, charged=False, wanted=calls.CallFilter(caller=caller)):
                rated = one.charge is not None or one.row.account_id is None
                if one.row.caller == caller and rated and (one.row.joined_at is None or len(one.legs) > 1):
                    return one
            time.sleep(0.1)
        raise AssertionError(f"no stored call of {caller}; collector:\n{self.parts.log('collector')[-2000:]}")

    def went_out(self, call_uuid: str) -> list[tuple[str, str]]:
        """Role of each leg of a call that we placed by a trunk, and that trunk, as its CDR has them; sorted."""
        with self.store.reading() as session:
            legs = session.scalars(select(CallLeg).where(CallLeg.call_uuid == call_uuid)).all()
        return sorted((leg.role, str(leg.facts["gw_outward"])) for leg in legs if "gw_outward" in leg.facts)

    def kept(self, call_uuid: str, within_s: float = 20.0) -> RecordingRow:
        """The recording of a call, as soon as it is kept."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            with reading(self.store, Scope(None)) as reader:
                found = recordings.of_call(reader, call_uuid)
            if found:
                return found[0]
            time.sleep(0.1)
        raise AssertionError(f"not kept; keeper says:\n{self.parts.log('keeper')[-3000:]}")

    def heard(self, row: RecordingRow) -> Recording:
        """A kept recording, decrypted and decoded as a player gets it."""
        ring = keys.read_keyring(self.settings.recording_key_file)
        out = self.settings.state_dir / f"heard-{row.id}.wav"
        file = listen.opened(self.settings.recordings_dir, row.file, row.key_id, ring)
        with contextlib.closing(listen.Decoded(file)) as decoded:
            out.write_bytes(b"".join(decoded.part(0, decoded.size)))
        return read_wav(out)

    def usage(self, line: str) -> int:
        """Slots of a line that are taken, by the switch's own count."""
        with bootstrap.switch_api(self.settings) as api:
            return int(api(f"limit_usage hash line {line}"))


class OtherHandlers:
    """A second process of handlers, started once a call is in the hands of the box's own, which are killed then:
    the switch finds the second at once, as in an upgrade. (To start some takes a busy machine longer than the
    dialplan waits.) The box (``keep_up``) has its own again at the end."""

    def __init__(self, box: LiveBox) -> None:
        self._box = box
        self._others: Process | None = None
        self._killed = 0

    def start(self) -> None:
        """Returns when they take calls."""
        self._others = Process(
            [sys.executable, "-m", "appliance", "calls", "serve", "--grace", "1"],
            env={"APPLIANCE_CONFIG": str(self._box.settings.state_dir / "appliance.toml")},
        )
        self._others.wait_for_line("READY", 60)

    def kill_the_boxs(self) -> None:
        """SIGKILL."""
        self._killed = self._box.parts.pid("handlers")
        os.kill(self._killed, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        deadline = time.monotonic() + 60
        while not self._is_back() and time.monotonic() < deadline:
            time.sleep(0.1)
        if self._others is not None:
            self._others.stop()

    def _is_back(self) -> bool:
        return self._box.parts.pid("handlers") != self._killed and "READY" in self._box.parts.log("handlers")


@contextlib.contextmanager
def live_box(
    folder: Path,
    switch: str,
    *,
    console: bool = False,
    keep_up: bool = False,
    site: str | None = None,
    dies: Sequence[str] = (),
    **overrides: object,
) -> Iterator[LiveBox]:
    """A box on free ports of its own in ``folder``.

    :param site: another site's text, with ``@A@`` and ``@B@`` for the lines' ports.
    :param keep_up: start again what dies.
    :param dies: parts that the test kills for good.
    :param overrides: settings.
    """
    port_a, port_b = free_udp_port(), free_udp_port()
    rtp_first, rtp_last = free_rtp_range(STREAMS)
    settings = config.load(
        state_dir=folder,
        switch=switch,
        sip_port=free_udp_port(),
        phones_port=free_udp_port(),
        esl_port=free_tcp_port(),
        handlers_port=free_tcp_port(),
        console_port=free_tcp_port(),
        rtp_port_min=rtp_first,
        rtp_port_max=rtp_last,
        collect_interval_s=0.1,
        recording_interval_s=0.2,
        recording_key_file=str(folder / "recording-keys"),
        **overrides,
    )
    keys.add_key(settings.recording_key_file)
    tone_prompts(settings.prompts_dir / "acme")
    file = folder / "site.yaml"
    file.write_text(
        site.replace("@A@", str(port_a)).replace("@B@", str(port_b)) if site else site_text(port_a, port_b),
        encoding="utf-8",
    )
    if settings.database_url.startswith("sqlite"):
        # Of this version already: to migrate one takes longer than to apply the site.
        sqlite_database(folder / "appliance.db")
    bootstrap.set_up_site(settings, file)
    if switch == "freeswitch":
        put_certificates(folder / "switch" / "certs")
    try:
        with box.running(settings, keep_up=keep_up, console=console) as parts:
            with Store(settings.database_url) as store:
                yield LiveBox(settings, parts, port_a, port_b, store)
            ended = [name for name in parts.dead() if name not in dies]
            assert ended == [], f"ended on its own: {ended}"
            if switch == "freeswitch" and "switch" not in parts.dead():
                # Asked nicely it takes four seconds to leave, and a test's has nothing to save.
                os.kill(parts.pid("switch"), signal.SIGKILL)
    finally:
        for port in range(rtp_first, rtp_last + 1):
            release(port)
