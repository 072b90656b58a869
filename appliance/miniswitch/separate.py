"""Cutting an argument into pieces, as FreeSWITCH does it: quotes, backslashes, blanks at the edges.

Source: `switch_separate_string`, which cuts at blanks by other rules than at anything else.
"""

from __future__ import annotations

_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "s": " ", "'": "'", '"': '"', "\\": "\\"}


def separate(text: str, delimiter: str) -> list[str]:
    r"""Pieces of `text`; a delimiter in quotes or behind a backslash cuts nothing. `^^X` first chooses another.

    >>> separate("'a b'  c ", " "), separate(r"a=1|'b|c' |d\|e", "|"), separate("^^;a;;b;", "|")
    (['a b', 'c'], ['a=1', 'b|c', 'd|e'], ['a', '', 'b'])
    """
    if text.startswith("^^") and len(text) > 3:
        delimiter, text = text[2], text[3:]
    blanks = delimiter == " "
    if blanks:
        text = text.strip(" ")
    pieces: list[str] = []
    quoted, start, position = False, 0, 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 1
        elif character == "'" and (quoted or blanks or "'" in text[position + 1 :]):
            quoted = not quoted
        elif character == delimiter and not quoted:
            pieces.append(text[start:position])
            start = position + 1
            while blanks and text[start] == " ":
                start += 1
                position += 1
        position += 1
    if start < len(text):
        pieces.append(text[start:])
    return [_clean(piece, "" if blanks else delimiter) for piece in pieces]


def _clean(piece: str, delimiter: str) -> str:
    """Without its quotes, backslashes and outer blanks; blanks that stood in quotes stay."""
    piece = piece.lstrip(" ")
    kept: list[str] = []
    quoted, length, position = False, 0, 0
    while position < len(piece):
        character, following = piece[position], piece[position + 1 : position + 2]
        if character == "\\" and following and (following in _ESCAPED or following == delimiter):
            kept.append(_ESCAPED.get(following, following))
            length = len(kept)
            position += 1
        elif character == "'" and (quoted or "'" in piece[position + 1 :]):
            quoted = not quoted
        else:
            kept.append(character)
            if character != " " or quoted:
                length = len(kept)
        position += 1
    return "".join(kept[:length])
