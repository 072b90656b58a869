"""``appliance prompt``: what it says and does; ``appliance doctor`` on prompts."""

from __future__ import annotations

import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from appliance import bootstrap
from appliance.cli import doctor
from appliance.cli.prompt import prompt
from appliance.config import Settings
from appliance.errors import ApplianceError, MediaError
from appliance.media import studio
from appliance.media.announcements import load_catalogue
from appliance.media.default_set import DEFAULT_SET
from appliance.store.journal_file import JournalFile
from appliance.store.models import FlowVersion
from appliance.store.takes import Takes
from appliance.store.unit import Store
from tests.media.test_studio import here, tone
from tests.support import seed

#: Announcements that an enterprise has to have.
NEEDED = sum(one.is_needed for one in load_catalogue(DEFAULT_SET).announcements.values())


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a filled box, whose first account has one prompt of its own."""
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("APPLIANCE_CONFIG", raising=False)
    monkeypatch.setattr(studio.Studio.__init__, "__defaults__", (here,))  # not in a process apart
    seed.make(tmp_path / "state").close()
    return tmp_path


def said(*words: object) -> str:
    """What a command prints; it must go well."""
    result = CliRunner().invoke(prompt, [str(word) for word in words])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_a_code_for_recording_by_telephone(box: Path) -> None:
    first, second = said("code", "east", "bye", "--title", "道别").splitlines()
    digits = first.split()[1]
    assert len(digits) == 6 and digits.isdigit() and " until " in first
    assert "no number leads to a service menu" in second
    with closing(JournalFile(box / "state" / "journal.db", reads_only=True)) as file:
        code = Takes(file).find("east", digits, bootstrap.utc_now())
    assert code is not None and (code.prompt, code.title) == ("bye", "道别")
    graph = {"start": "in", "nodes": {"in": {"type": "service"}}}
    with Store(f"sqlite:///{box}/state/appliance.db").work() as session:
        session.execute(update(FlowVersion).values(graph=graph))
        session.commit()
    assert said("code", "east", "bye").splitlines()[1] == "dial   4008001234"
    assert "nowhere" in refused("code", "nowhere", "bye")[1]
    assert "not a prompt's name" in refused("code", "east", "../bye")[1]
    assert "longer" in refused("code", "east", "bye", "--title", "x" * 101)[1]


def refused(*words: object) -> tuple[str, str]:
    """What a command prints, and the error it ends with."""
    result = CliRunner().invoke(prompt, [str(word) for word in words])
    assert isinstance(result.exception, ApplianceError), result.output
    return result.stdout, str(result.exception)


def test_one_prompt_from_the_first_version_to_none(box: Path) -> None:
    assert said("check") == "all prompts are there, and are those that the database knows\n"
    listed = said("list", "east")
    assert "welcome                   own v1         总机欢迎词\n" in listed
    assert "bye                       default        感谢来电，再见。\n" in listed
    assert f"0 of {NEEDED} announcements are the account's own recordings\nthe default set is synthetic" in listed

    added = said("add", "east", "bye", tone(box, 600), "--title", "道别")
    assert added.startswith("east/bye: v1 upload 1.0 s, from tone-600.flac, by appliance prompt")
    assert f"1 of {NEEDED}" in said("list", "east")
    said("add", "east", "bye", tone(box, 700))
    shown = said("show", "east", "bye")
    assert "Thank you for calling, goodbye." in shown and "played by flow main" in shown
    assert "v2 upload 1.0 s, from tone-700.flac" in shown
    assert said("restore", "east", "bye").startswith("east/bye: v1 upload")
    assert said("restore", "east", "bye", "--version", 2).startswith("east/bye: v2 upload")
    assert said("restore", "east", "bye", "--default") == "east/bye: the default is played\n"
    assert said("remove", "east", "bye") == "east/bye: removed\n"
    assert "no prompt bye of its own" in refused("restore", "east", "bye")[1]
    assert "a caller would hear nothing: flow main" in refused("remove", "east", "welcome")[1]
    assert "there is no account nobody" in refused("list", "nobody")[1]


def test_all_at_once_and_back_out(box: Path) -> None:
    folder = box / "recordings"
    folder.mkdir()
    tone(folder, 600).rename(folder / "bye.flac")
    tone(folder, 700).rename(folder / "welcom.flac")
    (folder / "apology.mp3").write_bytes(b"no sound")
    told, error = refused("add", "east", "--all", folder)
    assert "bye.flac: v1 upload" in told
    assert "welcom.flac: NOT TAKEN: nothing plays a prompt of this name" in told
    assert "apology.mp3: NOT TAKEN: not a sound file" in told
    assert error == "2 of 3 files were not taken"
    (folder / "apology.mp3").unlink()
    assert said("add", "east", "--all", folder, "--new").endswith("2 prompts replaced\n")

    exported = said("export", "east", "--output", box / "out.zip")
    assert exported.endswith(f"out.zip: 3 prompts and prompts.xlsx, a sheet of {NEEDED + 2}\n")
    with zipfile.ZipFile(box / "out.zip") as opened:
        assert opened.namelist() == ["prompts.xlsx", "bye.wav", "welcom.wav", "welcome.wav"]
    assert said("add", "east", "--all", box / "out.zip").endswith("3 prompts replaced\n")
    assert "cannot be written" in refused("export", "east", "--output", box / "nowhere" / "x.zip")[1]


def test_words_that_do_not_fit_together(box: Path) -> None:
    for words in (
        ["add", "east"],
        ["add", "east", "bye"],
        ["add", "east", "bye", str(tone(box, 600)), "--all", str(box)],
        ["restore", "east", "bye", "--default", "--version", "1"],
    ):
        assert CliRunner().invoke(prompt, words).exit_code == 2, words


def test_the_check_and_the_doctor_say_what_is_wrong(box: Path) -> None:
    settings = Settings(state_dir=box / "state")
    finding = doctor._prompts(settings)
    assert (finding.ok, finding.words) == (True, "all are there")
    played = settings.prompts_dir / "east" / "welcome.wav"
    by_hand = settings.prompts_dir / "east" / "bye.wav"
    by_hand.write_bytes(played.read_bytes())
    assert "ok   east/bye: put there by hand" in said("check")
    assert doctor._prompts(settings).words == "all are there, 1 of them put there by hand"
    played.unlink()
    told, error = refused("check")
    assert "BAD  east/welcome: version 1 is in use and its file is missing" in told
    assert error == "2 prompts are not as they must be"
    finding = doctor._prompts(settings)
    assert not finding.ok and "see `appliance prompt check`" in finding.words
    assert said("restore", "east", "welcome", "--version", 1).startswith("east/welcome: v1")
    assert doctor._prompts(settings).ok
    assert isinstance(MediaError("x"), ApplianceError) and MediaError.exit_code == 5


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    finding = doctor._prompts(Settings(state_dir=tmp_path))
    assert not finding.ok and "could not be checked" in finding.words
