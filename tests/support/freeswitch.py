"""Where FreeSWITCH is, for the tests that need the real switch."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def find_freeswitch() -> Path | str:
    """The program, or a text that says why there is none.

    ``$FREESWITCH`` names it; otherwise ``freeswitch`` on PATH is taken.
    """
    named = os.environ.get("FREESWITCH")
    if named:
        program = shutil.which(named)
        return Path(program) if program else f"$FREESWITCH is {named!r}, which cannot be run"
    program = shutil.which("freeswitch")
    return Path(program) if program else "FreeSWITCH is not installed: no $FREESWITCH, no freeswitch on PATH"


def require_freeswitch() -> Path:
    """The program; skips the test with the reason (``pytest -rs`` prints it) when there is none."""
    found = find_freeswitch()
    if isinstance(found, str):
        pytest.skip(found)
    return found
