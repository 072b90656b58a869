"""What is uploaded in the console is what the next caller hears, until the default is brought back."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
from flask.testing import FlaskClient

import webui.sign_in
from appliance.config import Settings
from appliance.media.default_set import DEFAULT_SET
from appliance.store import passwords
from appliance.store.unit import Store
from appliance.testphone import Phone
from tests.e2e.live import LiveBox, live_box, site_text
from tests.support.audio import Samples
from tests.webui.conftest import csrf
from webui.app import create_app

_callers = (f"1390077{n:04d}" for n in itertools.count(1))
PASSWORD = "correct horse battery"
STOPPED = "4006543211"
NAME = "number-out-of-service"


@pytest.fixture(scope="module")
def box(switch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveBox]:
    """A box with a second number, which is out of service."""
    stopped = f'numbers:\n  - {{number: "{STOPPED}", account: acme, in_service: false}}'
    site = site_text("@A@", "@B@").replace("numbers:", stopped)  # type: ignore[arg-type]
    with live_box(tmp_path_factory.mktemp(switch), switch, site=site) as running:
        yield running


@pytest.fixture
def console(box: LiveBox, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A client that is signed in to the box's console, with a store of its own as the console has it."""
    cheap = {"argon2__time_cost": 1, "argon2__memory_cost": 8, "argon2__parallelism": 1}
    monkeypatch.setattr(webui.sign_in, "HASHING", cheap)
    settings: Settings = box.settings
    store = Store(settings.database_url)
    with store.work() as session:
        passwords.set_password(session, "admin", PASSWORD)
        session.commit()
    client = create_app(settings, store).test_client()
    form = {"csrf_token": csrf(client), "login": "admin", "password": PASSWORD}
    assert client.post("/sign-in", data=form).status_code == 302
    return client


def send(console: FlaskClient, path: str, **form: object) -> None:
    data = {"csrf_token": csrf(console, "/queues"), **form}
    answer = console.post(f"/prompts/acme/{path}", data=data)
    assert answer.status_code == 303, answer.text


def recording(hz: int) -> io.BytesIO:
    """Two seconds, as a studio sends them: stereo, 44.1 kHz, MP3."""
    made = io.BytesIO()
    one = 0.5 * np.sin(2 * np.pi * hz * np.arange(88_200) / 44_100)
    soundfile.write(made, np.stack([one, one], axis=1), 44_100, format="MP3")
    made.seek(0)
    return made


async def announced(box: LiveBox, hears: float | None) -> Samples:
    """Dial the number that is out of service: what the caller hears before the call is refused."""
    async with Phone() as caller:
        call = await caller.dial(STOPPED, box.sip, caller=next(_callers))
        if hears is not None:
            await call.hears(hears, 15)
        await call.ended(30)
        return call.heard


def is_played_in(sound: Samples, prompt: Samples) -> bool:
    """Whether a second of a prompt is found in what was heard, by its likeness at the best place."""
    piece = prompt[2000:10_000].astype(np.float64)
    heard = sound.astype(np.float64)
    likeness = np.correlate(heard, piece, "valid")
    power = np.convolve(heard**2, np.ones(len(piece)), "valid")
    best = np.max(likeness / np.sqrt(np.maximum(power, 1) * np.sum(piece**2)))
    return bool(best > 0.8)


async def test_an_upload_is_heard_and_then_the_default_again(box: LiveBox, console: FlaskClient) -> None:
    default, _ = soundfile.read(DEFAULT_SET / f"{NAME}.wav", dtype="int16")
    await asyncio.to_thread(send, console, "save", name=NAME, file=(recording(1230), "我们的.mp3"))
    assert not is_played_in(await announced(box, 1230), default)
    await asyncio.to_thread(send, console, "restore", name=NAME, default="1")
    assert is_played_in(await announced(box, None), default)
