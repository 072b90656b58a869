"""A robot's address as its group chat shows it holds what lets anybody write there: it is kept apart, and an export
has ``{token}`` in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from appliance.domain.hook import HookKind

#: Where the token stands, for people.
WHERE: Mapping[HookKind, str] = {
    HookKind.WECOM: "key=",
    HookKind.DINGTALK: "access_token=",
    HookKind.FEISHU: "/hook/",
}
_TOKENS: Mapping[HookKind, re.Pattern[str]] = {
    HookKind.WECOM: re.compile(r"(?<=[?&]key=)[^&#{}]+"),
    HookKind.DINGTALK: re.compile(r"(?<=[?&]access_token=)[^&#{}]+"),
    HookKind.FEISHU: re.compile(r"(?<=/hook/)[^/?#{}]+"),
}


def without_token(kind: HookKind, url: str) -> tuple[str, str]:
    """The address with ``{token}`` in place of the token, and the token; empty: there is none to be seen.

    >>> without_token(HookKind.WECOM, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a-91f6")
    ('https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={token}', '693a-91f6')
    >>> without_token(HookKind.WEBHOOK, "https://crm.example/?key=1")
    ('https://crm.example/?key=1', '')
    """
    found = _TOKENS[kind].search(url) if kind in _TOKENS else None
    if found is None:
        return url, ""
    return f"{url[: found.start()]}{{token}}{url[found.end() :]}", unquote(found[0])
