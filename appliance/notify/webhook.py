"""Webhooks: a message as JSON, signed, so that the receiver knows who sent it, and when."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime

from appliance.domain.calendar import SHANGHAI
from appliance.domain.hook import Hook, Message
from appliance.domain.lookup import plain
from appliance.domain.template import filled, in_url
from appliance.http.order import Answer, Order
from appliance.notify.verdict import Verdict, delivered

TIMESTAMP = "Gateway400-Timestamp"
SIGNATURE = "Gateway400-Signature"
MESSAGE = "Gateway400-Message"
ATTEMPT = "Gateway400-Attempt"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``v1=`` and the hexadecimal HMAC-SHA256 of timestamp, dot, and body as it is sent (``docs/notify.md``)."""
    signed = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={signed.hexdigest()}"


def order(hook: Hook, message: Message, now: datetime, attempt: int) -> Order:
    """The request."""
    content = {
        "id": message.id,
        "account": message.account,
        "hook": message.hook,
        "text": message.text,
        "call": message.call,
        "to": message.to,
        "at": message.at.astimezone(SHANGHAI).isoformat(timespec="milliseconds"),
    }
    body = json.dumps(content, ensure_ascii=False).encode()
    timestamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        TIMESTAMP: timestamp,
        SIGNATURE: signature(hook.secret, timestamp, body),
        MESSAGE: message.id,
        ATTEMPT: str(attempt),
        **written(hook.headers, variables(hook, message)),
    }
    return Order("POST", filled(hook.url, {"token": hook.token}, in_url), headers, body)


def verdict(hook: Hook, answer: Answer) -> Verdict:
    """Any status of 2xx is success, whatever the body says."""
    return delivered(f"HTTP {answer.status}")


def variables(hook: Hook, message: Message) -> dict[str, str]:
    """The values of ``domain.hook.PLACES``."""
    return {
        "id": message.id,
        "account": message.account,
        "hook": message.hook,
        "text": message.text,
        "call": message.call,
        "at": f"{message.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}",
        "to": message.to or hook.to,
        "token": hook.token,
        "secret": hook.secret,
    }


def written(headers: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Headers filled; a value there is one line."""
    return {name: plain(filled(template, values), 1000) for name, template in headers.items()}
