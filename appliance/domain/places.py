"""Where a caller calls from: a province and a city, as rules name them.

A place is written ``上海``, ``江苏``, ``江苏/苏州`` or ``苏州``: without 省, 市, 自治区 and their like.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# The peoples that the names of autonomous prefectures hold (恩施土家族苗族自治州, 伊犁哈萨克自治州).
_PEOPLE = "(?:(?:朝鲜|土家|苗|藏|羌|彝|布依|侗|壮|傣|景颇|傈僳|白|哈尼|回|蒙古)族|蒙古|哈萨克|柯尔克孜)"
# A name of two characters or fewer keeps its ending (沙市, 苏州). 州: 湘西州, as people shorten 自治州.
_ENDING = re.compile(
    r"(?<=..)(?:特别行政区|(?:维吾尔|壮族|回族)?自治区|" + _PEOPLE + r"*自治州|地区|林区|新区|[省市盟州])$"
)
# Two cities are called as a province: 吉林市 in 吉林, and 海南藏族自治州, which lies in 青海. They keep an ending,
# or a rule for the one would let in callers from the other.
_LIKE_A_PROVINCE = {"吉林": "吉林市", "海南": "海南州"}


@dataclass(frozen=True, slots=True)
class Place:
    """A caller's place. ``cities`` holds several where one area code serves them all (029: 西安, 咸阳), and none
    where only the province is known."""

    province: str
    cities: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As people write it.

        >>> str(Place("江苏", ("苏州",))), str(Place("上海", ("上海",))), str(Place("陕西", ("西安", "咸阳")))
        ('江苏苏州', '上海', '陕西西安、咸阳')
        """
        cities = "、".join(self.cities)
        return self.province if cities in ("", self.province) else self.province + cities


def plain(name: str) -> str:
    """A province's or city's name without its kind.

    >>> plain("江苏省"), plain("广西壮族自治区"), plain("上海市"), plain("沙市"), plain(" 苏州 ")
    ('江苏', '广西', '上海', '沙市', '苏州')
    >>> plain("延边朝鲜族自治州"), plain("恩施土家族苗族自治州"), plain("湘西州"), plain("兴安盟")
    ('延边', '恩施', '湘西', '兴安')

    The two cities that are called as a province keep an ending.

    >>> plain("吉林省"), plain("吉林市"), plain("海南省"), plain("海南藏族自治州")
    ('吉林', '吉林市', '海南', '海南州')
    """
    name = name.strip()
    short = _ENDING.sub("", name)
    like = _LIKE_A_PROVINCE.get(short, "")
    return like if like and name.endswith(like[-1]) else short


def plain_city(name: str) -> str:
    """As ``plain``, of a name that is known to be a city's.

    >>> plain_city("苏州市"), plain_city("吉林"), plain_city("海南")
    ('苏州', '吉林市', '海南州')
    """
    short = plain(name)
    return _LIKE_A_PROVINCE.get(short, short)


def lies_in(place: Place, names: Iterable[str]) -> str:
    """The first of ``names`` (``江苏``, ``苏州``, ``江苏/苏州``) that the place lies in; empty: none.

    Where one area code serves several cities, the place lies in each of them: a caller is not turned away for what
    nobody knows.

    >>> suzhou = Place("江苏", ("苏州",))
    >>> lies_in(suzhou, ["浙江", "江苏"]), lies_in(suzhou, ["江苏/苏州"]), lies_in(suzhou, ["苏州市"])
    ('江苏', '江苏/苏州', '苏州市')
    >>> lies_in(suzhou, ["江苏/无锡", "上海"])
    ''
    >>> changchun = Place("吉林", ("长春",))
    >>> lies_in(changchun, ["吉林市", "吉林/吉林"]), lies_in(changchun, ["吉林"])
    ('', '吉林')
    """
    for name in names:
        province, slash, city = name.partition("/")
        if slash:
            inside = plain(province) == place.province and plain_city(city) in place.cities
        else:
            inside = plain(name) == place.province or plain(name) in place.cities
        if inside:
            return name
    return ""
