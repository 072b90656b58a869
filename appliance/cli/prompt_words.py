"""Prompts in a line each, for the command line."""

from __future__ import annotations

from appliance.domain.calendar import SHANGHAI
from appliance.media.prompt_list import Entry
from appliance.store.queries.prompts import PromptVersion


def described(one: Entry) -> str:
    """What is played, and what it says."""
    if one.file is None:
        state = "MISSING"
    elif not one.is_own:
        state = "default"
    elif one.in_use is None:
        state = "by hand"
    else:
        state = f"{'synthetic' if one.in_use.source == 'tts' else 'own'} v{one.in_use.version}"
    return f"{one.name:<24}  {state:<13}  {one.title or one.text}".rstrip()


def version_line(version: PromptVersion) -> str:
    """A version: where it came from, how long it is, who made it and when."""
    from_file = version.file_name and version.source != "phone"
    came = f"from {version.file_name}" if from_file else f"said {version.text!r}" if version.text else ""
    at = f"{version.made_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    parts = (f"{version.source} {version.milliseconds / 1000:.1f} s", came, f"by {version.made_by} {at}")
    return f"v{version.version} {', '.join(filter(None, parts))}{' (in use)' if version.in_use else ''}"
