"""Callers' places by the administrator's table and by public data."""

from __future__ import annotations

import doctest
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain import places
from appliance.domain.numbers import WITHHELD, Caller, CallerKind, caller
from appliance.domain.places import Place, lies_in, plain, plain_city
from appliance.reference import regions
from appliance.reference.regions import Regions

#: A fixed line of each province's capital.
CAPITALS = {
    "010": "北京/北京",
    "021": "上海/上海",
    "022": "天津/天津",
    "023": "重庆/重庆",
    "0311": "河北/石家庄",
    "0351": "山西/太原",
    "0471": "内蒙古/呼和浩特",
    "024": "辽宁/沈阳",
    "0431": "吉林/长春",
    "0451": "黑龙江/哈尔滨",
    "025": "江苏/南京",
    "0571": "浙江/杭州",
    "0551": "安徽/合肥",
    "0591": "福建/福州",
    "0791": "江西/南昌",
    "0531": "山东/济南",
    "0371": "河南/郑州",
    "027": "湖北/武汉",
    "0731": "湖南/长沙",
    "020": "广东/广州",
    "0771": "广西/南宁",
    "0898": "海南/海口",
    "028": "四川/成都",
    "0851": "贵州/贵阳",
    "0871": "云南/昆明",
    "0891": "西藏/拉萨",
    "029": "陕西/西安",
    "0931": "甘肃/兰州",
    "0971": "青海/西宁",
    "0951": "宁夏/银川",
    "0991": "新疆/乌鲁木齐",
}


def place_of(number: str, overrides: dict[str, Place] | None = None) -> Place | None:
    return Regions(overrides or {}).place_of(caller(number))


def test_doctests() -> None:
    assert doctest.testmod(places).failed == 0


def test_the_capitals_are_those_of_all_provinces() -> None:
    assert {name.partition("/")[0] for name in CAPITALS.values()} == regions._areas().provinces
    assert len(CAPITALS) == 31


@pytest.mark.parametrize(("code", "name"), CAPITALS.items())
def test_a_capitals_area_code(code: str, name: str) -> None:
    place = place_of(code + "61234567")
    assert place is not None
    assert lies_in(place, [name]) == name
    # Where a code serves several cities, the capital is named first.
    assert place.cities[0] == plain_city(name.partition("/")[2])


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("051261234567", Place("江苏", ("苏州",))),
        ("02161234567", Place("上海", ("上海",))),
        ("02961234567", Place("陕西", ("西安", "咸阳"))),
        ("02361234567", Place("重庆", ("重庆",))),  # not 万州, 涪陵, 黔江
        ("02461234567", Place("辽宁", ("沈阳", "铁岭", "抚顺", "本溪"))),
        ("04792234567", Place("内蒙古", ("锡林郭勒",))),  # one record has 00479
        ("04822234567", Place("内蒙古", ("兴安",))),  # 兴安, 兴安盟, 乌兰浩特
        ("04322234567", Place("吉林", ("吉林市",))),
        ("04332234567", Place("吉林", ("延边",))),  # 延边, 延吉, 珲春
        ("09742234567", Place("青海", ("海南州",))),
        ("09082234567", Place("新疆", ("克孜勒苏",))),  # 克孜勒苏, 克州
        ("09792234567", Place("青海", ("海西", "格尔木"))),
        ("07282234567", Place("湖北", ("天门", "仙桃", "潜江"))),
        ("08982234567", Place("海南", ("海口", "三亚"))),
        ("08792234567", Place("云南", ("普洱",))),  # 思茅 until 2007
        ("13800138000", Place("北京", ("北京",))),
        ("03362234567", None),  # nobody's code, though 0335 is 秦皇岛's
        ("05812234567", None),
        ("10086", None),
        ("4008001234", None),
        ("+85223456789", None),
        ("+14155550100", None),
        ("anonymous", None),
    ],
)
def test_place_of(number: str, place: Place | None) -> None:
    assert place_of(number) == place


@pytest.mark.parametrize("kind", CallerKind)
@pytest.mark.parametrize(
    "number", ["", "1", "138", "1380013", "13800138000 ", "+8613800138000", "١٣٨٠٠١٣٨٠٠٠", "021"]
)
def test_numbers_that_are_none_have_no_place(kind: CallerKind, number: str) -> None:
    assert Regions({}).place_of(Caller(number, kind)) is None


def test_who_hides_his_number_has_no_place() -> None:
    assert Regions({}).place_of(WITHHELD) is None


def test_every_area_code_lies_in_one_province_and_names_its_cities() -> None:
    areas = regions._areas()
    assert len(areas.by_code) == 321
    for code, place in areas.by_code.items():
        assert code[0] == "0" and code[1] != "0"
        assert place.cities and len(set(place.cities)) == len(place.cities)
        assert place.province == plain(place.province)
        assert [plain_city(city) for city in place.cities] == list(place.cities)
    # What is answered instead of a record's city is a place of its own, not one more name to be replaced.
    assert not {f"{name.partition('/')[0]}/{city}" for name, meant in regions._MEANT.items() for city in meant} - (
        areas.names
    )


def test_no_city_is_called_as_a_province() -> None:
    areas = regions._areas()
    cities = {name.partition("/")[2] for name in areas.names if "/" in name}
    assert cities & areas.provinces == {"北京", "上海", "天津", "重庆"}


# The administrator's table.


def test_the_longest_prefix_of_a_mobile_holds() -> None:
    table = {
        "138": Place("广东", ("广州",)),
        "1380013": Place("浙江", ("杭州",)),
        "13800138000": Place("四川", ("成都",)),
    }
    assert place_of("13800138000", table) == Place("四川", ("成都",))
    assert place_of("13800138001", table) == Place("浙江", ("杭州",))
    assert place_of("13812345678", table) == Place("广东", ("广州",))
    assert place_of("13912345678", table) == place_of("13912345678")


def test_an_area_code_of_ones_own() -> None:
    table = {"0512": Place("江苏", ("昆山",)), "0336": Place("河北")}
    assert place_of("051261234567", table) == Place("江苏", ("昆山",))
    assert place_of("03362234567", table) == Place("河北")
    assert place_of("02161234567", table) == Place("上海", ("上海",))


def test_a_place_of_ones_own_is_written_as_the_public_ones_are() -> None:
    assert place_of("13800138000", {"138": Place("吉林省", ("吉林",))}) == Place("吉林", ("吉林市",))


# Names in rules.


@pytest.mark.parametrize(
    "name",
    [
        "江苏",
        "江苏省",
        "苏州",
        "苏州市",
        "江苏/苏州",
        "江苏省/苏州市",
        "上海",
        "上海市",
        "上海/上海",
        "广西壮族自治区",
        "内蒙古自治区/兴安盟",
        "延边朝鲜族自治州",
        "恩施",
        "恩施土家族苗族自治州",
        "黔西南布依族苗族自治州",
        "湘西州",
        "阿里地区",
        "神农架林区",
        "吉林",
        "吉林市",
        "吉林/吉林",
        "海南",
        "海南州",
        "青海/海南",
        "青海省/海南藏族自治州",
        "襄阳",
    ],
)
def test_known_names(name: str) -> None:
    assert Regions({}).knows(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "江苏/",
        "/苏州",
        "江苏/杭州",
        "江苏/苏州/昆山",
        "江酥",
        "苏",
        "州",
        "中国",
        "香港",
        "襄樊",
        "重庆/万州",
    ],
)
def test_unknown_names(name: str) -> None:
    assert not Regions({}).knows(name)


def test_the_administrators_places_are_known() -> None:
    own = Regions({"1991234": Place("江苏省", ("昆山市",)), "0085": Place("海外")})
    assert all(map(own.knows, ["昆山", "江苏/昆山", "江苏省/昆山市", "海外", "浙江"]))
    assert not own.knows("浙江/昆山")


@given(st.text(max_size=20))
def test_any_text_may_be_asked_for(name: str) -> None:
    Regions({}).knows(name)


def test_a_segment_that_nobody_knows() -> None:
    assert regions._segments().find("1600009") is None
    assert place_of("16000091234") is None


# Whatever comes.


@settings(deadline=None)
@given(st.builds(Caller, st.text(max_size=24), st.sampled_from(CallerKind)))
def test_no_number_raises(hostile: Caller) -> None:
    Regions({"138": Place("江苏")}).place_of(hostile)


@settings(deadline=None)
@given(st.from_regex(r"1[3-9][0-9]{9}|0[1-9][0-9]{8,11}", fullmatch=True).map(caller))
def test_every_place_found_is_a_known_one(anybody: Caller) -> None:
    places = Regions({})
    place = places.place_of(anybody)
    if place is not None:
        assert all(places.knows(f"{place.province}/{city}") for city in place.cities)


# Loading.


def loaded_after(code: str) -> set[str]:
    """What a new process has loaded after ``code``."""
    program = f"""
import sys
from appliance.domain.numbers import caller
from appliance.domain.places import Place
from appliance.reference.regions import Regions
regions = Regions({{"138": Place("江苏", ("苏州",)), "0512": Place("江苏", ("苏州",))}})
{code}
print(*[name for name in ("phone",) if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("", set()),
        ("regions.place_of(caller('anonymous')); regions.place_of(caller('+14155550100'))", set()),
        ("regions.place_of(caller('13800138000')); regions.place_of(caller('051261234567'))", set()),
        ("regions.place_of(caller('13900138000')); regions.place_of(caller('03361234567'))", {"phone"}),
        ("regions.knows('苏州')", {"phone"}),
        ("regions.warm()", {"phone"}),
    ],
)
def test_only_what_is_needed_is_loaded(code: str, loaded: set[str]) -> None:
    assert loaded_after(code) == loaded
