"""What parts of a file can get wrong between them."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from appliance.media.prompts import PromptLibrary
from appliance.site import check
from appliance.site.findings import Finding
from appliance.site.named import FindPrompt
from appliance.site.switchconf import SCRIPTS
from tests.site.texts import DEMO, edited, every_prompt, line_of, parsed

SECOND = """
  - {id: other, name: 别家}
"""
ACCOUNTS = ("    name: 示范企业\n", "    name: 示范企业\n" + SECOND.strip("\n") + "\n")
SALES = "  - {id: sales-1, account: demo,"
NUMBER = '  - number: "4008001234"\n'
MORE = '  - {number: "4008005678", account: demo, lines: [sales-1]}\n'


def found(text: str, find_prompt: FindPrompt = every_prompt) -> list[Finding]:
    return check.check(parsed(text), find_prompt)


def test_the_demonstration_site_has_no_fault() -> None:
    assert found(DEMO) == []


CASES = [
    ([("  - id: desk-sales", "  - id: carrier")], "id: carrier\n    name: 销售", "duplicate", "trunks[1].id"),
    ([("login: auditor", "login: ADMIN")], "login: ADMIN", "duplicate", "operators[3].login"),
    ([("id: service-1, account", "id: sales-1, account")], "name: 服务, number", "duplicate", "lines[1].id"),
    (
        [(NUMBER, '  - {number: "4008001234", account: demo, lines: [sales-1]}\n' + NUMBER)],
        'number: "4008001234"',
        "duplicate",
        "numbers[1].number",
    ),
    (
        [("roles: [finance], account: demo", "roles: [finance], account: none")],
        "account: none",
        "unknown-account",
        "operators[2].account",
    ),
    ([(SALES, "  - {id: sales-1, account: none,")], "account: none", "unknown-account", "lines[0].account"),
    ([("trunk: desk-sales", "trunk: none")], "trunk: none", "unknown-trunk", "lines[0].trunk"),
    ([("trunk: desk-sales", "trunk: carrier")], "trunk: carrier", "trunk-without-proxy", "lines[0].trunk"),
    ([('"02160000001"', '"021-61234567"')], "021-61234567", "line-is-landing", "lines[0].number"),
    ([('"02160000001"', '"13800138000"')], "13800138000", "is-a-mobile", "lines[0].kind"),
    (
        [('"02160000001", kind: landline', '"02160000001", kind: mobile')],
        "kind: mobile",
        "not-a-mobile",
        "lines[0].kind",
    ),
    ([("    flow: welcome\n", "    flow: other\n")], "flow: other", "unknown-flow", "numbers[0].flow"),
    (
        [("    flow: welcome\n", "    lines: [sales-1, none]\n")],
        "lines: [sales-1, none]",
        "unknown-line",
        "numbers[0].lines[1]",
    ),
    (
        [("    flow: welcome\n", "    lines: [sales-1, sales-1]\n")],
        "[sales-1, sales-1]",
        "line-twice",
        "numbers[0].lines[1]",
    ),
    (
        [("    flow: welcome\n", "    flow: welcome\n    lines: [sales-1]\n")],
        "lines: [sales-1]\n",
        "number-both",
        "numbers[0].lines",
    ),
    ([("    flow: welcome\n", "")], 'number: "4008001234"', "number-neither", "numbers[0]"),
    (
        [ACCOUNTS, (SALES, "  - {id: sales-1, account: other,")],
        "sales: {type: ring",
        "line-of-another",
        "flows[0].nodes.sales.lines",
    ),
    (
        [("sales: {type: ring, lines: [sales-1, service-1]", "sales: {type: ring, lines: [none]")],
        "[none]",
        "unknown-line",
        "flows[0].nodes.sales.lines",
    ),
    (
        [('"02161234567": "4008001234"', '"02161234567": "4008005678"')],
        "4008005678",
        "unknown-number",
        "trunks[0].landing.02161234567",
    ),
    (
        [("caller_id: pass\n  - id", "caller_id: trunk\n  - id")],
        "id: desk-sales",
        "trunk-needs-caller",
        "trunks[1].caller_number",
    ),
    ([('    accept: ["127.0.0.1:5070"]\n', "")], "id: carrier", "trunk-useless", "trunks[0]"),
    (
        [("{plan: time-60, starts", "{plan: time-6, starts")],
        "time-6,",
        "unknown-plan",
        "numbers[0].subscriptions[0].plan",
    ),
    (
        [('00+08:00"}\n\nplans', '00+08:00", ends_at: "2026-01-01T00:00:00+08:00"}\n\nplans')],
        "ends_at",
        "ends-before-start",
        "numbers[0].subscriptions[0].ends_at",
    ),
    (
        [("      bye: {type: hangup", "      再见: {type: hangup, prompt: bye}\n      bye: {type: hangup")],
        "再见",
        "not-a-node-name",
        "flows[0].nodes.再见",
    ),
    (
        [("hangup, prompt: bye}", "hangup, prompt: ../bye}")],
        "../bye",
        "not-a-prompt-name",
        "flows[0].nodes.bye.prompt",
    ),
    (
        [('per_minute: "0.11"}', 'per_minute: "0.11"}\n      - {effective_from: "2025-12-31T16:00:00Z"}')],
        "31T16:00:00Z",
        "price-twice",
        "plans[0].prices[1].effective_from",
    ),
]


@pytest.mark.parametrize(
    ("changes", "where", "code", "path"), CASES, ids=[f"{case[2]}-{case[3]}" for case in CASES]
)
def test_a_fault_between_parts(changes: list[tuple[str, str]], where: str, code: str, path: str) -> None:
    text = edited(*changes)
    items = found(text)
    hit = [item for item in items if item.code == code and path in item.text()]
    assert hit, [item.text() for item in items]
    # The first of the words stands in the line that is named.
    words = where.split("\n")[0]
    assert words in text.splitlines()[hit[0].line - 1]
    for item in items:
        assert item.text().startswith("site.yaml:")
        assert item.what("zh") != item.what("en")


FLOW_FAULTS = [
    ("        silence: bye\n", "", "menu:", "nodes.menu.silence: is required", "必填"),
    (
        "        silence: bye\n",
        "        silence: gone\n",
        "silence: gone",
        "nodes.menu.silence: no such node: gone",
        "没有节点：gone",
    ),
    ('"2": service', '"2": gone', '"2": gone', "nodes.menu.keys.2: no such node: gone", "没有节点：gone"),
    ('"2": service', "22: service", "22: service", "nodes.menu.keys: not a key", "不是按键"),
    (
        "    start: menu\n",
        "    start: gone\n",
        "start: gone",
        "flows[0].start: no such node: gone",
        "没有节点：gone",
    ),
    ("bye: {type: hangup", "bye: {type: end", "type: end", "nodes.bye.type: unknown type: end", "未知类型：end"),
    (
        "bye: {type: hangup",
        "alone: {type: hangup}\n      bye: {type: hangup",
        "alone:",
        "nodes.alone: no exit leads here",
        "没有出口通向此节点",
    ),
    ("cause: USER_BUSY", "cause: BORED", "BORED", "nodes.busy.cause: must be one of", "必须是以下之一"),
    (
        "        wrong: bye\n",
        "        wrong: bye\n        attempts: 0\n",
        "attempts",
        "nodes.menu.attempts: must be 1 to 9",
        "必须是 1 到 9",
    ),
    (
        "        wrong: bye\n",
        "        wrong: bye\n        timeout_s: 99\n",
        "timeout_s",
        "must be 1 to 60 seconds",
        "必须是 1 到 60 秒",
    ),
    (
        "        wrong: bye\n",
        "        wrong: bye\n        bargein: x\n",
        "bargein",
        "nodes.menu.bargein: unknown field",
        "未知字段",
    ),
    (
        "ring, lines: [sales-1, service-1]",
        "ring, lines: []",
        "lines: []",
        "nodes.sales.lines: must be a list of lines",
        "必须是线路列表",
    ),
    (
        "ring, lines: [sales-1, service-1]",
        "ring, lines: [a, a]",
        "[a, a]",
        "nodes.sales.lines: names a line twice",
        "线路重复",
    ),
    (
        "bye: {type: hangup, prompt: bye}",
        "bye: {type: play, prompt: bye, next: bye}",
        "next: bye",
        "nodes.bye.next: loops without asking",
        "不询问主叫就循环",
    ),
    ("        wrong: bye\n", "        wrong: {}\n", "wrong: {}", "nodes.menu.wrong: must be a text", "必须是文本"),
    (
        'keys: {"1": sales, "2": service}',
        "keys: []",
        "keys: []",
        "nodes.menu.keys: must map keys to nodes",
        "必须是按键到节点的映射",
    ),
]


@pytest.mark.parametrize(("old", "new", "where", "english", "chinese"), FLOW_FAULTS)
def test_a_fault_of_a_flow_names_node_and_exit(old: str, new: str, where: str, english: str, chinese: str) -> None:
    text = edited((old, new))
    items = found(text)
    hit = [item for item in items if english in item.text()]
    assert hit, [item.text() for item in items]
    assert where in text.splitlines()[hit[0].line - 1]
    assert chinese in hit[0].text("zh")


def test_a_missing_prompt_names_prompt_node_and_account() -> None:
    def library(account: str, name: str) -> Path | None:
        return None if name in {"no-key", "record-notice"} else Path(name)

    items = found(DEMO, library)
    assert [item.text() for item in items] == [
        f"site.yaml:{line_of(DEMO, 'no-key')}: flows[0].nodes.menu.silence_prompt: there is no prompt no-key:"
        " neither the account demo nor the default set has no-key.wav",
        f"site.yaml:{line_of(DEMO, 'record_notice')}: numbers[0].record_notice: there is no prompt record-notice:"
        " neither the account demo nor the default set has record-notice.wav",
    ]


def test_a_prompt_that_cannot_be_played_is_named(tmp_path: Path) -> None:
    own = tmp_path / "demo"
    own.mkdir()
    (own / "no-key.wav").write_bytes(b"")
    (own / "wrong-key.wav").write_bytes(b"not a wav")
    soundfile.write(own / "welcome-demo.wav", [], 8000, subtype="PCM_16")
    items = found(DEMO, PromptLibrary(tmp_path, SCRIPTS / "prompts" / "zh").find_playable)
    assert [item.text().split(": ", 2)[1:] for item in items] == [
        [f"flows[0].nodes.menu.{field}", f"the prompt is no WAV file that can be played: {own / name}.wav"]
        for field, name in (
            ("prompt", "welcome-demo"),
            ("silence_prompt", "no-key"),
            ("wrong_prompt", "wrong-key"),
        )
    ]


def test_a_number_without_recording_needs_no_notice() -> None:
    text = edited(("record: all", "record: off"))
    assert found(text, lambda account, name: None if name == "record-notice" else Path(name)) == []


def test_a_number_out_of_service_needs_no_destination() -> None:
    assert found(edited(("    flow: welcome\n", "    in_service: false\n"))) == []


LANDING = '      "02161234567": "4008001234"\n'


def test_a_landing_number_leads_to_one_number() -> None:
    second = '    caller_id: pass\n    landing: {"021-6123 4567": "%s"}\n  - id'
    twice = ("    caller_id: pass\n  - id", second % "4008005678")
    items = found(edited(twice, (NUMBER, MORE + NUMBER)))
    assert [(item.code, item.path[:2]) for item in items] == [("landing-twice", ("trunks", 1))]
    # Two trunks of one carrier deliver the same landing number.
    assert found(edited(("    caller_id: pass\n  - id", second % "4008001234"))) == []
    # One trunk that names it twice is a slip.
    items = found(edited((LANDING, LANDING + '      "+862161234567": "4008001234"\n')))
    assert [item.code for item in items] == ["landing-twice"]


FIRST = '{plan: time-60, starts_at: "2026-01-01T00:00:00+08:00"}'


def subscriptions(*spans: tuple[str, str]) -> str:
    parts = [f'{{plan: time-60, starts_at: "{start}", ends_at: "{end}"}}' for start, end in spans]
    return edited((f"- {FIRST}", "\n      ".join(f"- {part}" for part in parts)))


def test_subscriptions_may_follow_each_other_to_the_moment() -> None:
    text = subscriptions(
        ("2026-03-01T00:00:00+08:00", ""),
        ("2026-01-01T00:00:00+08:00", "2026-02-01T00:00:00+08:00"),
        ("2026-01-31T16:00:00Z", "2026-03-01T00:00:00+08:00"),
    )
    assert found(text) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("2026-01-01T00:00:00+08:00", ""), ("2026-02-01T00:00:00+08:00", "")),
        (("2026-01-01T00:00:00Z", "2026-02-01T00:00:01Z"), ("2026-02-01T00:00:00Z", "")),
        (("2026-01-01T00:00:00Z", ""), ("2026-01-01T08:00:00+08:00", "")),
        (("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"), ("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z")),
    ],
)
def test_subscriptions_that_overlap(first: tuple[str, str], second: tuple[str, str]) -> None:
    items = found(subscriptions(first, second))
    assert [item.code for item in items] == ["subscriptions-overlap"]
    assert first[0] in items[0].text()
