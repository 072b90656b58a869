"""Prompts and recordings: what makes, keeps and finds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.bootstrap.ground import SCRIPTS_DIR, utc_now
from appliance.config import Settings
from appliance.media.prompts import PromptLibrary
from appliance.media.spoken import Spoken
from appliance.store.journal_file import JournalFile
from appliance.store.unit import Store

if TYPE_CHECKING:
    from appliance.media.keep import Keeping
    from appliance.media.studio import Studio
    from appliance.media.takes import Taking


def prompt_library(settings: Settings) -> PromptLibrary:
    """Prompts of the enterprises, and the default Mandarin set."""
    return PromptLibrary(settings.prompts_dir, SCRIPTS_DIR / "prompts" / "zh")


def build_studio(settings: Settings, store: Store) -> Studio:
    """What makes the enterprises' own prompts."""
    # Not for the call handlers, which import this module and never look into a sound.
    from appliance.media.convert import Limits
    from appliance.media.espeak import Espeak
    from appliance.media.shelf import Shelf
    from appliance.media.speech import Previews
    from appliance.media.studio import Studio

    speaker = (
        Espeak(settings.tts_voice, settings.tts_rate, settings.tts_timeout_s)
        if settings.tts_engine == "espeak-ng"
        else None
    )
    return Studio(
        store=store,
        shelf=Shelf(prompt_library(settings)),
        previews=Previews(settings.state_dir / "previews", speaker),
        limits=Limits(settings.prompt_max_mb << 20, float(settings.prompt_max_s)),
        keep=settings.prompt_versions,
        now=utc_now,
    )


def prompt_folders(settings: Settings) -> tuple[Path, ...]:
    """Where sounds lie that are named to the switch."""
    prompts = prompt_library(settings)
    return prompts.own_dir, prompts.default_dir, spoken(settings).folder


def taking(settings: Settings, store: Store, stop: Callable[[], bool] = lambda: False) -> Taking:
    """How prompts are made of what was recorded by phone."""
    from appliance.media.takes import Taking

    studio = build_studio(settings, store)
    return Taking(settings.recordings_dir, JournalFile(settings.journal_file), studio, utc_now, stop)


def spoken(settings: Settings) -> Spoken:
    """Announcements put together of prompts."""
    return Spoken(settings.state_dir / "spoken")


def keeping(settings: Settings, store: Store, stop: Callable[[], bool] = lambda: False) -> Keeping:
    """How recordings are kept.

    :raises SettingsError: the key file cannot be used.
    """
    from appliance.media.keep import Keeping
    from appliance.media.keys import read_keyring

    return Keeping(
        root=settings.recordings_dir,
        store=store,
        clock=utc_now,
        keyring=read_keyring(settings.recording_key_file),
        form=settings.recording_format,
        stop=stop,
    )
