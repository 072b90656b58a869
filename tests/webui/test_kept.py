"""Kept recordings on the console: found, heard in parts, held, and each access noted before a byte goes out."""

from __future__ import annotations

import hashlib
import io
import re
import wave
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from appliance.config import Settings
from appliance.media.keep import Keeping, keep_once
from appliance.media.keys import add_key, read_keyring
from appliance.store.models import Recording, RecordingAccess
from appliance.store.unit import Store
from tests.webui.conftest import SignIn, csrf

FIRST = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def sealed(settings: Settings, store: Store, app: object, tmp_path: Path) -> Recording:
    """The newest call's recording, kept with a key."""
    object.__setattr__(settings, "recording_key_file", str(tmp_path / "keys"))
    add_key(settings.recording_key_file)
    ring = read_keyring(settings.recording_key_file)
    keep_once(Keeping(settings.recordings_dir, store, lambda: datetime.now(UTC), ring, settle_s=0))
    with store.reading() as session:
        row = session.scalars(select(Recording).where(Recording.call_uuid == FIRST)).one()
    assert row.key_id
    return row


def accesses(store: Store, recording_id: int | None) -> list[tuple[str, str, str]]:
    with store.reading() as session:
        found = session.scalars(
            select(RecordingAccess).where(RecordingAccess.recording_id == recording_id).order_by(RecordingAccess.id)
        )
        return [(row.action, row.operator, row.address) for row in found]


def test_played_whole_and_in_parts_and_noted_once(sign_in: SignIn, store: Store, sealed: Recording) -> None:
    client = sign_in()
    for path in (f"/recordings/{sealed.id}/audio", f"/calls/{FIRST}/recording"):
        whole = client.get(path, buffered=True)
        assert (whole.status_code, whole.content_type) == (200, "audio/wav")
        data = whole.get_data()
        with wave.open(io.BytesIO(data)) as audio:
            assert audio.getnchannels() == 2 and round(audio.getnframes() / 8) == sealed.duration_ms
        part = client.get(path, headers={"Range": "bytes=0-99"}, buffered=True)
        assert (part.status_code, part.get_data()) == (206, data[:100])
        assert part.headers["Content-Range"] == f"bytes 0-99/{len(data)}"
        rest = client.get(path, headers={"Range": f"bytes={len(data) - 10}-"}, buffered=True)
        assert (rest.status_code, len(rest.get_data())) == (206, 10)
        beyond = client.get(path, headers={"Range": "bytes=99999999-"}, buffered=True)
        assert beyond.status_code == 416 and beyond.headers["Content-Range"] == f"bytes */{len(data)}"
    assert accesses(store, sealed.id) == [("play", "admin", "127.0.0.1")]


def test_downloaded_as_it_is_kept(sign_in: SignIn, settings: Settings, store: Store, sealed: Recording) -> None:
    answer = sign_in().get(f"/recordings/{sealed.id}/file", buffered=True)
    assert answer.content_type == "audio/ogg" and answer.get_data().startswith(b"OggS")
    assert re.fullmatch(
        r"attachment; filename=4008001234-\d{8}-\d{6}-\d+-talk\.opus", answer.headers["Content-Disposition"]
    )
    assert accesses(store, sealed.id) == [("download", "admin", "127.0.0.1")]
    kept = (settings.recordings_dir / sealed.file).read_bytes()
    assert kept.startswith(b"G400REC1") and hashlib.sha256(kept).hexdigest() == sealed.sha256


def test_nothing_goes_out_that_cannot_be_noted(
    sign_in: SignIn, store: Store, sealed: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    client = sign_in()
    monkeypatch.setattr("webui.sound.stored.note_access", fails)
    for path in (f"/recordings/{sealed.id}/audio", f"/recordings/{sealed.id}/file"):
        answer = client.get(path)
        assert answer.status_code == 500 and b"OggS" not in answer.data and b"RIFF" not in answer.data
    assert accesses(store, sealed.id) == []


def test_the_switchs_own_file_is_noted_as_well(sign_in: SignIn, store: Store) -> None:
    assert sign_in().get(f"/calls/{FIRST}/recording", buffered=True).status_code == 200
    assert accesses(store, None) == [("play", "admin", "127.0.0.1")]


def test_the_key_is_needed(sign_in: SignIn, settings: Settings, store: Store, sealed: Recording) -> None:
    Path(settings.recording_key_file).write_text("00" * 32 + "\n")
    client = sign_in()
    for leaf in ("audio", "file", "outline"):
        assert client.get(f"/recordings/{sealed.id}/{leaf}").status_code == 404
    assert accesses(store, sealed.id) == []


def test_outline(sign_in: SignIn, store: Store, sealed: Recording) -> None:
    told = sign_in().get(f"/recordings/{sealed.id}/outline").get_json()
    assert told["seconds"] == pytest.approx(sealed.duration_ms / 1000, abs=0.01)
    assert len(told["channels"]) == 2 and all(0.1 < max(channel) <= 1 for channel in told["channels"])
    assert accesses(store, sealed.id) == []


def test_no_row_of_another_account(sign_in: SignIn, store: Store, sealed: Recording) -> None:
    with store.work() as session:
        session.execute(update(Recording).where(Recording.id == sealed.id).values(account_id="west"))
        session.commit()
    boss = sign_in("desk")  # of the account east
    assert f"/recordings/{sealed.id}" not in boss.get("/recordings?from=&to=").text
    for leaf in ("", "/audio", "/file", "/outline"):
        assert boss.get(f"/recordings/{sealed.id}{leaf}").status_code == 404
    token = csrf(boss, "/recordings")
    asked = {"csrf_token": token, "why": "mine"}
    assert boss.post(f"/recordings/{sealed.id}/hold", data=asked).status_code in (403, 404)
    assert accesses(store, sealed.id) == []


def test_search(sign_in: SignIn, store: Store, sealed: Recording) -> None:
    client = sign_in()

    def found(**asked: str) -> int:
        page = client.get("/recordings", query_string={"from": "", "to": "", **asked}).text
        return page.count("row-link")

    everything = found()
    assert everything >= 3 and found(kind="talk") == everything - 1 and found(kind="voicemail") == 1
    assert found(held="1") == 1 and found(number="4008005678") == 0 and found(number="400-800-1234") == everything
    assert 0 < found(caller="13912345678") < everything and found(caller="<script>") == 0
    assert found(to="2001-01-01") == 0


def test_hold_and_release(sign_in: SignIn, store: Store, sealed: Recording) -> None:
    client = sign_in()
    path = f"/recordings/{sealed.id}"
    why = "<b>诉讼</b>"
    assert client.post(f"{path}/hold", data={"csrf_token": csrf(client, path), "why": why}).status_code == 303
    page = client.get(path).text
    assert "&lt;b&gt;诉讼&lt;/b&gt;" in page and "Held by admin" in page
    released = {"csrf_token": csrf(client, path), "why": "settled", "release": "1"}
    assert client.post(f"{path}/hold", data=released).status_code == 303
    assert "Not held" in client.get(path).text
    assert [action for action, *_ in accesses(store, sealed.id)] == ["hold", "release"]
    audit = client.get("/recordings/audit").text
    assert "released" in audit and "settled" in audit and "127.0.0.1" in audit


def test_who_may_hold_and_see_who_heard(sign_in: SignIn, store: Store, sealed: Recording) -> None:
    client = sign_in("desk")
    assert client.get("/recordings/audit").status_code == 403
    page = client.get(f"/recordings/{sealed.id}").text
    assert "Who had to do with it" not in page and 'name="why"' not in page
    token = csrf(client, "/recordings")
    answer = client.post(f"/recordings/{sealed.id}/hold", data={"csrf_token": token, "why": "x"})
    assert answer.status_code == 403


def test_damaged_and_deleted_ones_say_so(sign_in: SignIn, store: Store, sealed: Recording) -> None:
    client = sign_in()
    for changed, words in [
        ({"fault": "no sound"}, "was set aside"),
        ({"fault": "", "deleted_at": datetime.now(UTC)}, "Deleted on"),
    ]:
        with store.work() as session:
            session.execute(update(Recording).where(Recording.id == sealed.id).values(**changed))
            session.commit()
        assert words in client.get(f"/recordings/{sealed.id}").text
        assert client.get(f"/recordings/{sealed.id}/audio").status_code == 404
