"""Announcements put together of several prompts."""

from __future__ import annotations

import os
import threading
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.bootstrap import SCRIPTS_DIR
from appliance.media.spoken import UNUSED_FOR, Spoken


def prompt(folder: Path, name: str, sample: int, frames: int = 80, *, rate: int = 8000, channels: int = 1) -> Path:
    """A file that holds one sample again and again."""
    file = folder / f"{name}.wav"
    with wave.open(str(file), "wb") as made:
        made.setnchannels(channels)
        made.setsampwidth(2)
        made.setframerate(rate)
        made.writeframes(sample.to_bytes(2, "little") * frames * channels)
    return file


def frames(file: Path) -> bytes:
    with wave.open(str(file), "rb") as opened:
        return opened.readframes(opened.getnframes())


@pytest.fixture
def spoken(tmp_path: Path) -> Spoken:
    return Spoken(tmp_path / "spoken")


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    return [prompt(tmp_path, "a", 1), prompt(tmp_path, "b", 2, 40)]


def left(spoken: Spoken) -> list[str]:
    return sorted(file.name for file in spoken.folder.iterdir()) if spoken.folder.is_dir() else []


def test_one_file_says_them_one_behind_the_other(spoken: Spoken, two: list[Path]) -> None:
    (made,) = spoken.together(two)
    assert made.parent == spoken.folder
    assert frames(made) == frames(two[0]) + frames(two[1])
    with wave.open(str(made), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
    assert left(spoken) == [made.name], "nothing else is left"


def test_their_order_counts_and_one_may_come_twice(spoken: Spoken, two: list[Path]) -> None:
    a, b = two
    made = [spoken.together(several)[0] for several in ([a, b], [b, a], [a, b, a])]
    assert len(set(made)) == 3
    assert frames(made[2]) == frames(a) + frames(b) + frames(a)


def test_what_was_made_once_is_not_made_again(spoken: Spoken, two: list[Path]) -> None:
    (made,) = spoken.together(two)
    made.write_bytes(b"as it is")
    assert spoken.together(two) == [made] == Spoken(spoken.folder).together(two)
    assert made.read_bytes() == b"as it is"


def test_a_prompt_that_is_recorded_anew_makes_another(spoken: Spoken, two: list[Path]) -> None:
    (before,) = spoken.together(two)
    prompt(two[0].parent, "a", 7)
    os.utime(two[0], ns=(1, 1))
    (after,) = spoken.together(two)
    assert after != before and frames(after) == frames(two[0]) + frames(two[1])


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_are_left_as_they_are(spoken: Spoken, two: list[Path], count: int) -> None:
    assert spoken.together(two[:count]) == two[:count]
    assert not spoken.folder.exists()


@pytest.mark.parametrize("change", [{"rate": 16000}, {"channels": 2}])
def test_prompts_of_different_forms_are_played_one_by_one(
    spoken: Spoken, two: list[Path], change: dict[str, int]
) -> None:
    several = [*two, prompt(two[0].parent, "c", 3, **change)]  # type: ignore[arg-type]
    with capture_logs() as logs:
        assert spoken.together(several) == several
    assert [entry["event"] for entry in logs] == ["announcement not put together"]
    assert left(spoken) == []


@pytest.mark.parametrize(
    "content", [b"", b"ID3 an MP3", b"RIFF\x00\x00\x00\x00WAVEfmt "], ids=["empty", "mp3", "cut"]
)
def test_what_is_no_wav_is_played_one_by_one(spoken: Spoken, two: list[Path], content: bytes) -> None:
    two[1].write_bytes(content)
    with capture_logs():
        assert spoken.together(two) == two
    assert left(spoken) == []


def test_a_prompt_that_is_gone_leaves_the_others(spoken: Spoken, two: list[Path]) -> None:
    two[1].unlink()
    with capture_logs():
        assert spoken.together(two) == two


def test_without_room_they_are_played_one_by_one(
    spoken: Spoken, two: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_room)
    with capture_logs():
        assert spoken.together(two) == two
    assert left(spoken) == []
    monkeypatch.undo()
    assert len(spoken.together(two)) == 1


def test_a_folder_that_cannot_be_made(tmp_path: Path, two: list[Path]) -> None:
    (tmp_path / "spoken").write_text("a file")
    with capture_logs():
        assert Spoken(tmp_path / "spoken").together(two) == two


def test_the_switch_may_read_it(spoken: Spoken, two: list[Path]) -> None:
    (made,) = spoken.together(two)
    assert made.stat().st_mode & 0o777 == 0o644


def test_several_that_make_the_same_at_once(spoken: Spoken, two: list[Path]) -> None:
    made: list[Path] = []
    several = [threading.Thread(target=lambda: made.extend(Spoken(spoken.folder).together(two))) for _ in range(8)]
    for one in several:
        one.start()
    for one in several:
        one.join()
    assert len(set(made)) == 1 and len(made) == 8
    assert left(spoken) == [made[0].name] and frames(made[0]) == frames(two[0]) + frames(two[1])


def test_the_default_prompts_can_be_put_together(spoken: Spoken) -> None:
    folder = SCRIPTS_DIR / "prompts" / "zh"
    names = ("queue-busy", "queue-place", "n-3", "queue-place-end", "queue-wait", "n-2-liang", "queue-minutes")
    several = [folder / f"{name}.wav" for name in (*names, "queue-soon", "n-100", *(f"n-{n}" for n in range(11)))]
    (made,) = spoken.together(several)
    assert len(frames(made)) == sum(len(frames(one)) for one in several)


def test_of_what_is_said_once_nothing_is_left_and_its_name_tells_nothing(spoken: Spoken, two: list[Path]) -> None:
    (usual,) = spoken.together(two)
    with pytest.raises(EOFError), spoken.once(two) as (made,):
        assert frames(made) == frames(usual) and made.name != usual.name
        raise EOFError("the caller is gone")
    with spoken.once(two) as (again,):
        assert again.name != made.name
    assert left(spoken) == [usual.name]
    with spoken.once([]) as nothing:
        assert nothing == []
    assert all(file.is_file() for file in two), "the prompts themselves stay"


def test_a_secret_of_one_digit_is_not_played_by_its_prompts_own_name(spoken: Spoken, two: list[Path]) -> None:
    with spoken.once(two[:1]) as (made,):
        assert made.parent == spoken.folder and made.name.startswith("once-")
        assert frames(made) == frames(two[0])
    assert left(spoken) == [] and two[0].is_file()


@pytest.mark.parametrize("count", [1, 2])
def test_of_a_secret_that_cannot_be_put_together_nothing_is_said(
    tmp_path: Path, two: list[Path], count: int
) -> None:
    (tmp_path / "spoken").write_text("a file")
    with capture_logs() as logs, Spoken(tmp_path / "spoken").once(two[:count]) as made:
        assert made == []
    assert [entry["log_level"] for entry in logs] == ["error"] and not any(str(one) in str(logs) for one in two)
    two[0].write_bytes(b"ID3 an MP3")
    with capture_logs() as logs, Spoken(tmp_path / "other").once(two[:count]) as made:
        assert made == []
    assert len(logs) == 1 and not any(str(one) in str(logs) for one in two)


def test_what_nobody_uses_goes(spoken: Spoken, two: list[Path]) -> None:
    now = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
    assert spoken.prune(now) == 0
    used, unused, late = (spoken.together(several)[0] for several in (two, two[::-1], [*two, *two]))
    for file, age in ((used, timedelta(0)), (unused, UNUSED_FOR * 1.1), (late, -UNUSED_FOR * 1.1)):
        os.utime(file, ((now - age).timestamp(),) * 2)
    (spoken.folder / ".making-dead").write_bytes(b"half")
    os.utime(spoken.folder / ".making-dead", (0, 0))
    assert spoken.prune(now) == 3 and left(spoken) == [used.name]


def test_what_is_used_again_stays(spoken: Spoken, two: list[Path]) -> None:
    (made,) = spoken.together(two)
    os.utime(made, (0, 0))
    assert spoken.together(two) == [made]
    assert spoken.prune(datetime.now(UTC)) == 0
