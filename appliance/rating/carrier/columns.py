"""Which column of a bill is what, by its heading, and in what it counts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from appliance.domain.cdr import clean as shown
from appliance.errors import RatingError
from appliance.rating.carrier.values import MONEY

#: Our names of the columns that a bill may have. ``start`` may come in two, ``date`` and ``time``.
NAMES = ("caller", "called", "start", "date", "time", "seconds", "amount")
#: What carriers call them, without blanks and without what stands in brackets.
_KNOWN = {
    "caller": "主叫 主叫号码 主叫用户 来电号码 calling callingnumber caller callernumber",
    "called": "被叫 被叫号码 被叫用户 400号码 落地号码 绑定号码 called callednumber callee",
    "start": "开始时间 起始时间 通话开始时间 呼叫开始时间 通话时间 通话起始时间 起始日期时间 start starttime",
    "date": "日期 通话日期 开始日期 起始日期 date",
    "time": "时间 开始时刻 起始时刻 time",
    "seconds": "时长 通话时长 计费时长 通话秒数 秒数 duration seconds billsec",
    "amount": "费用 金额 通话费 通话费用 话费 费用合计 amount fee charge cost",
}
_BY_NAME = {name: ours for ours, names in _KNOWN.items() for name in names.split()}
#: When a call was, or how long: how long where a unit of durations stands behind it (``通话时间(秒)``).
_MAY_LAST = frozenset({"通话时间", "时间"})
#: Half and full width.
_BRACKETS = re.compile(r"[（(\[【［〔](.*?)[）)\]】］〕]")
#: What brackets may say of amounts and durations that is no unit.
_NO_UNIT = re.compile(r"|(?:不)?含税|hh?(?:24)?[:：]m[mi]?(?:[:：]ss?)?|mm?[:：]ss?|(?:时[:：])?分[:：]秒|时分秒")
#: What may stand before a unit.
_UNIT_IS = re.compile(r"^(?:(?:计费|计量|计价|货币|金额)?单位|币种)(?:[:：]|为)?")
_SECONDS = {
    **dict.fromkeys(("秒", "秒钟", "s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("分", "分钟", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("时", "小时", "h", "hour", "hours"), 3600),
}
_AMOUNTS = {
    **MONEY,
    **dict.fromkeys(("人民币", "人民币元", "yuan", "rmb", "cny", "¥", "￥"), MONEY["元"]),
    "fen": MONEY["分"],
}


def places(headings: tuple[str, ...], columns: Mapping[str, str], by_400: bool = False) -> dict[str, int]:
    """Our names with their places: what is mapped before what is known, the first of two before the second.

    :param by_400: of two called numbers the 400 number is meant, where it is told; else the other one.
    """
    found = {columns[one]: place for place, one in reversed(list(enumerate(headings))) if one in columns}
    # One of them is said: the other would be a second answer. A date may stand beside either.
    left_out = {other for one, other in (("start", "time"), ("time", "start")) if one in found}
    later = {"通话时间": 1, "400号码": -1 if by_400 else 1}
    known = [(*_known(heading), place) for place, heading in enumerate(headings) if heading not in columns]
    for _, ours, place in sorted((later.get(name, 0), ours, place) for name, ours, place in known):
        if ours and ours not in left_out:
            found.setdefault(ours, place)
    return found


def _known(heading: str) -> tuple[str, str]:
    """A heading without blanks and brackets, and our name for it; empty: there is none."""
    name = "".join(_BRACKETS.sub("", heading).split()).lower()
    if name in _MAY_LAST and any(_plain(inside) in _SECONDS for inside in _BRACKETS.findall(heading)):
        return name, "seconds"
    return name, _BY_NAME.get(name, "")


def missing(found: Mapping[str, int]) -> list[str]:
    missing = [name for name in ("called", "seconds") if name not in found]
    if "start" not in found and not {"date", "time"} <= found.keys():
        missing.append("start")
    return missing


def amount_unit(headings: tuple[str, ...], found: Mapping[str, int], columns: Mapping[str, str]) -> int:
    """Millionths of a yuan that amounts count in, by the heading (``金额(分)``); else yuan.

    :raises RatingError: the heading tells another unit, and the column is not mapped.
    """
    if "amount" not in found:
        return MONEY["元"]
    heading = headings[found["amount"]]
    return _unit(
        heading, _AMOUNTS, MONEY["元"], "amounts: 元, 角, 分, 厘; or say --amount-unit", heading in columns
    )


def seconds_unit(headings: tuple[str, ...], found: Mapping[str, int], columns: Mapping[str, str]) -> int:
    """Seconds that durations count in, by the heading (``计费时长(分钟)``); else one.

    :raises RatingError: as ``amount_unit``.
    """
    heading = headings[found["seconds"]]
    return _unit(
        heading, _SECONDS, 1, "durations: 秒, 分钟, 小时; or say --map HEADING=seconds", heading in columns
    )


def _unit(heading: str, units: Mapping[str, int], usual: int, known: str, mapped: bool) -> int:
    told = {inside for inside in map(_plain, _BRACKETS.findall(heading)) if not _NO_UNIT.fullmatch(inside)}
    if len(told) == 1 and told <= units.keys():
        return units[told.pop()]
    if told and not mapped:
        raise RatingError(f"{shown(heading, 100)}: its unit is none that is known ({known})")
    return usual


def _plain(inside: str) -> str:
    return _UNIT_IS.sub("", "".join(inside.split()).lower())
