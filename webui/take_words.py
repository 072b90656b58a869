"""Recording a prompt by telephone, as the page tells of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from appliance.media.faults import Language, PromptFault
from appliance.store.queries.service import numbers_that_record
from appliance.store.takes import Take, newest_take
from webui.context import console, now, reader

#: How long its end is told of.
_TOLD_FOR = timedelta(minutes=10)


def take_words(account: str, language: Language) -> dict[str, Any]:
    """What the template asks for: by the prompt's name what came of its newest code, the numbers to dial, why no
    prompt could be made of a recording."""
    return {
        "take_of": lambda name: _newest(account, name),
        "take_numbers": lambda: _numbers(account),
        "take_fault_words": lambda code: _fault_words(code, language),
        "now": now(),
    }


def _newest(account: str, name: str) -> Take | None:
    """While it is worth telling."""
    found = newest_take(console().settings.journal_file, account, name)
    if found is None or (found.at is not None and found.ended_at is None):
        return found
    return found if now() < (found.ended_at or found.code.until) + _TOLD_FOR else None


def _numbers(account: str) -> tuple[str, ...]:
    with reader() as opened:
        return numbers_that_record(opened, account, now())


def _fault_words(code: str, language: Language) -> str:
    settings = console().settings
    return PromptFault(code, most_mb=settings.prompt_max_mb, most_s=settings.prompt_max_s).words(language)
