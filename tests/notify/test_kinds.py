"""How each kind of hook is asked, and what its answers mean. The formats are those of the makers' documents."""

from __future__ import annotations

import base64
import doctest
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from appliance.domain.hook import Encoding, Hook, HookKind, Message
from appliance.domain.lookup import Failed, Why
from appliance.errors import SettingsError
from appliance.http.order import Answer, Order
from appliance.notify import deliver as module
from appliance.notify import robots
from appliance.notify.deliver import Kind, deliver, with_secrets
from appliance.notify.verdict import MAX_SAID, Verdict

NOW = datetime(2026, 11, 27, 3, 0, 0, 500_000, tzinfo=UTC)
MESSAGE = Message("uuid:told", "demo", "h", '来电 "13800138000"\n请回电', "uuid", NOW)
URLS = {
    HookKind.WEBHOOK: "https://crm.example/in?of={token}",
    HookKind.WECOM: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={token}",
    HookKind.DINGTALK: "https://oapi.dingtalk.com/robot/send?access_token={token}",
    HookKind.FEISHU: "https://open.feishu.cn/open-apis/bot/v2/hook/{token}",
    HookKind.SMS: "http://sms.example/send",
}


def hook(kind: HookKind, **changed: object) -> Hook:
    made = Hook("h", "demo", kind, URLS[kind], token="TOKEN-1", secret="SECRET-1")
    return replace(made, **changed)  # type: ignore[arg-type]


def kind_of(one: Hook) -> Kind:
    return module._KINDS[one.kind]


def ordered(one: Hook, message: Message = MESSAGE) -> Order:
    return kind_of(one).order(one, message, NOW, 3)


class Scripted:
    """A client that answers as told."""

    def __init__(self, answer: Answer | Failed) -> None:
        self.answer = answer
        self.orders: list[Order] = []

    def exchange(self, order: Order) -> Answer | Failed:
        self.orders.append(order)
        return self.answer


def judged(one: Hook, answer: Answer | Failed, message: Message = MESSAGE) -> Verdict:
    return deliver(Scripted(answer), one, message, 1, lambda: NOW)  # type: ignore[arg-type]


def answer(content: object, status: int = 200, **headers: str) -> Answer:
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def test_the_examples_hold() -> None:
    assert doctest.testmod(robots).failed == 0


# Webhooks


def test_a_webhook_gets_the_message_as_json_and_signed() -> None:
    order = ordered(hook(HookKind.WEBHOOK, headers={"X-Who": "{account}/{text}"}))
    assert (order.method, order.url) == ("POST", "https://crm.example/in?of=TOKEN-1")
    assert json.loads(order.body) == {
        "id": "uuid:told",
        "account": "demo",
        "hook": "h",
        "text": '来电 "13800138000"\n请回电',
        "call": "uuid",
        "to": "",
        "at": "2026-11-27T11:00:00.500+08:00",
    }
    assert order.headers["Gateway400-Message"] == "uuid:told" and order.headers["Gateway400-Attempt"] == "3"
    assert order.headers["X-Who"] == 'demo/来电 "13800138000" 请回电', "one line"
    timestamp = order.headers["Gateway400-Timestamp"]
    assert timestamp == str(int(NOW.timestamp()))
    own = hmac.new(b"SECRET-1", timestamp.encode() + b"." + order.body, hashlib.sha256).hexdigest()
    assert order.headers["Gateway400-Signature"] == f"v1={own}"


def test_the_documents_example_verifies_what_is_sent() -> None:
    text = (Path(__file__).parents[2] / "docs" / "notify.md").read_text(encoding="utf-8")
    example: dict[str, object] = {}
    exec(text.split("```python\n", 1)[1].split("```", 1)[0], example)
    is_genuine = example["is_genuine"]
    assert callable(is_genuine)
    order = ordered(hook(HookKind.WEBHOOK))
    at = NOW.timestamp()
    assert is_genuine("SECRET-1", order.headers, order.body, at + 60)
    assert not is_genuine("SECRET-2", order.headers, order.body, at + 60)
    assert not is_genuine("SECRET-1", order.headers, order.body + b" ", at + 60)
    assert not is_genuine("SECRET-1", order.headers, order.body, at + 600), "old: somebody sends it again"
    forged = {**order.headers, "Gateway400-Timestamp": str(int(at) + 590)}
    assert not is_genuine("SECRET-1", forged, order.body, at + 600)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_webhook_takes_it_by_its_status(status: int) -> None:
    assert judged(hook(HookKind.WEBHOOK), answer(b"whatever", status)).ok


@pytest.mark.parametrize(
    ("status", "final"), [(301, False), (400, False), (404, False), (413, True), (422, True), (500, False)]
)
def test_other_statuses_are_no_success_and_some_are_final(status: int, final: bool) -> None:
    verdict = judged(hook(HookKind.WEBHOOK), answer(b"sorry\r\nno", status))
    assert (verdict.ok, verdict.final, verdict.said) == (False, final, f"HTTP {status} sorry no")


@pytest.mark.parametrize(
    ("text", "seconds"), [("120", 120), ("0", 0), ("999999", 3600), ("Fri, 27 Nov", 0), ("", 0), ("-1", 0)]
)
def test_who_asks_for_a_rest_gets_it_within_an_hour(text: str, seconds: int) -> None:
    verdict = judged(hook(HookKind.WEBHOOK), answer(b"", 429, retry_after=text))
    assert verdict.at_least == timedelta(seconds=seconds)


# Robots


def test_wecom() -> None:
    order = ordered(hook(HookKind.WECOM))
    assert order.url == "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=TOKEN-1"
    assert json.loads(order.body) == {"msgtype": "text", "text": {"content": MESSAGE.text}}


def test_dingtalk() -> None:
    order = ordered(hook(HookKind.DINGTALK))
    query = parse_qs(urlsplit(order.url).query)
    timestamp = str(int(NOW.timestamp() * 1000))
    own = hmac.new(b"SECRET-1", f"{timestamp}\nSECRET-1".encode(), hashlib.sha256).digest()
    assert query == {
        "access_token": ["TOKEN-1"],
        "timestamp": [timestamp],
        "sign": [base64.b64encode(own).decode()],
    }
    assert json.loads(order.body) == {"msgtype": "text", "text": {"content": MESSAGE.text}}
    assert ordered(hook(HookKind.DINGTALK, secret="")).url.endswith("?access_token=TOKEN-1")


def test_feishu() -> None:
    order = ordered(hook(HookKind.FEISHU))
    timestamp = str(int(NOW.timestamp()))
    own = hmac.new(f"{timestamp}\nSECRET-1".encode(), b"", hashlib.sha256).digest()
    assert order.url == "https://open.feishu.cn/open-apis/bot/v2/hook/TOKEN-1"
    assert json.loads(order.body) == {
        "msg_type": "text",
        "content": {"text": MESSAGE.text},
        "timestamp": timestamp,
        "sign": base64.b64encode(own).decode(),
    }
    assert "sign" not in json.loads(ordered(hook(HookKind.FEISHU, secret="")).body)


def test_known_signatures() -> None:
    """Computed once by another program (openssl) from the makers' descriptions."""
    at = datetime.fromtimestamp(1599360473, UTC)
    feishu = robots.order(hook(HookKind.FEISHU, secret="demo"), MESSAGE, at, 1)
    assert json.loads(feishu.body)["sign"] == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="
    ding = robots.order(hook(HookKind.DINGTALK, secret="SECdemo"), MESSAGE, at, 1)
    assert parse_qs(urlsplit(ding.url).query)["sign"] == ["tGWkA5eQOQNCNPDgphtxIoNLO+/gD8Lcb705KQoRzeY="]


@pytest.mark.parametrize("kind", [HookKind.WECOM, HookKind.DINGTALK, HookKind.FEISHU])
def test_a_text_is_cut_to_what_a_robot_takes(kind: HookKind) -> None:
    order = ordered(hook(kind), replace(MESSAGE, text="来" * 8000))
    content = json.loads(order.body)
    text = content["content"]["text"] if kind is HookKind.FEISHU else content["text"]["content"]
    assert text.endswith("来…") and len(text.encode()) <= (2048 if kind is HookKind.WECOM else 15_000)


MINUTE = timedelta(minutes=1)
ROBOT_ANSWERS: list[tuple[HookKind, object, Verdict]] = [
    (HookKind.WECOM, {"errcode": 0, "errmsg": "ok"}, Verdict(True, "0 ok")),
    (
        HookKind.WECOM,
        {"errcode": 93000, "errmsg": "invalid webhook url"},
        Verdict(False, "93000 invalid webhook url"),
    ),
    (
        HookKind.WECOM,
        {"errcode": 45009, "errmsg": "api freq out of limit"},
        Verdict(False, "45009 api freq out of limit", MINUTE),
    ),
    (HookKind.WECOM, {"code": 0}, Verdict(False, 'no answer of a robot: {"code": 0}')),
    (HookKind.DINGTALK, {"errcode": 0, "errmsg": "ok"}, Verdict(True, "0 ok")),
    (HookKind.DINGTALK, {"errcode": 310000, "errmsg": "sign not match"}, Verdict(False, "310000 sign not match")),
    (
        HookKind.DINGTALK,
        {"errcode": 310000, "errmsg": "keywords not in content"},
        Verdict(False, "310000 keywords not in content", final=True),
    ),
    (
        HookKind.DINGTALK,
        {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"},
        Verdict(False, "130101 send too fast, exceed 20 times per minute", 10 * MINUTE),
    ),
    (HookKind.FEISHU, {"code": 0, "msg": "success", "data": {}}, Verdict(True, "0 success")),
    (HookKind.FEISHU, {"StatusCode": 0, "StatusMessage": "success"}, Verdict(True, "0 success")),
    (
        HookKind.FEISHU,
        {"StatusCode": 0, "code": 19021, "msg": "sign match fail"},
        Verdict(False, "19021 sign match fail"),
    ),
    (
        HookKind.FEISHU,
        {"code": 19024, "msg": "Key Words Not Found"},
        Verdict(False, "19024 Key Words Not Found", final=True),
    ),
    (
        HookKind.FEISHU,
        {"code": 11232, "msg": "frequency limited"},
        Verdict(False, "11232 frequency limited", MINUTE),
    ),
    (HookKind.FEISHU, b"<html>", Verdict(False, "no answer of a robot: <html>")),
    (HookKind.FEISHU, [0], Verdict(False, "no answer of a robot: [0]")),
]


@pytest.mark.parametrize(("kind", "content", "verdict"), ROBOT_ANSWERS)
def test_a_200_answer_says_whether_a_robot_took_it(kind: HookKind, content: object, verdict: Verdict) -> None:
    assert judged(hook(kind), answer(content)) == verdict


# SMS gateways

SMS = hook(
    HookKind.SMS,
    to="13900139000",
    fields={"mobile": "{to}", "content": "【示例】{text}", "apikey": "{secret}", "at": "{at}"},
    headers={"Authorization": "Bearer {token}"},
)


def test_an_sms_gateway_gets_its_fields_as_a_form() -> None:
    order = ordered(SMS)
    assert (order.method, order.url) == ("POST", "http://sms.example/send")
    assert parse_qs(order.body.decode()) == {
        "mobile": ["13900139000"],
        "content": [f"【示例】{MESSAGE.text}"],
        "apikey": ["SECRET-1"],
        "at": ["2026-11-27 11:00:00"],
    }
    assert order.headers == {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "Authorization": "Bearer TOKEN-1",
    }


def test_or_as_json_or_in_the_address() -> None:
    to = replace(MESSAGE, to="13800138000")
    order = ordered(replace(SMS, encoding=Encoding.JSON), to)
    assert json.loads(order.body)["mobile"] == "13800138000", (
        "whom the message names goes before whom the hook does"
    )
    assert order.headers["Content-Type"].startswith("application/json")
    got = ordered(replace(SMS, method="GET", url="http://sms.example/send/{to}?a=1"), to)
    assert (
        got.method == "GET" and got.body == b"" and got.url.startswith("http://sms.example/send/13800138000?a=1&mo")
    )
    assert parse_qs(urlsplit(got.url).query)["content"] == [f"【示例】{MESSAGE.text}"]
    assert ordered(replace(SMS, method="GET", fields={}, url="http://a/{text}")).url == (
        "http://a/%E6%9D%A5%E7%94%B5%20%2213800138000%22%0A%E8%AF%B7%E5%9B%9E%E7%94%B5"
    )
    assert "?mobile=" in ordered(replace(SMS, method="GET")).url


@pytest.mark.parametrize(
    ("expect", "expect_text", "content", "ok"),
    [
        ({}, "", b"", True),
        ({"code": "0"}, "", {"code": 0}, True),
        ({"code": "0"}, "", {"code": "0"}, True),
        ({"code": "0"}, "", {"code": 1, "msg": "余额不足"}, False),
        ({"code": "0"}, "", b"OK", False),
        ({"result.code": "OK", "n": "1"}, "", {"result": {"code": "OK"}, "n": 1}, True),
        ({"result.code": "OK", "n": "1"}, "", {"result": {"code": "OK"}, "n": 2}, False),
        ({}, "SUCCESS", b"SUCCESS,123", True),
        ({}, "SUCCESS", b"ERROR", False),
        ({"code": "0"}, "success", {"code": 0, "msg": "success"}, True),
        ({"code": "0"}, "success", {"code": 0, "msg": "failure"}, False),
    ],
)
def test_an_sms_gateway_takes_it_by_the_expected_answer(
    expect: dict[str, str], expect_text: str, content: object, ok: bool
) -> None:
    assert judged(replace(SMS, expect=expect, expect_text=expect_text), answer(content)).ok is ok


def test_a_gateway_may_answer_in_gbk() -> None:
    said = Answer(200, {"content-type": "application/json; charset=GBK"}, '{"结果": "成功"}'.encode("gbk"))
    assert judged(replace(SMS, expect={"结果": "成功"}), said).ok


# Every kind


@pytest.mark.parametrize("kind", HookKind)
def test_who_cannot_be_asked_is_asked_again(kind: HookKind) -> None:
    assert judged(hook(kind), Failed(Why.TIMEOUT)) == Verdict(False, "timeout")


@pytest.mark.parametrize("kind", HookKind)
def test_no_verdict_tells_a_secret(kind: HookKind) -> None:
    verdict = judged(hook(kind), answer(b"bad key SECRET-1 at /TOKEN-1" * 99, 403))
    assert "SECRET-1" not in verdict.said and "TOKEN-1" not in verdict.said and "***" in verdict.said
    assert len(verdict.said) <= MAX_SAID


@pytest.mark.parametrize("kind", HookKind)
def test_a_message_of_another_account_is_never_sent(kind: HookKind) -> None:
    verdict = judged(hook(kind), answer({"errcode": 0}), replace(MESSAGE, account="other"))
    assert not verdict.ok and verdict.final


def test_secrets_come_from_files(tmp_path: Path) -> None:
    token, secret = tmp_path / "token", tmp_path / "secret"
    token.write_text("from-file\n", encoding="utf-8")
    one = hook(HookKind.WEBHOOK, token="", token_file=str(token), secret="", secret_file=str(secret))
    with pytest.raises(SettingsError, match="secret: No such file"):
        with_secrets(one)
    secret.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is no text"):
        with_secrets(one)
    secret.write_text("s", encoding="utf-8")
    armed = with_secrets(one)
    assert (armed.token, armed.secret) == ("from-file", "s")
    token.write_text("newer", encoding="utf-8")
    assert with_secrets(one).token == "newer"


@pytest.mark.parametrize(
    ("one", "what"),
    [
        (hook(HookKind.WEBHOOK, secret=""), "has no secret"),
        (hook(HookKind.WECOM, token=""), "has no token"),
        (replace(SMS, secret=""), "has no secret"),
        (replace(SMS, token=""), "has no token"),
    ],
)
def test_nothing_is_sent_without_what_it_needs(one: Hook, what: str) -> None:
    client = Scripted(answer({}))
    verdict = deliver(client, one, MESSAGE, 1, lambda: NOW)  # type: ignore[arg-type]
    assert not verdict.ok and what in verdict.said and client.orders == []
