"""A box with stored calls and finished WAVs, for tests of keeping."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from appliance.media.keep import Keeping
from appliance.media.keys import NO_KEYS, Keyring, key_id
from appliance.store.models import Account, Call, Number, Recording
from appliance.store.unit import Store
from appliance.testphone.tones import Samples, tone
from tests.support.audio import write_wav

NOW = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
CALL_AT = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
KEY = bytes(range(32))
RING = Keyring(key_id(KEY), {key_id(KEY): KEY})


def uuid(serial: int) -> str:
    return f"00000000-0000-4000-8000-{serial:012d}"


def talk(serial: int) -> str:
    return f"2026/11/27/{uuid(serial)}.wav"


def message(serial: int, ordinal: int = 1) -> str:
    return f"messages/{uuid(serial)}-m{ordinal}.wav"


def add_call(
    store: Store,
    serial: int,
    *,
    messages: str = "",
    account: str = "east",
    days: int = 180,
    recorded: bool = True,
    began: datetime = CALL_AT,
) -> None:
    number = {"east": "4008001234", "west": "4008005678"}[account]
    with store.work() as session:
        if session.get(Account, account) is None:
            session.add(Account(id=account, name=account))
            session.flush()
            session.add(Number(number=number, account_id=account, retention_days=days))
        session.add(
            Call(
                uuid=uuid(serial),
                account_id=account,
                number=number,
                caller="13800138000",
                started_at=began,
                ended_at=began,
                joined_at=CALL_AT,
                recording=talk(serial) if recorded else "",
                messages=messages,
                collected_at=CALL_AT,
            )
        )
        session.commit()


def write(root: Path, name: str, left: Samples | None = None, right: Samples | None = None) -> Path:
    """A WAV of a second and a half, finished a minute ago."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    left = tone(600, 1.5) if left is None else left
    if name.startswith("messages"):
        write_wav(path, left)
    else:
        write_wav(path, np.column_stack([left, tone(900, 1.5) if right is None else right]))
    os.utime(path, (NOW.timestamp() - 60,) * 2)
    return path


def keeping(root: Path, store: Store, **changed: Any) -> Keeping:
    root.mkdir(exist_ok=True)
    return replace(Keeping(root, store, lambda: NOW, NO_KEYS), **changed)


def rows(store: Store) -> list[Recording]:
    from sqlalchemy import select

    with store.reading() as session:
        return list(session.scalars(select(Recording).order_by(Recording.id)))


def files(root: Path) -> set[str]:
    """Every file that is there, but the lock."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.name != ".keeping"}
