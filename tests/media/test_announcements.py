"""Whatever the appliance can play by itself is in the catalogue and in the default set."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.config import PROJECT_ROOT
from appliance.domain.refusal import ENDINGS
from appliance.domain.speech import MOST, position_prompts
from appliance.errors import MediaError
from appliance.media.announcements import GROUPS, load_catalogue
from appliance.media.default_set import DEFAULT_SET
from appliance.site.check import NOTICE
from appliance.store.models import Queue

CATALOGUE = load_catalogue(DEFAULT_SET)
#: Functions that play a prompt or look one up; its name is their last argument.
PLAYERS = {"play", "find_prompt", "_found"}
#: Names that come from the site file, the rules, or a table that is looked at below.
ELSEWHERE = {"prompt", "name", "again", "node.prompt", "node.thanks", "queue.music", "call.route.record_notice"}
#: Constants of ``calls.message`` and ``calls.talk`` that hold a name.
CONSTANTS = {"PROMPT", "BEEP", "THANKS", "WARNING"}
#: What names are put into before they are played.
GIVEN = {"prompt", "name", "_SENT_AWAY", *CONSTANTS}


def calls_of(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            # `leg.play` plays a file.
            if called in PLAYERS and not ast.unparse(node.func).endswith(("leg.play", "talk.play")):
                yield node


def named(argument: ast.expr) -> Iterator[str]:
    """The names that an argument may be; one that this test cannot follow fails it."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, ast.IfExp):
        yield from named(argument.body)
        yield from named(argument.orelse)
    else:
        written = ast.unparse(argument)
        assert written in ELSEWHERE or set(written.split(" or ")) <= {*ELSEWHERE, *CONSTANTS}, (
            f"what is played there? {written}: teach this test"
        )


def played_by_code() -> set[str]:
    names: set[str] = set()
    for file in (PROJECT_ROOT / "appliance" / "calls").glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for call in calls_of(tree):
            names.update(named(call.args[-1]))
        for node in ast.walk(tree):
            # `prompt = …` and `name = …` before a call that plays it, and tables of (prompt, cause).
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {
                "prompt",
                "name",
                "_SENT_AWAY",
                *CONSTANTS,
            }:
                names.update(one.value for one in ast.walk(node.value) if is_name(one))
            if isinstance(node, ast.ListComp) and "_found" in ast.unparse(node.elt):
                names.update(one.value for one in ast.walk(node) if is_name(one))
    return names - {""}


def is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.islower()


def test_the_walk_finds_what_is_known_to_be_played() -> None:
    assert {
        "apology",
        "all-lines-busy",
        "queue-timeout",
        "password",
        "password-again",
        "press-1",
        "queue-busy",
    } <= (played_by_code())


def test_every_announcement_that_can_be_played_is_in_the_catalogue_and_in_the_set() -> None:
    spoken = {name for n in range(MOST + 1) for name in (*position_prompts(n, n), *position_prompts(n, None))}
    refusals = {ending.prompt for ending in ENDINGS.values() if ending.prompt}
    music = Queue.__table__.c.music.default
    assert music is not None
    playable = played_by_code() | spoken | refusals | {NOTICE, music.arg}  # type: ignore[attr-defined]
    assert playable - set(CATALOGUE.announcements) == set()
    assert {name for name in playable if not (DEFAULT_SET / f"{name}.wav").is_file()} == set()


def test_every_file_of_the_set_is_in_the_catalogue_and_the_other_way_round() -> None:
    assert {file.stem for file in DEFAULT_SET.glob("*.wav")} == set(CATALOGUE.announcements)


def test_every_announcement_says_what_it_is_in_both_languages() -> None:
    assert CATALOGUE.synthetic, "the set is for trying only, and says so"
    for one in CATALOGUE.announcements.values():
        assert one.group in GROUPS
        assert one.english and one.when and one.when_english
        assert not one.english[0].isspace() and not any("\u4e00" <= c <= "\u9fff" for c in one.english)
        assert one.text or one.name in ("hold-music", "beep")


def test_the_order_is_that_of_the_groups() -> None:
    groups = [one.group for one in CATALOGUE.announcements.values()]
    assert groups == sorted(groups, key=GROUPS.index)


def test_a_catalogue_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    text = (DEFAULT_SET / "texts.toml").read_text(encoding="utf-8")
    (tmp_path / "texts.toml").write_text('extra = "多出"\n' + text, encoding="utf-8")
    with pytest.raises(MediaError, match="extra"):
        load_catalogue(tmp_path)
    with pytest.raises(MediaError):
        load_catalogue(tmp_path / "nowhere")
