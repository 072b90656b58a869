"""Texts with places for values."""

from __future__ import annotations

import doctest
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import template
from appliance.domain.template import filled, in_json, in_text, in_url, names, url_fault
from appliance.errors import TemplateError


def test_the_examples_hold() -> None:
    assert doctest.testmod(template).failed == 0


@given(st.text())
def test_a_value_stays_one_value_of_a_query(value: str) -> None:
    url = filled("https://crm.example/find?caller={caller}&key=k", {"caller": value}, in_url)
    assert url_fault(url) == ""
    asked = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert asked == {"caller": [value.encode(errors="replace").decode()], "key": ["k"]}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_value_stays_one_segment_of_a_path(value: str) -> None:
    parts = urlsplit(filled("https://crm.example/callers/{caller}/orders", {"caller": value}, in_url))
    assert parts.netloc == "crm.example" and parts.path.count("/") == 3 and not parts.query and not parts.fragment


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_value_stays_one_text_of_a_json_body(value: str) -> None:
    body = filled('{"caller": "{caller}", "n": {"x": 1}}', {"caller": value}, in_json)
    assert json.loads(body) == {"caller": value, "n": {"x": 1}}


def test_values_are_put_in_once() -> None:
    assert filled("{a}{b}", {"a": "{b}", "b": "{a}"}, in_text) == "{b}{a}"


@pytest.mark.parametrize("text", ["", "{}", "{ a}", "{1}", "{{a b}}", "}{", "{a", '{"a": 1}'])
def test_other_braces_are_text(text: str) -> None:
    assert names(text) == () and filled(text, {}) == text


def test_what_names_no_variable_is_a_fault_that_says_which() -> None:
    with pytest.raises(TemplateError, match=r"^there is no variable level, x\.y$"):
        filled("{caller} {level} {x.y} {level}", {"caller": "1"})


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://a", ""),
        ("HTTPS://a.b:65535/c?d={e}#f", ""),
        ("http://crm_1.example./", ""),
        ("http://[fd00::1]:80/{x}", ""),
        ("", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://a/", "scheme"),
        ("//a/", "scheme"),
        ("http:/a", "scheme"),
        ("http://", "host"),
        ("http:///a", "host"),
        ("http://:80/", "host"),
        ("http://{host}/", "host"),
        ("http://a.{host}/", "host"),
        ("http://a:{port}/", "host"),
        ("http://a:0/", "host"),
        ("http://a:65536/", "host"),
        ("http://a:80:80/", "host"),
        ("http://a\\b/", "host"),
        ("http://企业.example/", "host"),
        ("http://a%2fb/", "host"),
        ("http://user@a/", "password"),
        ("http://user:word@a/", "password"),
        ("http://a/\r\nX: y", "character"),
        ("http://a/ b", "character"),
        ("http://a/企业", "character"),
    ],
)
def test_what_is_wrong_with_an_address(url: str, fault: str) -> None:
    assert url_fault(url) == fault
