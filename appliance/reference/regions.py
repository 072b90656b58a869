"""Where a caller calls from, by public data: area codes, and the segments (first seven digits) of mobiles.

Source: the ``phone`` package (its phone.dat of 2023: 499,527 segments, 321 area codes). It does not know where a
number's owner lives: a place is where the number was given out.

Not ``phonenumbers``' geocoder: over all 700,000 possible segments it knows 149 that ``phone`` lacks, puts most
of 173 down to 北京, takes area codes that nobody was given for their neighbours', and costs 100 MB a process and
up to half a second at the first question (measured, version 9.0.43).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from appliance.domain.numbers import Caller, CallerKind, area_code
from appliance.domain.places import Place, plain, plain_city

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_MUNICIPALITIES = frozenset({"北京", "上海", "天津", "重庆"})
# Where phone's records begin: behind the version (4 bytes) and the offset of the first segment (4 bytes).
_FIRST_RECORD = 8

# phone's cities that are none, PROVINCE/CITY → the cities meant. The records mix prefectures with their seats,
# short names and old names: 664 segments lie in 吉首 and 4 in 湘西, which is the same prefecture. A rule names the
# prefecture, so that is what is answered.
_MEANT: Mapping[str, tuple[str, ...]] = {
    # Short names: the segments have only these, the area codes both.
    "新疆/克州": ("克孜勒苏",),
    "新疆/博州": ("博尔塔拉",),
    "新疆/巴州": ("巴音郭楞",),
    # Seats and other places inside a prefecture, with its area code.
    "内蒙古/临河": ("巴彦淖尔",),
    "内蒙古/乌兰浩特": ("兴安",),
    "内蒙古/海拉尔": ("呼伦贝尔",),
    "内蒙古/锡林浩特": ("锡林郭勒",),
    "内蒙古/集宁": ("乌兰察布",),
    "吉林/延吉": ("延边",),
    "吉林/梅河口": ("通化",),
    "吉林/珲春": ("延边",),
    "四川/西昌": ("凉山",),
    "安徽/巢湖": ("合肥",),
    "新疆/博乐": ("博尔塔拉",),
    "新疆/库尔勒": ("巴音郭楞",),
    "河南/潢川": ("信阳",),
    "湖南/吉首": ("湘西",),
    "贵州/兴义": ("黔西南",),
    "贵州/凯里": ("黔东南",),
    "贵州/都匀": ("黔南",),
    "陕西/商州": ("商洛",),
    "青海/共和": ("海南州",),
    "青海/德令哈": ("海西",),
    "青海/海晏": ("海北",),
    # With an area code of their own, so both are known for certain.
    "山东/莱芜": ("济南", "莱芜"),
    "新疆/奎屯": ("伊犁", "奎屯"),
    "青海/格尔木": ("海西", "格尔木"),
    # An old name.
    "云南/思茅": ("普洱",),
    # The oil field's numbers serve the three cities around it; the island is one area, and all but 3 of its
    # segments are put down to the capital, wherever they are used.
    "湖北/江汉": ("仙桃", "天门", "潜江"),
    "海南/海口": ("海口", "三亚"),
    "海南/三亚": ("海口", "三亚"),
}


class _Segments(Protocol):
    """What is used of ``phone.Phone``: its file's bytes, 4.5 MB, and a search by halves in them."""

    buf: bytes
    first_phone_record_offset: int

    def find(self, phone_num: str) -> dict[str, str] | None: ...


@dataclass(frozen=True, slots=True)
class _Areas:
    """Area code with its zero → place; the provinces; each place as ``江苏`` and ``江苏/苏州``."""

    by_code: Mapping[str, Place]
    provinces: frozenset[str]
    names: frozenset[str]


class Regions:
    """Callers' places: the administrator's table, then the public data.

    :param overrides: an area code with its zero (``0512``), or the first digits of a mobile, three to eleven
        (``1991234``) → place. Of several that fit a mobile the longest holds.

    The public data is loaded by the first question that needs it and once for a process; ``warm`` loads it before.
    Making one costs nothing, so there may be one for each call.
    """

    __slots__ = ("_overrides",)

    def __init__(self, overrides: Mapping[str, Place] | None = None) -> None:
        self._overrides = overrides or {}

    def place_of(self, caller: Caller) -> Place | None:
        """Where a caller's number was given out; None: from overseas, withheld, or nobody knows."""
        match caller.kind:
            case CallerKind.MOBILE if _MOBILE.fullmatch(caller.number):
                prefixes = (caller.number[:length] for length in range(11, 2, -1))
                return self._own_place(prefixes) or _place_of_mobile(caller.number)
            case CallerKind.FIXED if code := area_code(caller.number):
                return self._own_place([code]) or _areas().by_code.get(code)
            case _:
                return None

    def knows(self, name: str) -> bool:
        """Whether a rule's name (``江苏``, ``苏州市``, ``江苏/苏州``) is a place of the table or the public data.

        Hong Kong, Macau and Taiwan are none: who calls from there comes from overseas.
        """
        province, slash, city = name.partition("/")
        plain_name = f"{plain(province)}/{plain_city(city)}" if slash else plain(name)
        return plain_name in _areas().names or plain_name in _names_of(map(_tidy, self._overrides.values()))

    def warm(self) -> None:
        """Load all that ``place_of`` may load, so that no call waits for it."""
        _segments()
        _areas()

    def _own_place(self, keys: Iterable[str]) -> Place | None:
        """The place of the first key that the administrator's table has."""
        found = next(filter(None, map(self._overrides.get, keys)), None)
        return None if found is None else _tidy(found)


def _tidy(place: Place) -> Place:
    """The administrator's place, written as the public ones are."""
    return Place(plain(place.province), tuple(plain_city(city) for city in place.cities))


def _names_of(places: Iterable[Place]) -> frozenset[str]:
    """Each place's province, its cities, and both together."""
    names: set[str] = set()
    for place in places:
        names |= {place.province, *place.cities, *(f"{place.province}/{city}" for city in place.cities)}
    return frozenset(names)


@cache
def _segments() -> _Segments:
    from phone import Phone  # type: ignore[import-untyped]  # reads its file as soon as it is made

    segments: _Segments = Phone()
    return segments


@cache
def _areas() -> _Areas:
    """Read the records, of the form ``province|city|post code|area code``, without the segments behind them."""
    segments = _segments()
    records = segments.buf[_FIRST_RECORD : segments.first_phone_record_offset].decode().rstrip("\0").split("\0")
    fields = [record.split("|") for record in records]
    # By post code, for the lowest of several is the capital's: 西安 before 咸阳. They have lost leading zeros.
    fields.sort(key=lambda one: int(one[2]))
    by_code: dict[str, Place] = {}
    places = []
    for province, city, _, code in fields:
        place = _public_place(province, city)
        places.append(place)
        # One record of 锡林郭勒 has 00479. No area code lies in two provinces.
        code = "0" + code.lstrip("0")
        before = by_code[code].cities if code in by_code else ()
        by_code[code] = Place(place.province, tuple(dict.fromkeys((*before, *place.cities))))
    return _Areas(by_code, frozenset(place.province for place in places), _names_of(places))


# Some 340 pairs: a place is one object, however many call from it.
@cache
def _public_place(province: str, city: str) -> Place:
    """A record's place."""
    province = plain(province)
    if province in _MUNICIPALITIES:
        # Its districts are no cities: phone has 万州, 涪陵 and 黔江 for part of 重庆.
        return Place(province, (province,))
    city = plain_city(city)
    return Place(province, _MEANT.get(f"{province}/{city}", (city,)))


def _place_of_mobile(number: str) -> Place | None:
    found = _segments().find(number[:7])
    return _public_place(found["province"], found["city"]) if found else None
