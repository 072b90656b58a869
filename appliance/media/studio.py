"""The enterprises' own prompts: made, replaced, brought back.

A prompt is a file, which calls find without a database, and a row, by which the console knows it. They change in
one unit of work: the version's file is there before the row, the played file is replaced before the commit and put
back where that fails. What a crash in between leaves, ``prompt_check`` sees.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from appliance.media.apart import Converted, Job, convert_apart
from appliance.media.convert import Limits
from appliance.media.faults import PromptFault
from appliance.media.prompts import is_prompt_name
from appliance.media.shelf import Shelf, digest
from appliance.media.speech import Previews, clean
from appliance.store import prompts as rows
from appliance.store.models import Prompt
from appliance.store.queries.prompts import PromptVersion, view
from appliance.store.unit import Store

#: Longest title, characters.
TITLE_LIMIT = 100
Source = Literal["upload", "tts", "phone"]


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound file that is to become a prompt. ``file_name``: as its owner calls it; it is shown, never opened."""

    name: str
    file: Path
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one of many: the version made, or the fault."""

    file_name: str
    name: str
    made: PromptVersion | None = None
    fault: PromptFault | None = None


@dataclass(frozen=True, slots=True)
class Studio:
    """:param keep: versions of a prompt that are kept, the one in use among them.
    :param now: the clock.
    :param convert: makes prompts of files, one result for each.
    """

    store: Store
    shelf: Shelf
    previews: Previews
    limits: Limits
    keep: int
    now: Callable[[], datetime]
    convert: Callable[[Sequence[Job], Limits], list[Converted]] = convert_apart

    def add(self, account: str, recording: Recording, *, by: str, title: str | None = None) -> PromptVersion:
        """Make a recording the account's prompt of that name; calls that begin from now on hear it.

        :param title: how the console calls it; None: as before.
        :raises PromptFault: nothing was changed.
        """
        (outcome,) = self.add_all(account, [recording], by=by, title=title)
        if outcome.fault is not None:
            raise outcome.fault
        assert outcome.made is not None  # noqa: S101 - the one or the other
        return outcome.made

    def add_all(
        self, account: str, recordings: Sequence[Recording], *, by: str, title: str | None = None
    ) -> list[Outcome]:
        """Each for itself: a bad one is reported, and costs none of the others."""
        return self._made(account, recordings, "upload", by, title, "")

    def say(self, account: str, name: str, text: str, *, by: str, title: str | None = None) -> PromptVersion:
        """Make the prompt by text-to-speech.

        :raises PromptFault: nothing was changed.
        """
        said = Recording(name, self.previews.said(text))
        (outcome,) = self._made(account, [said], "tts", by, title, clean(text))
        if outcome.fault is not None:
            raise outcome.fault
        assert outcome.made is not None  # noqa: S101
        return outcome.made

    def record(self, account: str, recording: Recording, *, by: str, title: str | None = None) -> PromptVersion:
        """Make the prompt of what somebody recorded by phone, without the silence at its ends.

        :raises PromptFault: nothing was changed.
        """
        (outcome,) = self._made(account, [recording], "phone", by, title, "")
        if outcome.fault is not None:
            raise outcome.fault
        assert outcome.made is not None  # noqa: S101
        return outcome.made

    def go_back(self, account: str, name: str, version: int | None = None) -> PromptVersion:
        """Have calls play an older version; None: the newest before the one in use, or, where the default is in
        use, the newest.

        :raises PromptFault: there is none, or its file is not what it was.
        """
        with self._changing(account, name) as (session, found):
            if version is None:
                in_use = next((row.version for row in found if row.in_use), None)
                older = [row.version for row in found if in_use is None or row.version < in_use]
                if not older:
                    raise PromptFault("no-version-before", name=name)
                version = max(older)
            row = next((row for row in found if row.version == version), None)
            if row is None:
                raise PromptFault("unknown-version", name=name, version=version)
            file = self.shelf.kept(account, name, version)
            if not file.is_file() or digest(file) != row.sha256:
                raise PromptFault("version-gone", name=name, version=version)
            rows.put_in_use(found, version)
            self._play_and_commit(session, account, name, version)
            return view(row)

    def use_default(self, account: str, name: str, used_by: Sequence[str] = ()) -> None:
        """Have calls play the default set's again; the versions are kept.

        :param used_by: what plays it, for the report.
        :raises PromptFault: there is no default, and something plays it.
        """
        if used_by and self.shelf.library.default(name) is None:
            raise PromptFault("no-default", name=name, used_by=", ".join(used_by))
        with self._changing(account, name) as (session, found):
            rows.put_in_use(found, None)
            self._play_and_commit(session, account, name, None)

    def remove(self, account: str, name: str, used_by: Sequence[str] = ()) -> None:
        """Forget a prompt with every version.

        :raises PromptFault: as ``use_default``.
        """
        self.use_default(account, name, used_by)
        with self._changing(account, name) as (session, found):
            gone = [row.version for row in found]
            for row in found:
                session.delete(row)
            session.commit()
        for version in gone:
            self.shelf.forget(account, name, version)

    def _made(
        self, account: str, recordings: Sequence[Recording], source: Source, by: str, title: str | None, text: str
    ) -> list[Outcome]:
        if title is not None:
            title = " ".join("".join(one if one.isprintable() else " " for one in title).split())
            if len(title) > TITLE_LIMIT:
                raise PromptFault("bad-title")
        outcomes: dict[int, Outcome] = {}
        with contextlib.ExitStack() as stack:
            jobs: dict[int, Job] = {}
            for place, one in enumerate(recordings):
                try:
                    room = self._room(account, one.name, stack)
                    jobs[place] = Job(one.file, room, trim=source == "phone")
                except PromptFault as fault:
                    outcomes[place] = Outcome(one.file_name, one.name, fault=fault)
            for (place, job), done in zip(
                jobs.items(), self.convert(list(jobs.values()), self.limits), strict=True
            ):
                one = recordings[place]
                row = Prompt(
                    account_id=account,
                    name=one.name,
                    title=title,
                    source=source,
                    text=text,
                    file_name=shown_name(one.file_name),
                    made_by=by[:100],
                    made_at=self.now(),
                    in_use=True,
                )
                try:
                    made = self._kept(row, job.target, done)
                    outcomes[place] = Outcome(one.file_name, one.name, made)
                except PromptFault as fault:
                    outcomes[place] = Outcome(one.file_name, one.name, fault=fault)
        return [outcomes[place] for place in range(len(recordings))]

    def _room(self, account: str, name: str, stack: contextlib.ExitStack) -> Path:
        """A file, not there yet, for a conversion, on the disk on which the prompt will be; removed at the end."""
        if not is_prompt_name(name):
            raise PromptFault("bad-name", name=name[:60])
        with self.store.reading() as session:
            if not rows.has_account(session, account):
                raise PromptFault("unknown-account", account=account)
        try:
            folder = self.shelf.make_room(account, name)
            return Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder, prefix=".new-"))) / "made.wav"
        except OSError as error:
            raise PromptFault("not-written") from error

    def _kept(self, row: Prompt, converted: Path, done: Converted) -> PromptVersion:
        """Keep what was converted as the newest version, and have it played."""
        if done.fault is not None:
            raise PromptFault(done.fault, most_mb=self.limits.most_bytes >> 20, most_s=round(self.limits.most_s))
        row.milliseconds = round(done.seconds * 1000)
        row.sha256 = digest(converted)
        account, name = row.account_id, row.name
        with self._changing(account, name, must_exist=False) as (session, found):
            row.version = max((one.version for one in found), default=0) + 1
            row.title = (row.title or "") if row.title is not None or not found else found[0].title
            old = found[self.keep - 1 :] if len(found) >= self.keep else []
            for gone in old:
                session.delete(gone)
            rows.put_in_use(found, None)
            session.add(row)
            session.flush()
            kept = self.shelf.kept(account, name, row.version)
            try:
                converted.replace(kept)
                kept.chmod(0o644)
                self._play_and_commit(session, account, name, row.version)
            except BaseException:
                self.shelf.forget(account, name, row.version)
                raise
            made = view(row)
        for gone in old:
            self.shelf.forget(account, name, gone.version)
        return made

    @contextlib.contextmanager
    def _changing(
        self, account: str, name: str, *, must_exist: bool = True
    ) -> Iterator[tuple[Session, list[Prompt]]]:
        """One unit of work on a prompt's versions; files that cannot be written are a fault of the prompt."""
        if not is_prompt_name(name):
            raise PromptFault("bad-name", name=name[:60])
        with self.store.work() as session:
            if not rows.lock_account(session, account):
                raise PromptFault("unknown-account", account=account)
            found = rows.versions(session, account, name)
            if must_exist and not found:
                raise PromptFault("unknown-prompt", name=name)
            try:
                yield session, found
            except OSError as error:
                raise PromptFault("not-written") from error

    def _play_and_commit(self, session: Session, account: str, name: str, version: int | None) -> None:
        """The played file first: a caller in between hears the new one a moment early. Where the commit fails, the
        old one again."""
        played = self.shelf.library.own(account, name)
        with tempfile.TemporaryDirectory(dir=self.shelf.make_room(account, name), prefix=".old-") as folder:
            old = Path(folder) / "old.wav"
            with contextlib.suppress(FileNotFoundError):
                old.hardlink_to(played)
            self.shelf.play(account, name, version)
            try:
                session.commit()
            except BaseException:
                self._put_back(old, played)
                raise

    @staticmethod
    def _put_back(old: Path, played: Path) -> None:
        if old.exists():
            old.replace(played)
        else:
            played.unlink(missing_ok=True)


def shown_name(file_name: str) -> str:
    """The last part of what a browser or an archive calls a file, to be shown.

    >>> shown_name("../../etc/欢迎.mp3"), shown_name("C:\\\\voice\\\\a.wav")
    ('欢迎.mp3', 'a.wav')
    """
    last = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(one for one in last if one.isprintable())[:200]
