"""`execute_extension 'm:|:APPLICATION:ARGUMENT|…' inline`: several applications in one command.

The argument is cut three times, each time by FreeSWITCH's rules for quotes: at blanks (`exe_function`), at the
delimiter, at the first colon (`inline_dialplan_hunt`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.miniswitch.separate import separate

if TYPE_CHECKING:
    from appliance.miniswitch.session import Session

log = logging.getLogger(__name__)


def inline(text: str) -> list[tuple[str, str]]:
    """Applications and their arguments.

    >>> inline("m:~:answer~playback:/a,b.wav"), inline("answer, set:a=b:c")
    ([('answer', ''), ('playback', '/a,b.wav')], [('answer', ''), ('set', 'a=b:c')])
    """
    delimiter = ","
    if text.startswith("m:") and text[3:4] == ":":
        delimiter, text = text[2], text[4:]
    found = []
    for piece in separate(text, delimiter):
        name, _, argument = piece.partition(":")
        found.append((name.lstrip(" "), argument))
    return found


def _execute_extension(session: Session, text: str) -> None:
    words = separate(text, " ")
    if words[1:2] != ["inline"]:
        log.warning("%s: execute_extension %r: only inline is offered", session.channel.name, text)
        return
    for name, argument in inline(words[0]):
        session.channel.check()
        session.execute(name, argument)


APPLICATIONS: dict[str, Callable[[Session, str], None]] = {"execute_extension": _execute_extension}
