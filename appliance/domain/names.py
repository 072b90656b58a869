"""Names that people give to lines, queues, flows and nodes; they stand in channel variables, paths and records."""

from __future__ import annotations

import re

#: Longest name.
MOST = 40
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
#: A prompt's name is a file's, without ``.wav``.
PROMPT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


def is_id(text: str) -> bool:
    """Whether ``text`` may name something.

    >>> is_id("sales-1"), is_id(""), is_id("sales 1")
    (True, False, False)
    """
    return bool(NAME.fullmatch(text))


def is_prompt_name(text: str) -> bool:
    """Whether ``text`` may name a prompt.

    >>> is_prompt_name("record-notice"), is_prompt_name("../bye")
    (True, False)
    """
    return bool(PROMPT_NAME.fullmatch(text))
