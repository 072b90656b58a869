"""A box that sends to a server of the test's, by the real process."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.domain.hook import Message
from appliance.site.apply import apply
from appliance.store.journal_file import JournalFile
from appliance.store.outbox import JournalOutbox
from appliance.store.unit import Store
from tests.http.server import HttpServer
from tests.site.texts import document
from tests.support.databases import sqlite_database
from tests.support.process import Process

SECRET = "a long secret of the webhook"
ROOT = Path(__file__).parents[2]


def site(hooks: dict[str, str]) -> str:
    """Webhooks: id → address."""
    lines = ["version: 1", "accounts:", "  - {id: demo, name: 示范企业}", "hooks:"]
    for name, url in hooks.items():
        lines.append(f'  - {{id: {name}, account: demo, kind: webhook, url: "{url}", secret: "{SECRET}"}}')
    return "\n".join([*lines, ""])


@dataclass(frozen=True)
class SendingBox:
    """``state``: everything that it keeps."""

    state: Path

    @property
    def environment(self) -> dict[str, str]:
        """As its commands want it: it may ask this machine."""
        return {
            "APPLIANCE_STATE_DIR": str(self.state),
            "APPLIANCE_HTTP_ALLOW": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def journal(self) -> Path:
        return self.state / "journal.db"

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.state}/appliance.db"

    def apply(self, text: str) -> None:
        """A site file."""
        sqlite_database(self.state / "appliance.db")
        with Store(self.database_url) as store:
            apply(store, document(text), now=datetime.now(UTC))

    def put(self, names: Sequence[str], hook: str) -> None:
        """Messages, as a call's handler hands them over."""
        now = datetime.now(UTC)
        with closing(JournalFile(self.journal)) as file:
            for number, name in enumerate(names):
                at = now + number * timedelta(microseconds=1)
                JournalOutbox(file).put(Message(name, "demo", hook, f"words of {name}", "uuid", at))

    @contextmanager
    def sender(self) -> Iterator[Process]:
        """``appliance notify send``, up."""
        args = [sys.executable, "-m", "appliance", "notify", "send"]
        with Process(args, cwd=ROOT, env=self.environment) as process:
            process.wait_for_line("^READY outbox=", timeout=30)
            yield process


def received(server: HttpServer, path: str) -> list[str]:
    """The messages that came there, in their order."""
    return [one.headers["gateway400-message"] for one in list(server.asked) if one.line.split()[1] == path]
