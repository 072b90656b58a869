"""``appliance flow``: each of its commands, what it says, and its exit codes."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from appliance import bootstrap, cli
from appliance.cli.flow import read_graph
from appliance.domain.flow.schema import flow_schema
from appliance.errors import FlowError
from appliance.store.models import Call
from appliance.store.unit import Store
from tests.flows.publishing import NOW, says, taken

RINGS: dict[str, Any] = {
    "start": "menu",
    "nodes": {
        "menu": {"type": "menu", "prompt": "welcome-demo", "keys": {"1": "ring"}, "silence": "bye", "wrong": "bye"},
        "ring": {"type": "ring", "lines": ["a", "b"], "failed": "bye"},
        "bye": {"type": "hangup", "prompt": "bye"},
    },
}


class Box:
    """A box whose clock stands still; commands are called as a person calls them."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.now = NOW

    def file(self, content: Any, name: str = "graph.json") -> str:
        """A file; what is no text is written as JSON."""
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        (self.folder / name).write_text(text, encoding="utf-8")
        return str(self.folder / name)

    def run(self, *words: str) -> Result:
        """The whole program."""

        @click.command(context_settings={"ignore_unknown_options": True})
        def program() -> None:
            cli.main()

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys, "argv", ["appliance", "flow", *words])
            return CliRunner().invoke(program)

    def said(self, *words: str) -> list[str]:
        """What a command prints that goes well."""
        result = self.run(*words)
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    def refused(self, *words: str, code: int = 3) -> list[str]:
        """What a command says that does not."""
        result = self.run(*words)
        assert result.exit_code == code, (result.exit_code, result.output, result.exception)
        return result.stderr.splitlines()


OF = ("--account", "demo")


@pytest.fixture
def kind() -> str:
    """The commands know no difference."""
    return "sqlite"


@pytest.fixture
def box(site: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    made = Box(site, tmp_path)
    monkeypatch.setenv("APPLIANCE_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", database_url)
    monkeypatch.delenv("APPLIANCE_CONFIG", raising=False)
    monkeypatch.setattr("getpass.getuser", lambda: "wang")
    monkeypatch.setattr(bootstrap, "utc_now", lambda: made.now)
    return made


def test_from_draft_to_publication_and_back(box: Box) -> None:
    graph = box.file(RINGS)
    assert box.said("list") == ["demo/welcome: version 1 published", "other/secret: version 1 published"]
    assert box.said("check", graph, "welcome", *OF) == ["3 nodes, nothing wrong"]
    assert box.said("draft", graph, "welcome", *OF) == ["draft of demo/welcome kept, nothing wrong"]
    assert (
        box.said("export", "welcome", "--draft", *OF)
        == json.dumps(RINGS, ensure_ascii=False, indent=2).splitlines()
    )
    assert box.said("list", *OF) == ["demo/welcome: version 1 published, draft of 2026-11-25 10:00 by cli:wang"]
    assert box.said("publish", "welcome", *OF, "--note", "夏季") == ["demo/welcome: version 2 published"]
    box.now += timedelta(minutes=1)
    assert box.said("draft", box.file(says("bye")), "welcome", *OF)
    assert box.said("publish", "welcome", *OF, "--at", "2026-11-26 08:00") == [
        "demo/welcome: version 3 from 2026-11-26 08:00 on"
    ]
    assert box.said("list", *OF) == ["demo/welcome: version 2 published, version 3 from 2026-11-26 08:00 on"]
    assert box.said("cancel", "welcome", *OF) == ["1 cancelled"]
    assert box.said("cancel", "welcome", *OF) == ["0 cancelled"]
    assert box.said("roll-back", "welcome", *OF, "--version", "3") == ["demo/welcome: version 3 published"]
    box.now += timedelta(minutes=1)
    assert box.said("roll-back", "welcome", *OF, "--note", "出错") == ["demo/welcome: version 2 published"]
    box.now += timedelta(minutes=1)
    assert box.said("withdraw", "welcome", *OF) == ["demo/welcome: withdrawn"]
    assert box.said("list", *OF) == ["demo/welcome: not published"]
    assert box.said("history", "welcome", *OF) == [
        "2026-11-26 08:00  version 3     by cli:wang 2026-11-25 10:01  cancelled 2026-11-25 10:01 by cli:wang",
        "2026-11-25 10:03  withdrawn     by cli:wang 2026-11-25 10:03",
        "2026-11-25 10:02  version 2     by cli:wang 2026-11-25 10:02  出错",
        "2026-11-25 10:01  version 3     by cli:wang 2026-11-25 10:01",
        "2026-11-25 10:00  version 2     by cli:wang 2026-11-25 10:00  夏季",
        "2026-11-25 09:59  version 1     by site-file 2026-11-25 09:59",
    ]
    assert json.loads("\n".join(box.said("export", "welcome", *OF, "--version", "2"))) == RINGS


def test_faults_are_told_in_chinese_and_english_with_node_and_field(box: Box) -> None:
    wrong = RINGS | {
        "nodes": RINGS["nodes"]
        | {
            "menu": RINGS["nodes"]["menu"] | {"prompt": "nowhere"},
            "ring": {"type": "ring", "lines": ["theirs"], "failed": "bye"},
        }
    }
    told = [
        "menu.prompt: 没有提示音 nowhere",
        "    menu.prompt: there is no prompt nowhere",
        "ring.lines: 没有线路 theirs",
        "    ring.lines: there is no line theirs",
    ]
    graph = box.file(wrong)
    assert box.refused("check", graph, "welcome", *OF) == [f"appliance: {told[0]}", *told[1:]]
    assert box.said("draft", graph, "welcome", *OF) == [
        "draft of demo/welcome kept, 2 faults:",
        *(line if line.startswith(" ") else f"  {line}" for line in told),
    ]
    assert box.refused("publish", "welcome", *OF) == [f"appliance: {told[0]}", *told[1:]]
    assert taken(box.store) == 1
    form = {"start": "x", "nodes": {"n": {"type": "play", "prompt": "bye", "next": "y"}}}
    assert box.refused("check", box.file(form), "welcome", *OF) == [
        "appliance: start: 没有节点：x",
        "    start: no such node: x",
        "n.next: 没有节点：y",
        "    n.next: no such node: y",
    ]


def test_what_is_not_there_is_said_in_a_line(box: Box) -> None:
    graph = box.file(RINGS)
    for words, told in (
        (("export", "gone", *OF), "the account demo has no flow gone"),
        (("export", "secret", *OF), "the account demo has no flow secret"),
        (("export", "welcome", *OF, "--version", "9"), "the flow welcome has no such version"),
        (("export", "welcome", *OF, "--draft"), "the flow welcome has no draft"),
        (("history", "gone", *OF), "the account demo has no flow gone, or it was never published"),
        (("history", "secret", *OF), "the account demo has no flow secret, or it was never published"),
        (("publish", "welcome", *OF), "the flow welcome has no draft"),
        (("roll-back", "welcome", *OF), "the flow welcome had no other version before"),
        (("roll-back", "welcome", *OF, "--version", "9"), "the flow welcome has no version 9"),
        (("cancel", "gone", *OF), "the account demo has no flow gone"),
        (("withdraw", "gone", *OF), "the account demo has no flow gone"),
        (("draft", graph, "welcome", "--account", "nobody"), "there is no account nobody"),
        (("draft", graph, "a b", *OF), "not a flow's name (letters, digits, . _ -, at most 40): a b"),
        (("replay", "gone", *OF), "the account demo has no flow gone"),
    ):
        assert box.refused(*words) == [f"appliance: {told}"], words


def test_arguments_that_are_wrong(box: Box) -> None:
    for words in (
        ("publish", "welcome"),
        ("publish", "welcome", *OF, "--at", "tomorrow"),
        ("check", str(box.folder / "absent.json"), "welcome", *OF),
        ("export", "welcome", *OF, "--version", "two"),
        ("replay", "welcome", *OF, "--most", "0"),
        ("publish-all",),
    ):
        box.refused(*words, code=2)
    box.said("draft", box.file(RINGS), "welcome", *OF)
    (told,) = box.refused("publish", "welcome", *OF, "--at", "2026-11-25 10:00")
    assert told.endswith("is over: publish now, or give a time to come")


def test_a_database_that_is_away(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", f"sqlite:///{box.folder}/none/appliance.db")
    for words in (("list",), ("history", "welcome", *OF), ("publish", "welcome", *OF)):
        box.refused(*words, code=4)


def test_the_schema_is_printed(box: Box) -> None:
    assert json.loads("\n".join(box.said("schema"))) == flow_schema()


def test_a_table_of_cases_is_tried(box: Box) -> None:
    table = box.file(
        "2026-11-27 10:00 | 13800138000 | 1 | | menu=keys.1 ring=joined\n"
        "2026-11-27 10:00 | 13800138000 | - - - | | menu=silence bye=hung-up\n"
        "2026-11-27 10:00 | 13800138000 | 1 | a b |\n",
        "cases.txt",
    )
    shown = [
        "ok  cases.txt:1: menu=keys.1 ring=joined",
        "ok  cases.txt:2: menu=silence bye=hung-up",
        "ok  cases.txt:3: menu=keys.1 ring=failed bye=hung-up",
        "3 cases as expected",
    ]
    graph = box.file(RINGS)
    assert box.said("try", table, "--flow", "welcome", *OF, "--file", graph) == shown
    assert box.refused("try", table, "--flow", "welcome", *OF) == ["appliance: the flow welcome has no draft"]
    box.said("draft", graph, "welcome", *OF)
    assert box.said("try", table, "--flow", "welcome", *OF) == shown
    result = box.run("try", table, "--flow", "welcome", *OF, "--version", "1")
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [
        "NOT cases.txt:1: bye=hung-up",
        "    expected: menu=keys.1 ring=joined",
        "NOT cases.txt:2: bye=hung-up",
        "    expected: menu=silence bye=hung-up",
        "ok  cases.txt:3: bye=hung-up",
    ]
    assert result.stderr == "appliance: 2 of 3 cases go another way\n"
    (told,) = box.refused("try", box.file("then | 138\n", "bad.txt"), "--flow", "welcome", *OF)
    assert told == "appliance: line 1: not a time (YYYY-MM-DD HH:MM, 2000 to 2099): then"
    faulty = box.file({"start": "x", "nodes": {"bye": {"type": "hangup"}}}, "faulty.json")
    assert box.refused("try", table, "--flow", "welcome", *OF, "--file", faulty) == [
        "appliance: start: no such node: x"
    ]


def test_stored_calls_are_replayed(box: Box) -> None:
    box.said("draft", box.file(RINGS), "welcome", *OF)
    box.said("publish", "welcome", *OF)
    with box.store.work() as session:
        for serial, account in enumerate(("demo", "demo", "other")):
            at = NOW + timedelta(minutes=serial)
            session.add(
                Call(
                    uuid=f"call-{serial}",
                    account_id=account,
                    started_at=at,
                    ended_at=at,
                    collected_at=at,
                    caller="13800138000",
                    flow="welcome@2",
                    keys="menu=1",
                    way="menu=keys.1",
                )
            )
        session.commit()
    box.now += timedelta(hours=1)
    assert box.said("replay", "welcome", *OF, "--version", "2") == ["2 calls: 2 end alike, 0 differ"]
    turned = json.loads(json.dumps(RINGS))
    turned["nodes"]["ring"]["lines"] = ["b", "a"]
    box.said("draft", box.file(turned), "welcome", *OF)
    assert box.said("replay", "welcome", *OF) == [
        "2 calls: 0 end alike, 2 differ",
        "     2  joined a → joined b",
        "  call-1  2026-11-25 10:01  13800138000  joined a → joined b",
        "  call-0  2026-11-25 10:00  13800138000  joined a → joined b",
    ]
    assert box.said("replay", "welcome", *OF, "--most", "1")[0] == "1 calls: 0 end alike, 1 differ"
    assert box.said("replay", "welcome", *OF, "--until", "2026-11-25 10:01")[0].startswith("1 calls:")
    assert box.said("replay", "welcome", *OF, "--since", "2026-11-25 10:02") == ["0 calls: 0 end alike, 0 differ"]
    box.now += timedelta(days=8)
    assert box.said("replay", "welcome", *OF) == ["0 calls: 0 end alike, 0 differ"], "a week"


SAME = {"start": "bye", "nodes": {"bye": {"type": "hangup", "title": "再见😀"}}}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(SAME),
        json.dumps(SAME, ensure_ascii=False, indent="\t"),
        "\ufeff" + json.dumps(SAME),
        "start: bye\nnodes:\n  bye: {type: hangup, title: 再见😀}\n",
        "start: bye\r\nnodes:\r\n  bye: {type: hangup, title: 再见😀}\r\n",
    ],
    ids=["json", "json with tabs", "with a mark at its beginning", "yaml", "yaml of windows"],
)
def test_graphs_as_they_may_be_written(tmp_path: Path, text: str) -> None:
    file = tmp_path / "graph"
    file.write_bytes(text.encode())
    assert read_graph(file) == SAME


def test_what_yaml_makes_of_words_is_text_again(tmp_path: Path) -> None:
    file = tmp_path / "graph"
    file.write_text("start: m\nnodes: {m: {type: menu, keys: {1: a, 2: b}, prompt: 2026-11-25}}\n")
    assert read_graph(file)["nodes"]["m"] == {"type": "menu", "keys": {"1": "a", "2": "b"}, "prompt": "2026-11-25"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "start: bye",
        "nodes: [bye]",
        "nodes: {a: b",
        "nodes: {a: {timeout_s: .nan}}",
        "nodes: {a: {timeout_s: .inf}}",
        '{"nodes": {"a": {"timeout_s": NaN}}}',
        "nodes: {[a]: b}",
        "nodes: {2026-11-25: b}",
        "nodes: &a {b: *a}",
        "nodes: {a: 1, a: 2}",
        "nodes: !!python/object:os.system {}",
        "nodes: {a: " + "[" * 1000 + "]" * 1000 + "}",
        '{"nodes": {"a": ' + "[" * 2000 + "]" * 2000 + "}}",
        b"nodes: {a: \xff}",
        "nodes: {a: \x00}",
    ],
    ids=lambda text: str(text)[:30],
)
def test_a_file_that_holds_no_graph_is_an_error_in_a_line(tmp_path: Path, text: str | bytes) -> None:
    file = tmp_path / "graph"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(FlowError) as refused:
        read_graph(file)
    (finding,) = refused.value.findings
    assert finding.startswith(f"{file}: ") and "\n" not in finding and len(finding) < 400


def test_times_are_those_of_shanghai(box: Box) -> None:
    box.said("draft", box.file(RINGS), "welcome", *OF)
    box.said("publish", "welcome", *OF, "--at", "2026-11-25T04:00Z")
    assert box.said("list", *OF) == ["demo/welcome: version 1 published, version 2 from 2026-11-25 12:00 on"]
    assert taken(box.store, datetime.fromisoformat("2026-11-25T12:00:00+08:00")) == 2
