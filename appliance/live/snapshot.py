"""The state of the box as those who watch get it: JSON, and its way back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from appliance.domain.live.board import Board
from appliance.store.names import Names

#: A row: what a dataclass of ``domain.live`` holds, times as texts (ISO 8601, UTC).
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state at ``at``.

    :param version: of what it says, whenever it was looked: the same state has the same one.
    :param switch_up: the switch answers. If it does not, there are no calls, and ``switch_since`` says since when.
    :param published: somebody looks. If nobody does (the publisher is away since ``at``), nothing else is known.
    """

    at: datetime
    version: str
    switch_up: bool
    switch_since: datetime | None
    published: bool = True
    calls: Sequence[Row] = ()
    queues: Sequence[Row] = ()
    lines: Sequence[Row] = ()
    trunks: Sequence[Row] = ()
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def written(board: Board, names: Names, at: datetime, away_since: datetime | None) -> bytes:
    """A snapshot as it travels; ``away_since``: the switch does not answer since then."""
    said = {
        "switch": {"up": away_since is None, "since": _text(away_since)},
        **_plain(board),
        "names": names,
    }
    body = json.dumps(said, default=_plain, ensure_ascii=False, separators=(",", ":"))
    version = _version(body)
    head = json.dumps({"at": at.isoformat(), "version": version})
    return f"{head[:-1]},{body[1:]}".encode()


def read(text: bytes) -> Snapshot:
    """What ``written`` wrote.

    :raises ValueError: it is something else.
    """
    try:
        said = json.loads(text)
        since = said["switch"]["since"]
        return Snapshot(
            at=datetime.fromisoformat(said["at"]),
            version=str(said["version"]),
            switch_up=bool(said["switch"]["up"]),
            switch_since=None if since is None else datetime.fromisoformat(since),
            calls=said["calls"],
            queues=said["queues"],
            lines=said["lines"],
            trunks=said["trunks"],
            names=said["names"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no snapshot: {error!r}") from error


def unpublished(since: datetime) -> Snapshot:
    """Nobody looks, since then."""
    return Snapshot(since, f"unpublished-{since.isoformat()}", False, None, published=False)


def scoped(snapshot: Snapshot, account: str | None) -> Snapshot:
    """What one account may see of it; None: everything. Of a trunk, which accounts share, it sees the channels of
    its own calls alone."""
    if account is None or not snapshot.published:
        return snapshot

    def own(rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if row["account"] == account]

    names = {kind: dict(snapshot.names.get(kind, {})) for kind in ("accounts", "lines", "numbers", "queues")}
    lines, queues = own(snapshot.lines), own(snapshot.queues)
    seen = {"accounts": {account}, "queues": {row["id"] for row in queues}}
    seen["lines"] = seen["numbers"] = {row["id"] for row in lines}
    mine = replace(
        snapshot,
        calls=own(snapshot.calls),
        queues=queues,
        lines=lines,
        trunks=[
            {**row, "channels": {account: row["channels"].get(account, 0)}, "max_calls": 0}
            for row in snapshot.trunks
        ],
        names={
            "trunks": snapshot.names.get("trunks", {}),
            **{kind: {id_: names[kind][id_] for id_ in ids if id_ in names[kind]} for kind, ids in seen.items()},
        },
    )
    parts = (mine.switch_up, _text(mine.switch_since), mine.calls, mine.queues, mine.lines, mine.trunks)
    return replace(mine, version=_version(json.dumps([*parts, mine.names], sort_keys=True)))


def moment(text: str | None) -> datetime | None:
    """A time of a row."""
    return None if text is None else datetime.fromisoformat(text)


def _version(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _plain(value: Any) -> Any:
    """A dataclass as its fields, a time as its text. Not ``asdict``, which copies all that is below: with a
    thousand calls that is most of a look."""
    if isinstance(value, datetime):
        return _text(value)
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()
