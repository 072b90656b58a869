"""CDR files as mod_json_cdr writes them, made to measure; the real ones are in ``samples/``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from appliance.store.models import Call, CallLeg, SetAside
from appliance.store.unit import Store

SAMPLES = Path(__file__).parent / "samples"
START = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


def clock() -> datetime:
    return NOW


def micro(seconds: float) -> str:
    """``START`` and so many seconds, in the switch's microseconds."""
    return str(int((START + timedelta(seconds=seconds)).timestamp() * 1_000_000))


def caller_leg(call: str, begin: float = 0, **more: Any) -> dict[str, Any]:
    """Answered after 1 s, joined to ``CALL-line`` after 10 s, ended after 40 s."""
    return {
        "uuid": call,
        "call_uuid": call,
        "direction": "inbound",
        "start_uepoch": micro(begin),
        "answer_uepoch": micro(begin + 1),
        "bridge_uepoch": micro(begin + 10),
        "end_uepoch": micro(begin + 40),
        "bridge_uuid": f"{call}-line",
        "hangup_cause": "NORMAL_CLEARING",
        "gw_number": "4008001234",
        "gw_account": "east",
        "gw_caller": "13800138000",
        "gw_caller_kind": "mobile",
        "gw_line": "sales",
        "gw_outcome": "answered",
        **more,
    }


def line_leg(call: str, begin: float = 0, **more: Any) -> dict[str, Any]:
    """Joined after 10 s, ended after 30 s."""
    return {
        "uuid": f"{call}-line",
        "originator": call,
        "direction": "outbound",
        "start_uepoch": micro(begin + 5),
        "answer_uepoch": micro(begin + 10),
        "bridge_uepoch": micro(begin + 10),
        "end_uepoch": micro(begin + 30),
        "hangup_cause": "NORMAL_CLEARING",
        **more,
    }


def put(spool: Path, variables: dict[str, Any], *, age_s: float = 0) -> Path:
    """Write a leg's file, ``age_s`` old by the test's clock."""
    spool.mkdir(exist_ok=True)
    prefix = "a_" if "originator" not in variables else ""
    path = spool / f"{prefix}{variables['uuid']}.cdr.json"
    path.write_text(json.dumps({"variables": variables}, separators=(",", ":")) + "\n", encoding="utf-8")
    return aged(path, age_s)


def put_bytes(spool: Path, name: str, data: bytes, *, age_s: float = 0) -> Path:
    """Write any file."""
    spool.mkdir(exist_ok=True)
    path = spool / name
    path.write_bytes(data)
    return aged(path, age_s)


def put_calls(spool: Path, uuids: Iterable[str]) -> None:
    """Both legs of each call."""
    for uuid in uuids:
        put(spool, line_leg(uuid))
        put(spool, caller_leg(uuid))


def aged(path: Path, age_s: float) -> Path:
    written = NOW.timestamp() - age_s
    os.utime(path, (written, written))
    return path


def left(spool: Path) -> list[str]:
    """Names of the files in the spool."""
    return sorted(path.name for path in spool.iterdir() if path.is_file())


def aside(spool: Path) -> dict[str, str]:
    """Files set aside, with their reasons."""
    folder = spool / "aside"
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return {
        name: (folder / f"{name}.reason").read_text(encoding="utf-8").rstrip("\n")
        for name in sorted(found)
        if not name.endswith(".reason")
    }


def stored(store: Store) -> dict[str, Call]:
    """Every stored call."""
    with store.reading() as session:
        return {call.uuid: call for call in session.scalars(select(Call))}


def legs(store: Store) -> list[str]:
    """UUIDs of every stored leg."""
    with store.reading() as session:
        return list(session.scalars(select(CallLeg.leg_uuid).order_by(CallLeg.leg_uuid)))


def noted_aside(store: Store) -> dict[str, str]:
    """Rows about files that were set aside."""
    with store.reading() as session:
        return {row.file: row.reason for row in session.scalars(select(SetAside))}
