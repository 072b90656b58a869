"""Extensions dialled while a menu plays: when the digits are enough, and what they are then."""

from __future__ import annotations

import doctest

import pytest

from appliance.domain import extension
from appliance.domain.extension import Standing, awaits_more, standing
from appliance.domain.flow import Menu
from appliance.domain.menu import AskAgain, Chosen, after_answer

EXTENSIONS = {"801": "a", "80123": "b", "22": "c", "12345678": "d"}
MENU = Menu("p", {"1": "one", "2": "two", "8": "eight", "*": "star"}, "quiet", "lost", attempts=2, dial=True)


def test_doctests() -> None:
    assert doctest.testmod(extension).failed == 0


@pytest.mark.parametrize(
    ("keys", "what", "waits"),
    [
        # No extension begins so: a menu key as ever, though it be none of the menu's.
        ("*", Standing.KEY, False),
        ("#", Standing.KEY, False),
        ("9", Standing.KEY, False),
        ("99", Standing.KEY, False),
        # A key and the beginning of an extension.
        ("1", Standing.PART, True),
        ("2", Standing.PART, True),
        ("8", Standing.PART, True),
        ("80", Standing.PART, True),
        # An extension, and the beginning of a longer one.
        ("801", Standing.PART, True),
        ("8012", Standing.PART, True),
        ("80123", Standing.WHOLE, False),
        ("22", Standing.WHOLE, False),
        # The rest of a number that nobody has is waited for, up to eight digits.
        ("81", Standing.STRAY, True),
        ("8*", Standing.STRAY, True),
        ("1234567", Standing.PART, True),
        ("12345678", Standing.WHOLE, False),
        ("1234567", Standing.PART, True),
        ("8199999", Standing.STRAY, True),
        ("81999999", Standing.STRAY, False),
    ],
)
def test_what_keys_are(keys: str, what: Standing, waits: bool) -> None:
    assert (standing(keys, EXTENSIONS), awaits_more(keys, EXTENSIONS)) == (what, waits)


def test_an_account_without_extensions_waits_for_nothing() -> None:
    assert [awaits_more(key, {}) for key in "0123456789*#"] == [False] * 12


@pytest.mark.parametrize(
    ("keys", "exit_name"),
    [("1", "keys.1"), ("8", "keys.8"), ("22", "dialled"), ("801", "dialled"), ("*", "keys.*")],
)
def test_what_is_chosen(keys: str, exit_name: str) -> None:
    assert after_answer(MENU, 1, keys, EXTENSIONS) == Chosen(exit_name, keys)


def test_a_wrong_extension_counts_as_a_wrong_key() -> None:
    assert after_answer(MENU, 1, "802", EXTENSIONS) == AskAgain("")
    assert after_answer(MENU, 2, "802", EXTENSIONS) == Chosen("wrong")


def test_a_menu_that_takes_none_does_not_know_them() -> None:
    plain = Menu("p", {"1": "one"}, "quiet", "lost", attempts=1)
    assert after_answer(plain, 1, "801", EXTENSIONS) == Chosen("wrong")
