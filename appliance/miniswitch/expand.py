"""`${name}` in an application's argument.

Only variables are expanded: `${name}`, `${name:offset:length}`. The form that calls an API in FreeSWITCH,
`${api args}` or `${api(args)}`, becomes nothing and runs nothing here; FreeSWITCH with
`api-expansion=false` puts a refusal text in its place. Source: `switch_channel_expand_variables`.
"""

from __future__ import annotations

from collections.abc import Callable

_DEEPEST = 20

Lookup = Callable[[str], str | None]


def expand(text: str, lookup: Lookup, depth: int = 0) -> str:
    """Replace every `${…}` of `text`; an unknown variable becomes nothing, `\\$` stays a dollar.

    >>> expand("a${b}c${no}d", {"b": "1"}.get), expand("${system ls}", {}.get)
    ('a1cd', '')
    """
    if "$" not in text or depth > _DEEPEST:
        return text
    out: list[str] = []
    position = 0
    while position < len(text):
        if text.startswith("\\$", position):
            out.append("$")
            position += 2
        elif text.startswith(("${", "$${"), position):
            start = text.index("{", position) + 1
            end = _closing(text, start)
            out.append(_value(text[start:end], lookup, depth))
            position = end + 1
        else:
            out.append(text[position])
            position += 1
    return "".join(out)


def _closing(text: str, start: int) -> int:
    """Index of the brace that ends the name begun at `start`; the end of the text when none does."""
    open_braces = 1
    for index in range(start, len(text)):
        open_braces += {"{": 1, "}": -1}.get(text[index], 0)
        if not open_braces:
            return index
    return len(text)


def _value(name: str, lookup: Lookup, depth: int) -> str:
    name = expand(name, lookup, depth + 1)
    if " " in name or "(" in name:
        return ""
    name, *cut = name.split(":")
    value = lookup(name)
    if value is None:
        return ""
    value = expand(value, lookup, depth + 1)
    offset, length = ([_number(word) for word in cut] + [0, 0])[:2]
    value = value[offset:] if offset < 0 or offset <= len(value) else ""
    return value[:length] if 0 < length < len(value) else value


def _number(word: str) -> int:
    digits = word[1:] if word.startswith("-") else word
    return int(word) if digits.isascii() and digits.isdigit() else 0
