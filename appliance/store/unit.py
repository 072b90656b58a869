"""The unit of work: one use case, one transaction, one commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from sqlalchemy.orm import Session, sessionmaker

from appliance.store import engine as engines
from appliance.store.faults import translated


class Store:
    """The box's database. One a process, made before calls come; safe under gevent and threads.

    Keep no session open while a call waits: read, leave the block, then act.

    :param url: ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``.
    :param statement_timeout_s: PostgreSQL's limit for one statement, seconds; 0 is none.
    :raises StoreError: the URL is of no known kind. The database itself is met at the first statement.
    """

    def __init__(self, url: str, *, statement_timeout_s: float = engines.STATEMENT_TIMEOUT_S) -> None:
        self.url = engines.parse(url)
        self.engine = engines.engine(self.url, statement_timeout_s=statement_timeout_s)
        writing = self.engine.execution_options(**{engines.WRITES: True})
        reading = self.engine
        if self.engine.dialect.name == "postgresql":
            # As SQLite does by itself: all statements of one reading see the same moment.
            reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._work = sessionmaker(writing, expire_on_commit=False)
        self._reading = sessionmaker(reading, expire_on_commit=False)

    @contextmanager
    def work(self) -> Iterator[Session]:
        """One unit of work: whatever ``session.commit()`` has not kept when the block ends is rolled back.

        :raises StoreError: the disk is full, the database locked, unreachable, or not set up.
        """
        with translated(self.url), self._work() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One consistent reading; a write in it is refused by the database.

        :raises StoreError: as ``work``.
        """
        with translated(self.url), self._reading() as session:
            yield session

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
