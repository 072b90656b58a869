"""Money: whole millionths of a yuan, never a float.

An amount is an ``int``. Decimal text is read with at most six decimals and written back without loss; what a
division leaves over is rounded half up, once, where it arises.
"""

from __future__ import annotations

import re

from appliance.errors import RatingError

#: Millionths in a yuan, and in a fen.
YUAN = 1_000_000
FEN = 10_000

# Twelve digits before the point: more does not fit a 64-bit column of millionths.
_AMOUNT = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,6}))?", re.ASCII)


def parse(text: str) -> int:
    """Read an amount in yuan.

    >>> parse("0.1375"), parse("50"), parse("-1.5")
    (137500, 50000000, -1500000)
    >>> parse("0.1234567")
    Traceback (most recent call last):
        ...
    appliance.errors.RatingError: not an amount in yuan with at most six decimals: 0.1234567
    >>> parse("1e3")
    Traceback (most recent call last):
        ...
    appliance.errors.RatingError: not an amount in yuan with at most six decimals: 1e3

    :raises RatingError: it is anything but digits, at most twelve, with at most six decimals behind a point.
    """
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise RatingError(f"not an amount in yuan with at most six decimals: {text[:40]}")
    sign, whole, decimals = found.groups()
    micro = int(whole) * YUAN + int((decimals or "").ljust(6, "0"))
    return -micro if sign else micro


def is_valid(text: str) -> bool:
    """Whether ``text`` writes an amount.

    >>> is_valid("0.000001"), is_valid("0.0000001"), is_valid(".5"), is_valid("１")
    (True, False, False, False)
    """
    return _AMOUNT.fullmatch(text) is not None


def format(micro: int) -> str:
    """The amount in yuan with all six decimals, as files carry it.

    >>> format(350000), format(-1)
    ('0.350000', '-0.000001')
    """
    whole, decimals = divmod(abs(micro), YUAN)
    return f"{'-' if micro < 0 else ''}{whole}.{decimals:06}"


def yuan(micro: int) -> str:
    """The amount in yuan as people read it: to the fen, and further only where there is more.

    >>> yuan(350000), yuan(50000000), yuan(18519), yuan(-1500000)
    ('0.35', '50.00', '0.018519', '-1.50')
    """
    text = format(micro)
    return text[:-4] + text[-4:].rstrip("0")


def round_half_up(numerator: int, denominator: int) -> int:
    """``numerator / denominator`` as the nearest whole number, a half going up.

    >>> round_half_up(5, 2), round_half_up(7, 3), round_half_up(-5, 2)
    (3, 2, -2)
    >>> round_half_up(1, 0)
    Traceback (most recent call last):
        ...
    ValueError: the denominator must be above 0: 0

    :raises ValueError: ``denominator`` is not above 0.
    """
    if denominator <= 0:
        raise ValueError(f"the denominator must be above 0: {denominator}")
    return (2 * numerator + denominator) // (2 * denominator)


def to_fen(micro: int) -> int:
    """Millionths of a yuan as whole fen, half up.

    >>> to_fen(125_000), to_fen(124_999), to_fen(-125_000)
    (13, 12, -12)
    """
    return round_half_up(micro, FEN)
