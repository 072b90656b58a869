"""Robots of group chats: 企业微信 (WeCom), 钉钉 (DingTalk), 飞书 (Feishu).

Each takes a text as JSON by POST, and says in a 200 answer whether it took it. Sources: their makers' documents on
custom robots (自定义机器人), checked against what programs that use them have met.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from appliance.domain.hook import Hook, HookKind, Message
from appliance.domain.lookup import parsed
from appliance.domain.template import filled, in_url
from appliance.http.order import Answer, Order
from appliance.notify.verdict import Verdict, delivered, refused, shown

#: Bytes of a text that a robot takes: WeCom says 2048; the others take requests of about 20 kB.
_BYTES: Mapping[HookKind, int] = {HookKind.WECOM: 2048, HookKind.DINGTALK: 15_000, HookKind.FEISHU: 15_000}
_MINUTE = timedelta(minutes=1)
#: "Too fast", and how long each shuts out who was: DingTalk for ten minutes.
_TOO_FAST: Mapping[str, timedelta] = {
    "45009": _MINUTE,
    "130101": 10 * _MINUTE,
    "90030": 10 * _MINUTE,
    "11232": _MINUTE,
}
#: Where the answer says it, and the words about it.
_CODES: Mapping[HookKind, tuple[str, ...]] = {
    HookKind.WECOM: ("errcode",),
    HookKind.DINGTALK: ("errcode",),
    HookKind.FEISHU: ("code", "StatusCode"),
}
_WORDS = ("errmsg", "msg", "StatusMessage")


def order(hook: Hook, message: Message, now: datetime, attempt: int) -> Order:
    """The request."""
    url = filled(hook.url, {"token": hook.token}, in_url)
    text = cut(message.text, _BYTES[hook.kind])
    content: dict[str, Any]
    if hook.kind is HookKind.FEISHU:
        content = {"msg_type": "text", "content": {"text": text}}
        if hook.secret:
            # Feishu: the key is what is signed elsewhere, and nothing is signed. Seconds.
            timestamp = str(int(now.timestamp()))
            content |= {"timestamp": timestamp, "sign": _signed(f"{timestamp}\n{hook.secret}", "")}
    else:
        content = {"msgtype": "text", "text": {"content": text}}
        if hook.kind is HookKind.DINGTALK and hook.secret:
            # Milliseconds.
            timestamp = str(int(now.timestamp() * 1000))
            sign = quote_plus(_signed(hook.secret, f"{timestamp}\n{hook.secret}"))
            url += f"{'&' if '?' in url else '?'}timestamp={timestamp}&sign={sign}"
    body = json.dumps(content, ensure_ascii=False).encode()
    return Order("POST", url, {"Content-Type": "application/json; charset=utf-8"}, body)


def verdict(hook: Hook, answer: Answer) -> Verdict:
    """``errcode`` (Feishu: ``code``, formerly ``StatusCode``) is 0, or it was not taken."""
    content = parsed(answer.body)
    found = content if isinstance(content, dict) else {}
    code = next((str(found[name]) for name in _CODES[hook.kind] if name in found), "")
    if not code:
        return refused(f"no answer of a robot: {shown(answer)}")
    words = f"{code} {next((str(found[name]) for name in _WORDS if name in found), '')}"
    if code == "0":
        return delivered(words)
    # A keyword that the robot asks for (关键词) is not in the text, and will not be.
    lacks_keyword = code == "19024" or (code == "310000" and "keyword" in words.lower())
    return refused(words, _TOO_FAST.get(code, timedelta()), final=lacks_keyword)


def cut(text: str, limit: int) -> str:
    """At most so many bytes of UTF-8; what is cut ends with an ellipsis.

    >>> cut("来电提醒", 12), cut("来电提醒", 11)
    ('来电提醒', '来电…')
    """
    written = text.encode()
    if len(written) <= limit:
        return text
    return written[: limit - len("…".encode())].decode(errors="ignore") + "…"


def _signed(key: str, text: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
