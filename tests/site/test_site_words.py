"""The words of findings: every code in both languages, every word of a flow's fault in Chinese."""

from __future__ import annotations

import ast
import inspect
import string

import pytest

from appliance.domain.flow import graph, kinds
from appliance.domain.flow.chinese import in_chinese
from appliance.site.findings import Finding, dotted
from appliance.site.messages import MESSAGES


def names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("code", MESSAGES)
def test_both_languages_say_the_same_values(code: str) -> None:
    english, chinese = MESSAGES[code]
    assert names(chinese) == names(english)
    assert english.isascii()
    assert code == "invalid" or any("\u4e00" <= sign <= "\u9fff" for sign in chinese)


def flow_words() -> set[str]:
    """Every text that ``domain.flow`` says of a fault, read from its source, with values put in."""
    said = set()
    for module in (graph, kinds):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            words: list[ast.expr] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Fault":
                words = list(node.args[2:3])
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.IfExp):
                words = [node.value.orelse, node.value.body]
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.JoinedStr | ast.Constant):
                words = [node.value]
            for word in words:
                if isinstance(word, ast.Constant) and isinstance(word.value, str) and word.value:
                    said.add(word.value)
                elif isinstance(word, ast.JoinedStr):
                    said.add(
                        "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in word.values)
                    )
    return {text for text in said if " " in text}


def test_every_fault_of_a_flow_has_chinese_words() -> None:
    words = flow_words()
    assert len(words) > 20
    unknown = [text for text in words if in_chinese(text) == text]
    assert not unknown


def test_unknown_words_stay() -> None:
    assert in_chinese("something new") == "something new"


def test_a_finding_without_line_or_field() -> None:
    assert Finding("f", 0, (), "file.empty").text() == "f: the file is empty"
    assert Finding("f", 3, (), "file.empty").text("zh") == "f:3: 文件为空"
    assert dotted(("a", 0, "b.c", "d")) == "a[0].b.c.d"
