"""Prompts are made, replaced and brought back; files and rows stay the same, whatever fails."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from appliance.errors import StoreError
from appliance.media import bundle
from appliance.media.announcements import load_catalogue
from appliance.media.apart import Converted, Job, convert_one
from appliance.media.convert import Limits
from appliance.media.default_set import DEFAULT_SET
from appliance.media.faults import MESSAGES, PromptFault
from appliance.media.prompt_check import check_account, check_defaults
from appliance.media.prompt_list import entries, progress, sheet
from appliance.media.prompts import PromptLibrary
from appliance.media.shelf import Shelf
from appliance.media.speech import Previews
from appliance.media.studio import Recording, Studio
from appliance.store import prompts as rows
from appliance.store.models import Account
from appliance.store.queries import Scope, reading
from appliance.store.queries.prompts import PromptVersion, Use, prompt_versions
from appliance.store.unit import Store
from tests.media.test_speech import Tones
from tests.support.audio import dominant_hz, read_wav
from tests.support.databases import *  # noqa: F403

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


@pytest.fixture
def kind() -> str:
    """SQLite, but where a test asks for both."""
    return "sqlite"


both_databases = pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])


@pytest.fixture
def studio(store: Store, tmp_path: Path) -> Iterator[Studio]:
    with store.work() as session:
        session.add_all([Account(id="east", name="东方"), Account(id="west", name="西部")])
        session.commit()
    shelf = Shelf(PromptLibrary(tmp_path / "prompts", DEFAULT_SET))
    previews = Previews(tmp_path / "previews", Tones())
    yield Studio(store, shelf, previews, Limits(), keep=3, now=lambda: NOW, convert=here)


def here(jobs: Sequence[Job], limits: Limits) -> list[Converted]:
    """Not in a process apart, which takes half a second to start."""
    return [convert_one(job, limits) for job in jobs]


def tone(folder: Path, hz: int) -> Path:
    file = folder / f"tone-{hz}.flac"
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * hz * np.arange(16000) / 16000), 16000)
    return file


def heard(studio: Studio, account: str = "east", name: str = "bye") -> int:
    """The frequency that a caller hears; 0: the default set's."""
    file = studio.shelf.library.find(account, name)
    assert file is not None
    return 0 if file.parent == DEFAULT_SET else round(dominant_hz(read_wav(file).left), -1)


def listed(studio: Studio, account: str = "east") -> list[PromptVersion]:
    with reading(studio.store, Scope(account)) as reader:
        return prompt_versions(reader, account)


def faults(studio: Studio, account: str = "east", **uses: tuple[Use, ...]) -> list[str]:
    return [str(one) for one in check_account(studio.shelf, account, listed(studio, account), uses)]


def add(studio: Studio, folder: Path, hz: int, name: str = "bye", title: str | None = None) -> PromptVersion:
    return studio.add("east", Recording(name, tone(folder, hz), "我的.flac"), by="desk", title=title)


def code(caught: pytest.ExceptionInfo[PromptFault]) -> str:
    assert caught.value.words("zh") and caught.value.words("en") == str(caught.value)
    return caught.value.code


@both_databases
def test_a_prompt_is_made_replaced_and_brought_back(studio: Studio, tmp_path: Path) -> None:
    assert heard(studio) == 0
    first = add(studio, tmp_path, 600, title=" 再见\n\x1b\u202e <b>")
    assert (first.version, first.title, first.source, first.file_name, first.made_by) == (
        1,
        "再见 <b>",
        "upload",
        "我的.flac",
        "desk",
    )
    assert (first.milliseconds, first.made_at, first.in_use) == (1000, NOW, True)
    assert heard(studio) == 600
    assert heard(studio, "west") == 0, "nobody else's"
    second = add(studio, tmp_path, 900)
    assert (second.version, second.title, heard(studio)) == (2, "再见 <b>", 900)
    assert studio.go_back("east", "bye").version == 1
    assert heard(studio) == 600
    assert studio.go_back("east", "bye", 2).version == 2
    assert heard(studio) == 900
    studio.use_default("east", "bye")
    assert heard(studio) == 0
    assert [one.in_use for one in listed(studio)] == [False, False]
    assert studio.go_back("east", "bye").version == 2, "what was there before the default"
    assert faults(studio) == []
    studio.remove("east", "bye")
    assert (heard(studio), listed(studio), faults(studio)) == (0, [], [])


def test_old_versions_are_kept_as_many_as_the_setting_says(studio: Studio, tmp_path: Path) -> None:
    for hz in (500, 600, 700, 800, 900):
        add(studio, tmp_path, hz)
    assert [one.version for one in listed(studio)] == [5, 4, 3]
    assert list(studio.shelf.all_kept("east")) == [("bye", 3), ("bye", 4), ("bye", 5)]
    assert faults(studio) == []


def test_a_text_is_said(studio: Studio) -> None:
    made = studio.say("east", "bye", " 再见\n", by="desk", title="道别")
    assert (made.source, made.text, made.file_name, made.title) == ("tts", "再见", "", "道别")
    assert heard(studio) == 600


BAD_NAMES = ["../west/bye", "bye/../../x", ".versions", "Bye", "bye@1", "", "a" * 61, "再见", "a\0"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_no_name_leads_elsewhere(studio: Studio, tmp_path: Path, name: str) -> None:
    for do in (
        lambda: studio.add("east", Recording(name, tone(tmp_path, 600)), by="desk"),
        lambda: studio.say("east", name, "您好", by="desk"),
        lambda: studio.go_back("east", name),
        lambda: studio.use_default("east", name),
        lambda: studio.remove("east", name),
    ):
        with pytest.raises(PromptFault) as caught:
            do()
        assert code(caught) == "bad-name"
    assert not (tmp_path / "prompts").exists() or list((tmp_path / "prompts").rglob("*.wav")) == []


@pytest.mark.parametrize("account", ["nobody", "../east", "", "east/.."])
def test_no_account_but_those_that_are(studio: Studio, tmp_path: Path, account: str) -> None:
    with pytest.raises(PromptFault) as caught:
        studio.add(account, Recording("bye", tone(tmp_path, 600)), by="desk")
    assert code(caught) == "unknown-account"
    assert not (tmp_path / "prompts").exists()


def test_what_is_asked_for_and_is_not_there(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(PromptFault) as caught:
        studio.go_back("east", "bye")
    assert code(caught) == "unknown-prompt"
    add(studio, tmp_path, 600)
    with pytest.raises(PromptFault) as caught:
        studio.go_back("east", "bye")
    assert code(caught) == "no-version-before"
    with pytest.raises(PromptFault) as caught:
        studio.go_back("east", "bye", 7)
    assert code(caught) == "unknown-version"
    with pytest.raises(PromptFault) as caught:
        studio.go_back("west", "bye", 1)
    assert code(caught) == "unknown-prompt"
    with pytest.raises(PromptFault) as caught:
        add(studio, tmp_path, 600, title="长" * 101)
    assert code(caught) == "bad-title"


def test_a_prompt_that_a_flow_plays_is_not_taken_from_it(studio: Studio, tmp_path: Path) -> None:
    add(studio, tmp_path, 600, name="menu-of-ours")
    for take in (studio.use_default, studio.remove):
        with pytest.raises(PromptFault) as caught:
            take("east", "menu-of-ours", ["flow main"])
        assert code(caught) == "no-default"
        assert heard(studio, name="menu-of-ours") == 600
    studio.remove("east", "menu-of-ours")
    assert studio.shelf.library.find("east", "menu-of-ours") is None


def test_one_bad_file_of_many_costs_the_others_nothing(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"no sound at all")
    done = studio.add_all(
        "east",
        [
            Recording("bye", tone(tmp_path, 600), "bye.flac"),
            Recording("apology", tmp_path / "bad", "apology.mp3"),
            Recording("../x", tone(tmp_path, 700), "x.wav"),
            Recording("password", tone(tmp_path, 700), "password.wav"),
        ],
        by="desk",
    )
    assert [(one.fault and one.fault.code) for one in done] == [None, "not-sound", "bad-name", None]
    assert (heard(studio), heard(studio, name="password"), heard(studio, name="apology")) == (600, 700, 0)
    assert faults(studio) == []


def test_a_database_that_fails_leaves_the_old_prompt(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(studio, tmp_path, 600)

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("sqlalchemy.orm.Session.commit", full)
        for do in (
            lambda: add(studio, tmp_path, 900),
            lambda: studio.use_default("east", "bye"),
            lambda: add(studio, tmp_path, 900, name="apology"),
        ):
            with pytest.raises(StoreError):
                do()
    assert heard(studio) == 600
    assert heard(studio, name="apology") == 0
    assert ([one.version for one in listed(studio)], faults(studio)) == ([1], [])


def test_a_disk_that_is_full_leaves_the_old_prompt(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(studio, tmp_path, 600)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Shelf, "play", full)
        with pytest.raises(PromptFault) as caught:
            add(studio, tmp_path, 900)
        assert code(caught) == "not-written"
    assert (heard(studio), [one.version for one in listed(studio)], faults(studio)) == (600, [1], [])
    assert [one for one in (tmp_path / "prompts").rglob(".*") if one.name != ".versions"] == []


@both_databases
def test_two_who_replace_a_prompt_at_once_make_two_versions(studio: Studio, tmp_path: Path) -> None:
    tones = [tone(tmp_path, hz) for hz in (500, 600, 700)]

    def replace(file: Path) -> PromptVersion:
        return studio.add("east", Recording("bye", file), by="desk")

    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(replace, tones))
    assert sorted(one.version for one in made) == [1, 2, 3]
    assert heard(studio) == (500, 600, 700)[[one.version for one in made].index(3)], "the last one is played"
    assert faults(studio) == []


def test_files_and_rows_do_not_diverge_unnoticed(studio: Studio, tmp_path: Path) -> None:
    played = tmp_path / "prompts" / "east" / "bye.wav"
    add(studio, tmp_path, 600)
    add(studio, tmp_path, 900)
    kept = studio.shelf.kept("east", "bye", 1)
    good = played.read_bytes()

    played.write_bytes(kept.read_bytes())
    assert faults(studio) == ["east/bye: the file is not version 2, which is said to be in use"]
    played.unlink()
    assert faults(studio) == ["east/bye: version 2 is in use and its file is missing"]
    played.write_bytes(good)
    kept.rename(studio.shelf.kept("east", "bye", 9))
    assert faults(studio) == [
        "east/bye: the file of version 1 is missing",
        "east/bye: a file of version 9, which the database does not know",
    ]
    studio.shelf.kept("east", "bye", 9).write_bytes(good)
    studio.shelf.kept("east", "bye", 9).rename(kept)
    assert faults(studio) == ["east/bye: the file of version 1 was changed"]
    with pytest.raises(PromptFault) as caught:
        studio.go_back("east", "bye", 1)
    assert code(caught) == "version-gone"
    assert heard(studio) == 900
    studio.remove("east", "bye")

    played.write_bytes(good)
    by_hand = list(check_account(studio.shelf, "east", [], {}))
    assert [(one.ok, one.name) for one in by_hand] == [(True, "bye")], "to be known, and no fault"
    played.unlink()
    assert faults(studio, menu=(Use("flow", "main"),)) == ["east/menu: there is no such file; played by flow main"]
    with studio.store.work() as session:
        row = rows.versions(session, "east", "bye")
        assert row == []


def test_the_default_set_is_checked_as_well(studio: Studio, tmp_path: Path) -> None:
    assert list(check_defaults(studio.shelf)) == []
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "texts.toml").write_bytes((DEFAULT_SET / "texts.toml").read_bytes())
    empty = Shelf(PromptLibrary(tmp_path / "prompts", tmp_path / "zh"))
    missing = [one.name for one in check_defaults(empty)]
    assert missing == list(load_catalogue(DEFAULT_SET).announcements)


def zipped(folder: Path, members: dict[str, bytes], **how: int) -> Path:
    file = folder / "all.zip"
    with zipfile.ZipFile(file, "w", how.get("compression", zipfile.ZIP_DEFLATED)) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file


def test_an_archive_replaces_by_file_names_and_leads_nowhere(studio: Studio, tmp_path: Path) -> None:
    flac = tone(tmp_path, 600).read_bytes()
    archive = zipped(
        tmp_path,
        {
            "录音/Bye.FLAC": flac,
            "../../../etc/apology.wav": flac,
            "/etc/password.wav": flac,
            "a\\..\\..\\no-key.wav": flac,
            "second/bye.wav": flac,
            "welcom.wav": flac,
            "../../..wav": flac,
            "__MACOSX/._bye.wav": b"x",
            "prompts.xlsx": b"x",
            "folder/": b"",
        },
    )
    into = tmp_path / "unpacked"
    into.mkdir()
    before = set(tmp_path.rglob("*"))
    found = bundle.from_zip(archive, into, 1 << 20)
    assert {file.parent for file in set(tmp_path.rglob("*")) - before} == {into}
    known = set(load_catalogue(DEFAULT_SET).announcements)
    good, bad = bundle.sorted_out(found, known)
    assert [one.name for one in good] == ["bye", "apology", "password", "no-key"]
    assert [(one.file_name, one.fault.code) for one in bad if one.fault] == [
        ("bye.wav", "twice"),
        ("welcom.wav", "unknown-name"),
    ]
    assert [one.fault for one in studio.add_all("east", good, by="desk")] == [None] * 4
    assert heard(studio) == 600
    assert [one.name for one in bundle.sorted_out(found, known, new=True)[0]][-1] == "welcom"


def test_archives_that_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(archive: Path) -> str:
        with pytest.raises(PromptFault) as caught:
            bundle.from_zip(archive, tmp_path, 1000)
        return code(caught)

    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04 not really")
    assert refused(tmp_path / "no.zip") == "not-a-zip"
    whole = zipped(tmp_path, {"bye.wav": bytes(range(256)) * 200}).read_bytes()
    (tmp_path / "no.zip").write_bytes(whole[:40] + b"\0" * 60 + whole[100:])
    assert refused(tmp_path / "no.zip") == "not-a-zip"
    encrypted = bytearray(whole)
    at = encrypted.index(b"PK\x01\x02") + 8
    encrypted[at] |= 1
    (tmp_path / "no.zip").write_bytes(encrypted)
    assert refused(tmp_path / "no.zip") == "zip-encrypted"
    assert refused(zipped(tmp_path, {f"{n}.wav": b"" for n in range(bundle.MOST_FILES + 1)})) == "too-many-files"
    # What it unpacks to is counted, whatever its directory says.
    bomb = zipped(tmp_path, {f"{n}.wav": b"\0" * 5_000_000 for n in range(3)})
    assert bomb.stat().st_size < 20_000
    (small,) = {one.file.stat().st_size for one in bundle.from_zip(bomb, tmp_path, 100_000)}
    assert small < 200_000, "cut as soon as it is too large"
    monkeypatch.setattr(bundle, "MOST_BYTES", 1_000_000)
    with pytest.raises(PromptFault) as caught:
        bundle.from_zip(bomb, tmp_path, 1 << 30)
    assert code(caught) == "too-much"


def test_the_speakers_sheet_holds_text_and_nothing_else(studio: Studio, tmp_path: Path) -> None:
    formula = '=HYPERLINK("http://elsewhere.example","x")'
    studio.say("east", "bye", formula, by="desk", title="@SUM(1)")
    add(studio, tmp_path, 600, name="our-menu", title="+1-2")
    catalogue = load_catalogue(DEFAULT_SET)
    made = entries(studio.shelf.library, catalogue, "east", listed(studio), {"our-menu": (Use("flow", "-main"),)})
    assert progress(made).recorded == 0, "text-to-speech is no recording, and the menu no announcement"
    own = [(one.name, one.file) for one in made if one.is_own and one.file]
    archive = bundle.archive(own, sheet(made))
    with zipfile.ZipFile(archive) as opened:
        assert opened.namelist() == ["prompts.xlsx", "bye.wav", "our-menu.wav"]
        with zipfile.ZipFile(io.BytesIO(opened.read("prompts.xlsx"))) as book:
            page = book.read("xl/worksheets/sheet1.xml").decode()
            texts = book.read("xl/sharedStrings.xml").decode()
            assert not [name for name in book.namelist() if "external" in name.lower()]
    assert "<f>" not in page and "hyperlink" not in page
    assert "=HYPERLINK(" in texts and "@SUM(1)" not in texts  # a known announcement keeps its meaning
    (tmp_path / "export.zip").write_bytes(archive.getvalue())
    (tmp_path / "again").mkdir()
    again = bundle.from_zip(tmp_path / "export.zip", tmp_path / "again", 1 << 20)
    assert [one.name for one in again] == ["bye", "our-menu"], "an export is what an import reads"


def test_a_folder_is_read_as_an_archive_is(tmp_path: Path) -> None:
    for name in ("bye.flac", ".hidden.wav", "list.xlsx"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.wav").mkdir()
    assert [one.name for one in bundle.from_folder(tmp_path)] == ["bye"]


@pytest.mark.parametrize("message", MESSAGES)
def test_every_fault_has_words_in_both_languages(message: str) -> None:
    english, chinese = MESSAGES[message]
    assert english.isascii()
    assert any("\u4e00" <= one <= "\u9fff" for one in chinese)
