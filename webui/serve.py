"""The console under gunicorn: one gevent worker, nothing printed but one line when it is ready."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from pydantic import SecretStr

from appliance.config import Settings
from appliance.errors import SettingsError
from webui import assets


def main(settings: Settings) -> NoReturn:
    """Serve until SIGTERM: becomes ``python -m webui`` with these settings, under the same process id.

    A new interpreter, because gevent has to patch the standard library before anything has taken locks and
    sockets from it, and whoever calls this has long imported everything.

    :raises SettingsError: the files that the pages load were not installed yet.
    """
    if not assets.is_current():
        raise SettingsError("the console's files are missing or old: run `python -m webui.assets`")
    os.execve(sys.executable, [sys.executable, "-m", "webui"], {**os.environ, **_as_environment(settings)})  # noqa: S606


def _as_environment(settings: Settings) -> dict[str, str]:
    """The settings as the variables that name them; secrets stay behind, the console has no use for them."""
    return {
        f"APPLIANCE_{name.upper()}": str(value.resolve() if isinstance(value, Path) else value)
        for name, value in settings
        if value != "" and not isinstance(value, SecretStr)
    }
