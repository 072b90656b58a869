"""A recording: heard in parts, found safely, drawn."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from sqlalchemy import update

from appliance.config import Settings
from appliance.errors import MediaError
from appliance.media import recordings
from appliance.store.models import Call
from appliance.store.unit import Store
from tests.webui.conftest import SignIn

FIRST = "00000000-0000-4000-8000-000000000000"
PATH = f"/calls/{FIRST}/recording"


@pytest.fixture
def file(settings: Settings, store: Store) -> Path:
    """The file of the first call's recording."""
    found = list(settings.recordings_dir.rglob(f"{FIRST}.wav"))
    assert len(found) == 1
    return found[0]


def test_whole(sign_in: SignIn, file: Path) -> None:
    answer = sign_in().get(PATH, buffered=True)
    assert (answer.status_code, answer.content_type) == (200, "audio/wav")
    assert answer.get_data() == file.read_bytes()
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Disposition"].startswith("inline; filename=4008001234-")


@pytest.mark.parametrize(
    ("asked", "first", "last"), [("bytes=0-9", 0, 9), ("bytes=44-", 44, None), ("bytes=-10", -10, None)]
)
def test_a_part(sign_in: SignIn, file: Path, asked: str, first: int, last: int | None) -> None:
    whole = file.read_bytes()
    answer = sign_in().get(PATH, headers={"Range": asked}, buffered=True)
    assert answer.status_code == 206
    assert answer.get_data() == (whole[first:] if last is None else whole[first : last + 1])
    assert answer.headers["Content-Range"].endswith(f"/{len(whole)}")


def test_a_part_beyond_the_end(sign_in: SignIn, file: Path) -> None:
    answer = sign_in().get(PATH, headers={"Range": "bytes=99999999-"}, buffered=True)
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{file.stat().st_size}"


def test_download(sign_in: SignIn, file: Path) -> None:
    answer = sign_in().get(PATH + "?download=1", buffered=True)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=4008001234-")
    assert answer.get_data() == file.read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "../appliance.db",
        "../../state/appliance.db",
        "2026/../../secret-key",
        "/etc/passwd",
        "file:///etc/passwd",
        "..",
        ".",
        "a\0b.wav",
        "link.wav",
        "ring.wav",
        "folder",
        "no/such.wav",
        "x" * 190,
    ],
)
def test_a_name_leads_nowhere_else(
    sign_in: SignIn, settings: Settings, store: Store, file: Path, name: str
) -> None:
    (settings.recordings_dir / "link.wav").symlink_to(settings.state_dir / "appliance.db")
    (settings.recordings_dir / "ring.wav").symlink_to("ring.wav")
    (settings.recordings_dir / "folder").mkdir()
    with store.work() as session:
        session.execute(update(Call).where(Call.uuid == FIRST).values(recording=name))
        session.commit()
    client = sign_in()
    assert client.get(PATH).status_code == 404
    assert client.get(f"/calls/{FIRST}/outline").status_code == 404
    page = client.get(f"/calls/{FIRST}").text
    assert "the file is not there any more" in page


def test_a_link_inside_is_fine(settings: Settings, file: Path) -> None:
    (settings.recordings_dir / "again.wav").symlink_to(file)
    assert recordings.find(settings.recordings_dir, "again.wav") == file.resolve()


def test_no_recordings_folder_yet(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        recordings.find(tmp_path / "none", "a.wav")


def test_a_call_without_recording(sign_in: SignIn, store: Store) -> None:
    with store.work() as session:
        session.execute(update(Call).where(Call.uuid == FIRST).values(recording=""))
        session.commit()
    client = sign_in()
    assert client.get(PATH).status_code == 404
    assert "This call was not recorded." in client.get(f"/calls/{FIRST}").text


def test_outline(sign_in: SignIn, file: Path) -> None:
    answer = sign_in().get(f"/calls/{FIRST}/outline").get_json()
    with wave.open(str(file)) as audio:
        assert answer["seconds"] == pytest.approx(audio.getnframes() / 8000)
    assert len(answer["channels"]) == 2
    for channel in answer["channels"]:
        assert 500 <= len(channel) <= 600
        assert 0.1 < max(channel) <= 1.0


def _wav(path: Path, frames: bytes, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setparams((channels, 2, 8000, 0, "NONE", ""))
        out.writeframes(frames)
    return path


def test_outline_of_nothing(tmp_path: Path) -> None:
    assert recordings.outline(_wav(tmp_path / "empty.wav", b"")) == recordings.Outline(0.0, ((),))


def test_outline_is_as_loud_as_the_voice(tmp_path: Path) -> None:
    quiet, loud = (100).to_bytes(2, "little", signed=True), (-32768).to_bytes(2, "little", signed=True)
    drawn = recordings.outline(_wav(tmp_path / "x.wav", (quiet + loud) * 50 + (loud + quiet) * 50, 2), columns=2)
    assert drawn.channels == ((0.003, 1.0), (1.0, 0.003))


def test_outline_of_no_audio(tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF" + b"\0" * 100)
    with pytest.raises(MediaError):
        recordings.outline(broken)
