"""Amounts of money in Chinese capitals, as papers of finance carry them beside the digits."""

from __future__ import annotations

from appliance.errors import RuleError

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿")
#: Below a trillion yuan: three groups of four digits.
MOST_FEN = 10**14 - 1


def capitals(fen: int) -> str:
    """An amount in fen in capitals (正确填写票据和结算凭证的基本规定).

    >>> capitals(140_950), capitals(640_714), capitals(10_700_053)
    ('人民币壹仟肆佰零玖元伍角', '人民币陆仟肆佰零柒元壹角肆分', '人民币壹拾万柒仟元零伍角叁分')
    >>> capitals(0), capitals(5), capitals(-10_000)
    ('人民币零元整', '人民币伍分', '人民币负壹佰元整')
    >>> capitals(10**14)
    Traceback (most recent call last):
        ...
    appliance.errors.RuleError: an amount of more than 99999999999999 fen

    :raises RuleError: it is above ``MOST_FEN``.
    """
    if abs(fen) > MOST_FEN:
        raise RuleError(f"an amount of more than {MOST_FEN} fen")
    whole, rest = divmod(abs(fen), 100)
    jiao, fen_left = divmod(rest, 10)
    text = f"{_whole(whole)}元" if whole or not rest else ""
    # A zero stands between the yuan and what follows where their neighbouring digit is one.
    if text and rest and (not jiao or not whole % 10):
        text += "零"
    text += f"{_DIGITS[jiao]}角" if jiao else ""
    text += f"{_DIGITS[fen_left]}分" if fen_left else ""
    return f"人民币{'负' if fen < 0 else ''}{text}{'整' if not rest else ''}"


def _whole(number: int) -> str:
    if number == 0:
        return _DIGITS[0]
    text, zero = "", False
    for group in range(len(_GROUPS) - 1, -1, -1):
        digits = number // 10 ** (4 * group) % 10_000
        if not digits:
            zero = bool(text)
            continue
        for place in range(3, -1, -1):
            digit = digits // 10**place % 10
            if digit:
                text += f"{_DIGITS[0] if zero else ''}{_DIGITS[digit]}{_PLACES[place]}"
                zero = False
            else:
                zero = zero or bool(text)
        # Zeros at a group's end are not said: the group's name stands there.
        zero = False
        text += _GROUPS[group]
    return text
