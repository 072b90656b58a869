"""How the box fares: the machine itself, and what was found out by asking its parts.

``read_health`` measures and judges; what it asks (switch, handlers, database) is handed in.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from appliance.config import Settings
from appliance.domain.recording import Room, room
from appliance.errors import ApplianceError
from appliance.ops.messages import Messages, judged_messages
from appliance.ops.state import State
from appliance.store.outbox import Fill

#: How long a part may take to answer, seconds.
PROBE_TIMEOUT_S = 1.0


#: Share used (percent) from which a resource is to be watched, and from which it is bad. The processors' is
#: what wants to run, so it may pass 100.
LIMITS = {"cpu": (100.0, 200.0), "memory": (85.0, 95.0), "disk": (85.0, 95.0)}
#: CDR files waiting: more than this many mean that the collector is behind, or away.
SPOOL_LIMITS = (50, 500)


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that can be used up, in bytes; of the processors ``total`` is their number, ``used`` unknown."""

    state: State
    percent: float
    used: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the box. ``fault`` says why it is not good, in the part's own words."""

    state: State
    where: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Spool:
    """CDR files that wait to be collected."""

    state: State
    waiting: int


@dataclass(frozen=True, slots=True)
class Recordings:
    """How recording fares.

    :param free: bytes free where recordings lie.
    :param waiting: the switch's files that are finished and not kept yet.
    :param damaged: how many could not be read and were set aside.
    """

    state: State
    room: Room
    free: int
    waiting: int
    damaged: int


@dataclass(frozen=True, slots=True)
class TrunkPart:
    """A trunk that is asked whether it is there; ``since`` when it was found so."""

    name: str
    up: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Trunks:
    """All trunks that are asked: to be watched when one is down, bad when all are."""

    state: State
    all: tuple[TrunkPart, ...]


@dataclass(frozen=True, slots=True)
class Banned:
    """Addresses that phones' passwords are being guessed from: to be watched."""

    state: State
    count: int


@dataclass(frozen=True, slots=True)
class Health:
    """All of it. ``last_cdr_at``: when the newest call was collected, None: never, or unknown."""

    state: State
    cpu: Resource
    memory: Resource
    disk: Resource
    switch: Part
    handlers: Part
    database: Part
    spool: Spool
    recordings: Recordings
    trunks: Trunks
    messages: Messages
    banned: Banned
    last_cdr_at: datetime | None
    up_since: datetime


@dataclass(frozen=True, slots=True)
class Probes:
    """How the parts are asked. Each returns, or raises what is wrong (``ApplianceError`` or ``OSError``).

    :param database: asks the database and returns when the newest call was collected.
    :param trunks: the trunks that are asked; nothing is asked for it.
    :param outbox: how full it is; likewise.
    :param damaged: how many recordings were set aside.
    :param waiting: how many are not kept yet.
    :param banned: how many addresses are refused.
    """

    switch: Callable[[], None]
    handlers: Callable[[], None]
    database: Callable[[], datetime | None]
    trunks: Callable[[], Sequence[TrunkPart]] = tuple
    outbox: Callable[[], Fill] = Fill
    damaged: Callable[[], int] = lambda: 0
    waiting: Callable[[], int] = lambda: 0
    banned: Callable[[], int] = lambda: 0


#: How the event socket greets (mod_event_socket ``listener_run``), and the handlers, which speak first.
SWITCH_GREETS, HANDLERS_GREET = b"Content-Type: auth/request", b"connect"


def greeted(host: str, port: int, greeting: bytes) -> Callable[[], None]:
    """A probe: something takes connections there and says so. The kernel alone would take them for a process that
    has come to a standstill, too."""

    def probe() -> None:
        with socket.create_connection((host, port), timeout=PROBE_TIMEOUT_S) as connection:
            heard = b""
            try:
                while len(heard) < len(greeting) and (more := connection.recv(64)):
                    heard += more
            except TimeoutError:
                raise TimeoutError("takes connections but says nothing") from None
            if not heard.startswith(greeting):
                raise ConnectionError(f"is something else: {heard[:40]!r}" if heard else "closes connections")

    return probe


def read_health(settings: Settings, probes: Probes) -> Health:
    """Measure the machine and ask every part; a part that fails is a finding, never an error."""
    switch = _asked(probes.switch, f"{settings.esl_host}:{settings.esl_port}")
    handlers = _asked(probes.handlers, f"{settings.handlers_host}:{settings.handlers_port}")
    last_cdr_at: datetime | None = None

    def ask_database() -> None:
        nonlocal last_cdr_at
        last_cdr_at = probes.database()

    database = _asked(ask_database, settings.database_url.split(":", 1)[0])
    # What waited for a processor in the last minute: a moment's peak is no finding.
    cores = psutil.cpu_count() or 1
    load = 100 * psutil.getloadavg()[0] / cores
    cpu = Resource(_judged("cpu", load), load, total=cores)
    ram = psutil.virtual_memory()
    memory = Resource(_judged("memory", ram.percent), ram.percent, ram.total - ram.available, ram.total)
    disk = _fullest(settings.state_dir, settings.spool_dir, settings.journal_file, settings.recordings_dir)
    spool = _spool(settings.spool_dir)
    recordings = _recordings(settings, probes)
    trunks = _judged_trunks(probes.trunks())
    messages = judged_messages(probes.outbox(), datetime.now(UTC))
    refused = probes.banned()
    banned = Banned(State.WATCH if refused else State.GOOD, refused)
    parts = (cpu, memory, disk, switch, handlers, database, spool, recordings, trunks, messages, banned)
    return Health(
        state=max((part.state for part in parts), key=list(State).index),
        cpu=cpu,
        memory=memory,
        disk=disk,
        switch=switch,
        handlers=handlers,
        database=database,
        spool=spool,
        recordings=recordings,
        trunks=trunks,
        messages=messages,
        banned=banned,
        last_cdr_at=last_cdr_at,
        up_since=datetime.fromtimestamp(psutil.boot_time(), UTC),
    )


def _asked(probe: Callable[[], None], where: str) -> Part:
    try:
        probe()
    except (ApplianceError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return Part(State.BAD, where, why or str(error) or type(error).__name__)
    return Part(State.GOOD, where)


def _recordings(settings: Settings, probes: Probes) -> Recordings:
    """No room is bad; little room, many that wait, and damaged ones are to be watched. What cannot be asked is told
    by the part that does not answer."""
    free = psutil.disk_usage(str(_existing(settings.recordings_dir))).free
    there = room(free, settings.disk_floor_mb << 20, settings.disk_warning_mb << 20, Room.PLENTY)
    waiting = damaged = 0
    with contextlib.suppress(ApplianceError, OSError):
        waiting, damaged = probes.waiting(), probes.damaged()
    watch, bad = SPOOL_LIMITS
    states = [
        {Room.PLENTY: State.GOOD, Room.SHORT: State.WATCH, Room.NONE: State.BAD}[there],
        State.BAD if waiting >= bad else State.WATCH if waiting >= watch else State.GOOD,
        State.WATCH if damaged else State.GOOD,
    ]
    return Recordings(max(states, key=list(State).index), there, free, waiting, damaged)


def _judged_trunks(trunks: Sequence[TrunkPart]) -> Trunks:
    down = sum(not trunk.up for trunk in trunks)
    state = State.GOOD if not down else State.BAD if down == len(trunks) else State.WATCH
    return Trunks(state, tuple(trunks))


def _fullest(*places: Path) -> Resource:
    """The file system with the least room left, of those that the box writes to: they may be several."""
    space = max((psutil.disk_usage(str(_existing(place))) for place in places), key=lambda one: one.percent)
    return Resource(_judged("disk", space.percent), space.percent, space.used, space.total)


def _judged(what: str, percent: float) -> State:
    watch, bad = LIMITS[what]
    return State.BAD if percent >= bad else State.WATCH if percent >= watch else State.GOOD


def _spool(folder: Path) -> Spool:
    """Files named as the switch names a finished CDR; what is being written has another ending."""
    try:
        waiting = sum(1 for entry in folder.iterdir() if entry.name.endswith(".cdr.json"))
    except FileNotFoundError:
        waiting = 0  # nothing was ever put there
    except OSError:
        return Spool(State.BAD, 0)
    watch, bad = SPOOL_LIMITS
    return Spool(State.BAD if waiting >= bad else State.WATCH if waiting >= watch else State.GOOD, waiting)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())
