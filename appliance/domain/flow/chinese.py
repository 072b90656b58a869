"""Chinese for what ``domain.flow`` finds; its own words are the English."""

from __future__ import annotations

import re

_CHINESE: tuple[tuple[str, str], ...] = (
    (r"unknown field", "未知字段"),
    (r"a graph needs nodes", "流程需要节点"),
    (r"no such node: (.*)", "没有节点：{0}"),
    (r"loops without asking the caller", "不询问主叫就循环"),
    (r"no exit leads here", "没有出口通向此节点"),
    (r"a node is a mapping with a type", "节点必须是带 type 的映射"),
    (r"unknown type: (.*)", "未知类型：{0}"),
    (r"is required", "必填"),
    (r"must be a text", "必须是文本"),
    (r"must map keys to nodes", "必须是按键到节点的映射"),
    (r"not a key \(0-9 \* #, in quotes\): (.*)", "不是按键（0-9 * #）：{0}"),
    (r"must be ([0-9]+) to ([0-9]+)", "必须是 {0} 到 {1}"),
    (r"must be ([0-9]+) to ([0-9]+) seconds", "必须是 {0} 到 {1} 秒"),
    (r"must be a list of lines", "必须是线路列表"),
    (r"names a line twice", "线路重复"),
    (r"must be at most ([0-9]+) characters", "最多 {0} 个字符"),
    (r"must be a text of at most ([0-9]+) characters", "必须是最多 {0} 个字符的文本"),
    (
        r"must be a variable's name: a small letter, then small letters, digits and _",
        "必须是变量名：小写字母开头，只含小写字母、数字和下划线",
    ),
    (r"not a variable's name", "不是变量名"),
    (r"must map variables to texts", "必须是变量到文本的映射"),
    (r"no such variable: (.*)", "没有变量：{0}"),
    (r"every call has this variable", "每个呼叫都有此变量"),
    (r"every call has this variable: (.*)", "每个呼叫都有此变量：{0}"),
    (r"must map nodes to two numbers", "必须是节点到两个数字的映射"),
    (r"must map 1 to ([0-9]+) values to nodes", "必须是 1 到 {0} 个取值到节点的映射"),
    (r"must be keys in a row \(0-9 \* #\), each once", "必须是不重复的一串按键（0-9 * #）"),
    (
        r"must be an address \(http:// or https://, a host, no blanks\)",
        "必须是网址（http:// 或 https://，有主机名，无空格）",
    ),
    (
        r"must map at most ([0-9]+) variables to places in the answer \(customer\.level\)",
        "最多 {0} 个变量，各对应应答中的位置（customer.level）",
    ),
    (r"is taken only with dial", "只有 dial 为 true 时才会用到"),
    (r"offers nothing: neither sign_in nor record", "没有可用的服务：sign_in 和 record 都为 false"),
    (r"must be true or false", "必须是 true 或 false"),
    (r"must be one of (.*)", "必须是以下之一：{0}"),
    (r"must be a list of (.*)", "必须是以下各项的列表：{0}"),
)


def in_chinese(what: str) -> str:
    """``what`` in Chinese; a text that is not known stays as it is."""
    for pattern, chinese in _CHINESE:
        found = re.fullmatch(pattern, what, re.DOTALL)
        if found:
            return chinese.format(*found.groups())
    return what
