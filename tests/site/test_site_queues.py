"""Queues, lines' skills and nodes that lead into queues: good values reach the routing, wrong ones are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.domain.callback import Terms
from appliance.domain.flow import Enqueue
from appliance.domain.hunt import Hunt, Strategy
from appliance.domain.queue import Queue
from appliance.domain.speech import MOST, position_prompts
from appliance.errors import MediaError
from appliance.site import check
from appliance.site.check_queues import ANNOUNCED
from appliance.site.findings import dotted
from appliance.site.named import FindPrompt
from appliance.store.unit import Store
from tests.site.queued import SITE, wrote
from tests.site.ruled import exported, found, put, table
from tests.site.texts import line_of, parsed


def test_every_field_reaches_the_routing(store: Store) -> None:
    put(store, SITE)
    known = table(store)
    assert known.queues == {
        "support": Queue(
            id="support",
            account="demo",
            hunt=Hunt(("a", "b"), Strategy.ROTATE),
            max_wait_s=300,
            max_length=20,
            announce_s=45,
            music="own-music",
            wrap_up_s=10,
            rest_s=60,
            sign_in=True,
            vip_priority=9,
            service_level_s=15,
            short_abandon_s=3,
            callback=Terms("8", 5, 60, 120, "mornings", overseas=True, other_number=True),
        ),
        "plain": Queue("plain", "demo", Hunt(("b",), Strategy.LONGEST_IDLE)),
        "foreign": Queue("foreign", "other", Hunt(("theirs",), Strategy.LONGEST_IDLE)),
    }
    assert {line.id: line.skills for line in known.lines.values()} == {
        "a": {"english", "repairs"},
        "b": frozenset(),
        "theirs": {"french"},
    }
    helped, plain = known.numbers["4008001234"].flow, known.numbers["4008005678"].flow
    assert helped is not None and helped.nodes["wait"] == Enqueue(
        "support", priority=3, skill="english", keys={"*": "bye"}, full="bye", timeout="ask", nobody="bye"
    )
    assert plain is not None and plain.nodes["wait"] == Enqueue("plain")


GOOD = [
    ("skills: [english, repairs]", "skills: [english]"),
    ("skills: [english, repairs]", "skills: [repairs, english, english]"),
    ("    name: 技术支持\n", ""),
    ("lines: [a, b]", "lines: [a]"),
    *(("strategy: rotate", f"strategy: {strategy}") for strategy in Strategy),
    ("max_wait_seconds: 300", "max_wait_seconds: 10"),
    ("max_wait_seconds: 300", "max_wait_seconds: 7200"),
    ("max_length: 20", "max_length: 0"),
    ("max_length: 20", "max_length: 1000"),
    ("announce_seconds: 45", "announce_seconds: 0"),
    ("announce_seconds: 45", "announce_seconds: 10"),
    ("announce_seconds: 45", "announce_seconds: 600"),
    ("wrap_up_seconds: 10", "wrap_up_seconds: 0"),
    ("wrap_up_seconds: 10", "wrap_up_seconds: 600"),
    ("rest_seconds: 60", "rest_seconds: 0"),
    ("rest_seconds: 60", "rest_seconds: 600"),
    ("sign_in: true", "sign_in: false"),
    ("vip_priority: 9", "vip_priority: 0"),
    ("vip_priority: 9", "vip_priority: 99"),
    ("service_level_seconds: 15", "service_level_seconds: 1"),
    ("service_level_seconds: 15", "service_level_seconds: 600"),
    ("short_abandon_seconds: 3", "short_abandon_seconds: 0"),
    ("short_abandon_seconds: 3", "short_abandon_seconds: 60"),
    ('key: "8"', "key: 0"),
    ("      attempts: 5\n", ""),
    ("attempts: 5", "attempts: 1"),
    ("gap_seconds: 60", "gap_seconds: 30"),
    ("expires_minutes: 120", "expires_minutes: 0"),
    ("expires_minutes: 120", "expires_minutes: 10080"),
    ("      schedule: mornings\n", ""),
    ("overseas: true", "overseas: false"),
    ("other_number: true", "other_number: false"),
    ("        priority: 3\n", ""),
    ("priority: 3\n", "priority: 0\n"),
    ("priority: 3\n", 'priority: "99"\n'),
    ("skill: english", "skill: repairs"),
    ("skill: english", 'skill: ""'),
    ('        keys:\n          "*": bye\n', ""),
    ("        timeout: ask\n", ""),
]


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(("old", "new"), GOOD)
def test_a_good_value_is_stored_and_comes_back_out_of_an_export(store: Store, old: str, new: str) -> None:
    text = wrote(old, new)
    assert found(text) == []
    put(store, text)
    assert not put(store, text).changed
    assert not put(store, exported(store), prune=True).changed


WHOLE, ZERO = "must-be-whole", "must-be-zero-or"
THEIRS = "  - {id: foreign, account: other, lines: [theirs]}\n"
NODE = "flows[0].nodes.wait"
CALLBACK = "queues[0].callback"
WRONG = [
    ('key: "8"', 'key: "*"', f"{CALLBACK}.key", "not-one-digit"),
    ('key: "8"', 'key: ""', f"{CALLBACK}.key", "not-one-digit"),
    ("overseas: true", "everywhere: true", f"{CALLBACK}.everywhere", "unknown-field"),
    ("attempts: 5", "attempts: 0", f"{CALLBACK}.attempts", WHOLE),
    ("attempts: 5", "attempts: 11", f"{CALLBACK}.attempts", WHOLE),
    ("gap_seconds: 60", "gap_seconds: 29", f"{CALLBACK}.gap_seconds", WHOLE),
    ("expires_minutes: 120", "expires_minutes: 10081", f"{CALLBACK}.expires_minutes", WHOLE),
    ("schedule: mornings", "schedule: nights", f"{CALLBACK}.schedule", "unknown-schedule"),
    ("schedule: mornings", "schedule: afternoons", f"{CALLBACK}.schedule", "schedule-of-another"),
    ("overseas: true", "overseas: 1", f"{CALLBACK}.overseas", "must-be-flag"),
    ('          "*": bye', '          "8": bye', "flows[0].nodes.wait.keys.8", "callback-key-taken"),
    ("skills: [english, repairs]", "skills: [english, 修理]", "lines[0].skills[1]", "not-an-id"),
    ("skills: [english, repairs]", "skills: english", "lines[0].skills", "must-be-list"),
    (THEIRS, THEIRS * 2, "queues[3].id", "duplicate"),
    ("id: support", "id: 支持", "queues[0].id", "not-an-id"),
    ("lines: [a, b]", "lines: []", "queues[0].lines", "too-few"),
    ("lines: [a, b]", "lines: a", "queues[0].lines", "must-be-list"),
    ("lines: [a, b]", "lines: [a, none]", "queues[0].lines[1]", "unknown-line"),
    ("lines: [a, b]", "lines: [a, theirs]", "queues[0].lines[1]", "line-of-another"),
    ("lines: [a, b]", "lines: [a, b, a]", "queues[0].lines[2]", "line-twice"),
    ("    name: 技术支持", f"    name: {'长' * 201}", "queues[0].name", "too-long"),
    ("strategy: rotate", "strategy: fastest", "queues[0].strategy", "must-be-one-of"),
    ("max_wait_seconds: 300", "max_wait_seconds: 9", "queues[0].max_wait_seconds", WHOLE),
    ("max_wait_seconds: 300", "max_wait_seconds: 7201", "queues[0].max_wait_seconds", WHOLE),
    ("max_length: 20", "max_length: 1001", "queues[0].max_length", WHOLE),
    ("announce_seconds: 45", "announce_seconds: 9", "queues[0].announce_seconds", ZERO),
    ("announce_seconds: 45", "announce_seconds: 601", "queues[0].announce_seconds", ZERO),
    ("announce_seconds: 45", "announce_seconds: -30", "queues[0].announce_seconds", ZERO),
    ("announce_seconds: 45", "announce_seconds: never", "queues[0].announce_seconds", ZERO),
    ("announce_seconds: 45", "announce_seconds:", "queues[0].announce_seconds", ZERO),
    ("music: own-music", "music: ../music", "queues[0].music", "not-a-prompt-name"),
    ("music: own-music", 'music: ""', "queues[0].music", "not-a-prompt-name"),
    ("wrap_up_seconds: 10", "wrap_up_seconds: 601", "queues[0].wrap_up_seconds", WHOLE),
    ("rest_seconds: 60", "rest_seconds: 601", "queues[0].rest_seconds", WHOLE),
    ("sign_in: true", "sign_in: 1", "queues[0].sign_in", "must-be-flag"),
    ("vip_priority: 9", "vip_priority: 100", "queues[0].vip_priority", WHOLE),
    ("service_level_seconds: 15", "service_level_seconds: 0", "queues[0].service_level_seconds", WHOLE),
    ("service_level_seconds: 15", "service_level_seconds: 601", "queues[0].service_level_seconds", WHOLE),
    ("short_abandon_seconds: 3", "short_abandon_seconds: 61", "queues[0].short_abandon_seconds", WHOLE),
    ("short_abandon_seconds: 3", "short_abandon: 3", "queues[0].short_abandon", "unknown-field"),
    ("        queue: support\n", "        queue: none\n", f"{NODE}.queue", "unknown-queue"),
    ("        queue: support\n", "        queue: foreign\n", f"{NODE}.queue", "queue-of-another"),
    ("skill: english", "skill: french", f"{NODE}.skill", "queue-without-skill"),
    ("        queue: support\n", "        queue: plain\n", f"{NODE}.skill", "queue-without-skill"),
    ("priority: 3\n", "priority: 100\n", f"{NODE}.priority", "flow"),
    ("priority: 3\n", "priority: -1\n", f"{NODE}.priority", "flow"),
    ("priority: 3\n", "priority: 1.5\n", f"{NODE}.priority", "flow"),
    ("priority: 3\n", "priority: high\n", f"{NODE}.priority", "flow"),
    ("full: bye", "full: none", f"{NODE}.full", "flow"),
    ('        keys:\n          "*"', '        keys:\n          "**"', f"{NODE}.keys", "flow"),
    ("        timeout: ask\n", "        failed: bye\n", f"{NODE}.failed", "flow"),
]


@pytest.mark.parametrize(
    ("old", "new", "path", "code"), WRONG, ids=[f"{case[3]}-{case[2]}-{case[1].strip()}" for case in WRONG]
)
def test_a_wrong_value_is_one_finding_with_its_line_in_both_languages(
    old: str, new: str, path: str, code: str
) -> None:
    text = wrote(old, new)
    (item,) = found(text)
    assert item.code == code
    begin = SITE[: SITE.index(old)].count("\n") + 1
    # A skill that the queue has not stands two lines below the queue that was written otherwise.
    assert begin <= item.line <= begin + new.rstrip("\n").count("\n") + (item.path[-1] == "skill") * 2
    assert item.text().startswith(f"site.yaml:{item.line}: {path}: ")
    assert item.text("zh").startswith(f"site.yaml:{item.line}: {path}: ")
    assert item.what("zh") != item.what("en") and not item.what("zh").isascii()


def test_a_queue_of_no_account_is_found_with_whatever_it_names() -> None:
    text = wrote("  - {id: foreign, account: other, ", "  - {id: foreign, account: none, ")
    assert [item.code for item in found(text)] == ["unknown-account", "line-of-another"]


def test_what_is_said_of_a_priority() -> None:
    (item,) = found(wrote("priority: 3\n", "priority: 100\n"))
    assert (item.what("en"), item.what("zh")) == ("must be 0 to 99", "必须是 0 到 99")


def test_a_queue_that_leads_round_without_asking_is_found() -> None:
    text = wrote("nobody: bye", "nobody: wait")
    assert "loops without asking the caller" in [item.what("en") for item in found(text)]


def missing(*names: str) -> FindPrompt:
    return lambda account, wanted: None if wanted in names else Path(f"/prompts/{wanted}.wav")


def prompts_found(text: str, find_prompt: FindPrompt) -> list[str]:
    return [item.text() for item in check.check(parsed(text), find_prompt)]


def test_the_music_must_be_there() -> None:
    assert prompts_found(SITE, missing("own-music")) == [
        f"site.yaml:{line_of(SITE, 'own-music')}: queues[0].music: there is no prompt own-music:"
        " neither the account demo nor the default set has own-music.wav"
    ]
    plain, foreign = (line_of(SITE, f"{{id: {name}, ") for name in ("plain", "foreign"))
    assert [item.split(": there")[0] for item in prompts_found(SITE, missing("hold-music"))] == [
        f"site.yaml:{plain}: queues[1].music",
        f"site.yaml:{foreign}: queues[2].music",
    ]


def test_the_music_must_be_sound() -> None:
    def find_prompt(account: str, name: str) -> Path | None:
        if name == "own-music":
            raise MediaError("/prompts/own-music.wav")
        return Path(name)

    assert [item.split(": ", 2)[1] for item in prompts_found(SITE, find_prompt)] == ["queues[0].music"]


@pytest.mark.parametrize("name", ANNOUNCED)
def test_what_is_announced_must_be_there_where_a_queue_announces(name: str) -> None:
    text = SITE.replace("lines: [b]", "lines: [b], announce_seconds: 0").replace(
        "lines: [theirs]", "lines: [theirs], announce_seconds: 0"
    )
    (item,) = prompts_found(text, missing(name))
    line = line_of(text, "announce_seconds: 45")
    assert item.startswith(f"site.yaml:{line}: queues[0].announce_seconds: there is no prompt {name}: ")


def test_all_that_is_announced_is_looked_for() -> None:
    said = {"queue-busy"}
    for number in range(MOST + 2):
        said |= {*position_prompts(number, None), *position_prompts(1, 0), *position_prompts(1, number)}
    assert said == set(ANNOUNCED)


@pytest.mark.parametrize(
    ("missing", "needed"), [("callback-greeting", True), ("callback-other", False), ("callback-press-1", True)]
)
def test_what_is_said_to_who_asks_to_be_called_back_has_to_be_there(missing: str, needed: bool) -> None:
    """``needed`` also where no other number can be keyed."""

    def find(account: str, name: str) -> Path | None:
        return None if name == missing and account == "demo" else Path(f"/prompts/{name}.wav")

    silent = SITE.replace("announce_seconds: 45", "announce_seconds: 0")
    assert [item.split(": ", 2)[1] for item in prompts_found(silent, find)] == ["queues[0].callback"]
    faults = prompts_found(silent.replace("other_number: true", "other_number: false"), find)
    assert len(faults) == needed


def test_a_trunk_must_be_able_to_call_back() -> None:
    (fault,) = found(SITE.replace(', caller_number: "02180000000"', ""))
    assert (dotted(fault.path), fault.code) == ("queues[0].callback", "callback-without-trunk")
