"""A publisher that says what a test wants: the live state of a box that is not there."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.domain.live.board import Board, LineState, LiveLine, LiveQueue, LiveTrunk, LiveWaiter
from appliance.domain.live.calls import LiveCall, Stage
from appliance.live.snapshot import written
from appliance.store.names import Names

NAMES = Names(
    accounts={"east": "东方家电售后", "west": "西部物流"},
    lines={"sales-1": "销售一部", "sales-2": "销售二部", "desk-1": "前台", "west-1": "西部调度"},
    numbers={"sales-1": "02161234567", "sales-2": "13800138000", "desk-1": "02161234500"},
    queues={"hotline": "售后热线"},
    trunks={"telecom": "电信中继"},
)


def call(serial: int, stage: Stage, now: datetime, account: str = "east", **more: object) -> LiveCall:
    """A call that began ``serial`` minutes ago and stands where it does for half of that."""
    began = now - timedelta(minutes=serial)
    half = now - timedelta(seconds=30 * serial)
    return LiveCall(
        uuid=f"00000000-0000-4000-8000-{serial:012}",
        account=account,
        number="4008001234" if account == "east" else "4006005678",
        trunk="telecom",
        caller=f"1391234{serial:04}",
        caller_kind="mobile",
        started_at=began,
        stage=stage,
        since=half,
        **more,  # type: ignore[arg-type]
    )


def line(
    id_: str, state: LineState, now: datetime, calls: int = 0, most: int = 1, account: str = "east"
) -> LiveLine:
    """A line."""
    since = now - timedelta(seconds=75) if calls else None
    until = now + timedelta(seconds=15) if state is LineState.RESTING else None
    return LiveLine(id_, account, state, calls, most, since, until, False, None)


def busy_board(now: datetime) -> Board:
    """Something of everything, of two accounts."""
    return Board(
        calls=(
            call(9, Stage.TALKING, now, lines=("sales-1",), queue="hotline", recorded=True),
            call(4, Stage.TALKING, now, account="west", lines=("west-1",)),
            call(3, Stage.RINGING, now, lines=("sales-2", "desk-1")),
            call(2, Stage.QUEUE, now, queue="hotline"),
            call(1, Stage.FLOW, now, flow="main@1", node="welcome"),
        ),
        queues=(
            LiveQueue(
                "hotline",
                "east",
                (
                    LiveWaiter(
                        f"00000000-0000-4000-8000-{2:012}",
                        1,
                        "4008001234",
                        "13912340002",
                        0,
                        now - timedelta(minutes=1),
                        240,
                    ),
                ),
                3,
                0,
                2,
                1,
                0,
                True,
                3,
            ),
        ),
        lines=(
            line("sales-1", LineState.TALKING, now, 1, 2),
            line("sales-2", LineState.RINGING, now, 1),
            line("desk-1", LineState.RESTING, now),
            line("service-1", LineState.UNREGISTERED, now),
            line("west-1", LineState.TALKING, now, 1, account="west"),
        ),
        trunks=(
            LiveTrunk("telecom", True, now - timedelta(hours=30), {"east": 6, "west": 2}, 30),
            LiveTrunk("unicom", False, now - timedelta(minutes=7), {}, 0),
        ),
    )


class Publishing:
    """What is published; to be changed while it runs."""

    def __init__(self, board: Board) -> None:
        self.board: Board | None = board
        self.away_since: datetime | None = None
        #: When the switch was looked at; None: just now.
        self.at: datetime | None = None
        #: It takes those who ask and answers none.
        self.hangs = False
        self.asked = 0

    def text(self) -> bytes:
        """The snapshot of this moment; nothing: there is none."""
        if self.board is None:
            return b""
        return written(self.board, NAMES, self.at or datetime.now(UTC), self.away_since)


@contextmanager
def published(path: Path, board: Board) -> Iterator[Publishing]:
    """Publish at a socket, as the publisher does."""
    what = Publishing(board)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen(20)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, suppress(OSError):
                        what.asked += 1
                        while what.hangs:
                            time.sleep(0.1)
                        connection.sendall(what.text())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield what
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            path.unlink(missing_ok=True)
