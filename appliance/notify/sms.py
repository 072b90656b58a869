"""Gateways for short messages: there is no standard, so a hook describes its gateway's fields and answer."""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import urlencode

from appliance.domain.hook import Encoding, Hook, Message
from appliance.domain.lookup import parsed, picked
from appliance.domain.template import filled, in_url
from appliance.http.order import Answer, Order
from appliance.notify.verdict import Verdict, delivered, refused, shown
from appliance.notify.webhook import variables, written


def order(hook: Hook, message: Message, now: datetime, attempt: int) -> Order:
    """The request."""
    values = variables(hook, message)
    url = filled(hook.url, values, in_url)
    fields = {name: filled(template, values) for name, template in hook.fields.items()}
    headers = written(hook.headers, values)
    if hook.method == "GET":
        joint = "&" if "?" in url else "?"
        return Order("GET", f"{url}{joint}{urlencode(fields)}" if fields else url, headers)
    if hook.encoding is Encoding.JSON:
        body, kind = json.dumps(fields, ensure_ascii=False), "application/json; charset=utf-8"
    else:
        body, kind = urlencode(fields), "application/x-www-form-urlencoded; charset=utf-8"
    return Order("POST", url, {"Content-Type": kind, **headers}, body.encode())


def verdict(hook: Hook, answer: Answer) -> Verdict:
    """Whether the answer is the expected one."""
    kind = answer.headers.get("content-type", "")
    content = parsed(answer.body, kind) if hook.expect else None
    as_expected = all(picked(content, path) == value for path, value in hook.expect.items())
    has_text = hook.expect_text.encode() in answer.body
    return delivered(shown(answer)) if as_expected and has_text else refused(shown(answer) or "an empty answer")
