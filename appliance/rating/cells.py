"""Cells that a spreadsheet takes for text."""

from __future__ import annotations

#: What a spreadsheet computes; a Chinese one takes the wide forms as well.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_cell(text: str) -> str:
    """A cell that a spreadsheet takes for text (OWASP, CSV injection).

    >>> safe_cell("=HYPERLINK(1)"), safe_cell(" =1+1"), safe_cell("sales")
    ("'=HYPERLINK(1)", "' =1+1", 'sales')
    """
    return "'" + text if text.lstrip(" \u3000\xa0").startswith(_FORMULA) or text.startswith(_FORMULA) else text
