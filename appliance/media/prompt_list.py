"""All prompts of an account in one list: the catalogue's, then those that its own flows play or that it made."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.media.announcements import Announcement, Catalogue
from appliance.media.prompts import PromptLibrary
from appliance.store.queries.prompts import PromptVersion, Use


@dataclass(frozen=True, slots=True)
class Entry:
    """A prompt of an account.

    :param announcement: the catalogue's; None: one of the account's own flows.
    :param versions: those kept, the newest first.
    :param file: what a caller hears now; None: nothing.
    :param is_own: ``file`` is the account's own, not the default set's.
    """

    name: str
    announcement: Announcement | None
    versions: tuple[PromptVersion, ...]
    used_by: tuple[Use, ...]
    file: Path | None
    is_own: bool
    has_default: bool

    @property
    def in_use(self) -> PromptVersion | None:
        """The version that is said to be in use."""
        return next((one for one in self.versions if one.in_use), None)

    @property
    def title(self) -> str:
        """What the account calls it."""
        return self.versions[0].title if self.versions else ""

    @property
    def text(self) -> str:
        """What it says: the words of the version in use where they are known, else those of the catalogue."""
        version = self.in_use
        if version is not None and version.text:
            return version.text
        return self.announcement.text if self.announcement is not None else ""

    @property
    def counts(self) -> bool:
        """Whether it belongs to the announcements that an enterprise has to record."""
        return self.announcement is not None and (self.announcement.is_needed or bool(self.used_by))

    @property
    def is_recorded(self) -> bool:
        """Whether a voice of the account's own is heard, not a synthetic one."""
        return self.is_own and (self.in_use is None or self.in_use.source != "tts")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an account is: announcements with its own recording, of all."""

    recorded: int
    all: int


def entries(
    library: PromptLibrary,
    catalogue: Catalogue,
    account: str,
    versions: Sequence[PromptVersion],
    uses: Mapping[str, tuple[Use, ...]],
) -> list[Entry]:
    """The list; the demonstration's announcement only where something plays it.

    :param versions: all of the account's.
    """
    own: dict[str, list[PromptVersion]] = {}
    for version in versions:
        own.setdefault(version.name, []).append(version)
    others = sorted((set(own) | set(uses)) - set(catalogue.announcements))
    made = []
    for name in (*catalogue.announcements, *others):
        announcement = catalogue.announcements.get(name)
        if announcement is not None and not announcement.is_needed and name not in own and name not in uses:
            continue
        file = library.find(account, name)
        made.append(
            Entry(
                name=name,
                announcement=announcement,
                versions=tuple(own.get(name, ())),
                used_by=uses.get(name, ()),
                file=file,
                is_own=file is not None and file == library.own(account, name),
                has_default=library.default(name) is not None,
            )
        )
    return made


def progress(listed: Sequence[Entry]) -> Progress:
    """How many of the announcements are the account's own recordings."""
    counted = [one for one in listed if one.counts]
    return Progress(sum(one.is_recorded for one in counted), len(counted))


def sheet(listed: Sequence[Entry]) -> bytes:
    """An XLSX file for the speaker: what to say, under which file name. Every cell is a text, whatever it looks
    like: no formula, no link."""
    import xlsxwriter

    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        page = book.add_worksheet("提示音 Prompts")
        head, plain = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        for row, cells in enumerate(_cells(listed)):
            for column, text in enumerate(cells):
                page.write_string(row, column, text, head if row == 0 else plain)
        page.freeze_panes(1, 0)
        for column, width in enumerate((24, 44, 44, 44, 20)):
            page.set_column(column, column, width)
    return made.getvalue()


def _cells(listed: Sequence[Entry]) -> Iterator[tuple[str, ...]]:
    yield ("文件名 File", "文字 Words", "含义 Meaning", "播放时机 When", "现状 Now")
    for one in listed:
        about = one.announcement
        used = "、".join(map(str, one.used_by))
        yield (
            f"{one.name}.wav",
            one.text or ("（音乐 music）" if about is not None else one.title),
            about.english if about is not None else one.title,
            f"{about.when} / {about.when_english}" if about is not None else used,
            "自己的 own" if one.is_recorded else "合成 synthetic" if one.file is not None else "缺 missing",
        )
