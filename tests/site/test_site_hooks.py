"""Hooks: good values reach the sender, wrong ones are found, and no secret is ever told."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli import root
from appliance.domain.hook import Encoding, Hook, HookKind
from appliance.site import hooktokens, values
from appliance.site.merge import Action
from appliance.store.hooks import load_hooks
from appliance.store.unit import Store
from tests.site.hooked import KEY, SITE, WORD, wrote
from tests.site.ruled import exported, found, put, said
from tests.site.texts import line_of
from tests.support.databases import sqlite_database


def hooks(store: Store) -> dict[str, Hook]:
    with store.reading() as session:
        return load_hooks(session)


def test_the_examples_hold() -> None:
    assert doctest.testmod(hooktokens).failed == doctest.testmod(values).failed == 0


def test_every_field_reaches_the_sender(store: Store) -> None:
    assert put(store, SITE).counts()["hook", Action.ADDED] == 5
    assert not put(store, SITE).changed
    assert hooks(store) == {
        "crm": Hook(
            "crm",
            "demo",
            HookKind.WEBHOOK,
            "https://crm.example/gateway?of={token}",
            token=f"{WORD}1",
            secret=f"{WORD}2",
            headers={"X-Account": "{account}"},
            per_minute=60,
        ),
        "group": Hook(
            "group",
            "demo",
            HookKind.WECOM,
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={token}",
            token=KEY,
            per_minute=20,
        ),
        "ding": Hook(
            "ding",
            "demo",
            HookKind.DINGTALK,
            "https://oapi.dingtalk.com/robot/send?access_token={token}",
            token=KEY,
            secret_file="/etc/gateway400/ding",
            per_minute=20,
        ),
        "fei": Hook(
            "fei",
            "other",
            HookKind.FEISHU,
            "https://open.feishu.cn/open-apis/bot/v2/hook/{token}",
            token_file="/etc/gateway400/fei",
            secret=f"{WORD}3",
            per_minute=20,
        ),
        "sms": Hook(
            "sms",
            "demo",
            HookKind.SMS,
            "http://sms.example/send/{to}?u={call}",
            secret=f"{WORD}4",
            to="13800138000",
            method="GET",
            encoding=Encoding.JSON,
            fields={"apikey": "{secret}", "content": "【示范】{text}"},
            headers={"Authorization": "Bearer {token}"},
            expect={"result.code": "0"},
            expect_text="OK",
        ),
    }


def test_no_secret_is_exported_and_an_export_applies_again(store: Store, tmp_path: Path) -> None:
    put(store, SITE)
    now = exported(store)
    assert WORD not in now and KEY not in now
    assert not put(store, now, prune=True).changed
    assert hooks(store)["crm"].secret == f"{WORD}2" and hooks(store)["group"].token == KEY
    other = sqlite_database(tmp_path / "other.db")
    with Store(other) as second:
        put(second, now)
        assert exported(second) == now
        assert hooks(second)["crm"].secret == "", "it has to be given there"


def test_no_secret_is_told_of_a_change_or_shown(store: Store) -> None:
    report = put(store, SITE)
    report = put(store, SITE.replace(WORD, "new").replace(KEY, "other"))
    assert WORD not in str(report) and "new" not in {change.what for change in report.changes}
    assert {"changed hook crm (token, secret)", "changed hook group (token)", "changed hook ding (token)"} <= said(
        report
    )
    assert "other" not in repr(hooks(store)["group"]) and "new" not in repr(hooks(store)["crm"])


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (f"    secret: {WORD}2\n", "", ""),
        (f"    token: {WORD}1\n", "", ""),
        (f"send?key={KEY}", "send?key={token}", ""),
        (f"    secret: {WORD}2\n", "    secret_file: /f\n", "changed hook crm (secret_file, secret)"),
        ("    secret_file: /etc/gateway400/ding\n", "", "changed hook ding (secret_file)"),
        ("    name: 客户系统\n", "", "changed hook crm (name)"),
        ("    per_minute: 60\n", "", "changed hook crm (per_minute)"),
        ("/gateway?of", "/other?of", "changed hook crm (url)"),
        ("    method: GET\n", "", "changed hook sms (method)"),
        ("    encoding: json\n", "", "changed hook sms (encoding)"),
        ('    to: "13800138000"\n', "", "changed hook sms (recipient)"),
        ("    expect_text: OK\n", "", "changed hook sms (expect_text)"),
        ('result.code: "0"', 'result.code: "1"', "changed hook sms (expect)"),
        ("【示范】", "", "changed hook sms (fields)"),
        ("Bearer ", "", "changed hook sms (headers)"),
    ],
)
def test_what_differs_is_changed_and_a_secret_that_is_left_out_stays(
    store: Store, old: str, new: str, changed: str
) -> None:
    put(store, SITE)
    before = hooks(store)
    assert said(put(store, wrote(old, new))) == ({changed} if changed else set())
    if not changed:
        assert hooks(store) == before


def test_a_hook_that_is_left_out_goes_with_prune(store: Store) -> None:
    put(store, SITE)
    without = SITE[: SITE.index("  - id: sms")]
    assert not put(store, without).changed
    assert said(put(store, without, prune=True)) == {"removed hook sms"}
    put(store, "version: 1\n", prune=True)
    assert hooks(store) == {}


WRONG = [
    ("account: other\n", "account: none\n", "account: none", "account", "there is no account none"),
    ("  - id: ding\n", "  - id: group\n", "hooks[2].id", "id", "group is there already, in line 16"),
    ("kind: wecom", "kind: email", "kind: email", "kind", "must be one of webhook, wecom, dingtalk, feishu, sms"),
    ("https://crm.example/", "ftp://crm.example/", "ftp:", "url", "must begin with http:// or https://"),
    ("//crm.example/", "//{account}.example/", "{account}.", "url", "no host that can be asked"),
    ("//crm.example/", "//me:word@crm.example/", "me:word", "url", "no user or password may stand before the host"),
    ("/gateway?of=", "/网关?of=", "网关", "url", "characters beyond ASCII have to be percent-encoded"),
    (f"send?key={KEY}", "send", "webhook/send", "url", "the robot's address has no key="),
    (f"send?access_token={KEY}", "send?key=x", "send?key=x", "url", "the robot's address has no access_token="),
    ("/v2/hook/{token}", "/v2/other", "v2/other", "url", "the robot's address has no /hook/"),
    ("?of={token}", "?of={text}", "of={text}", "url", "there is nothing called text; there are token"),
    ("u={call}", "u={caller}", "{caller}", "url", "there is nothing called caller; there are id, account,"),
    ("【示范】{text}", "{text}{word}", "{word}", "fields.content", "there is nothing called word"),
    ("{account}", "{nobody}", "{nobody}", "headers.X-Account", "there is nothing called nobody"),
    ("【示范】{text}", "hello", "  - id: sms", "", "no field and no part of the address holds {text}"),
    (
        "    secret_file: /etc/gateway400/ding\n",
        "    secret_file: /f\n    secret: x\n",
        "secret: x",
        "secret",
        "stands in the file /f already",
    ),
    ("token_file: /etc/gateway400/fei", "token_file: fei", "_file: fei", "token_file", "not the whole path"),
    (
        f"send?key={KEY}",
        f"send?key={KEY}\n    secret: x",
        "    secret: x",
        "secret",
        "means nothing for a hook of the kind wecom",
    ),
    ("    per_minute: 60\n", "    to: x\n", "    to: x", "to", "means nothing for a hook of the kind webhook"),
    ("X-Account:", "Content-Length:", "Content-Length", "headers.Content-Length", "not the name of a header"),
    ("X-Account:", '"X Account":', "X Account", "headers.X Account", "not the name of a header"),
    ("per_minute: 60", "per_minute: -1", "per_minute", "per_minute", "must be a whole number from 0 to 6000"),
]


@pytest.mark.parametrize(("old", "new", "line", "field", "what"), WRONG, ids=[f"{w[3]}-{w[4][:30]}" for w in WRONG])
def test_what_is_wrong_is_found_where_it_stands(old: str, new: str, line: str, field: str, what: str) -> None:
    text = wrote(old, new)
    faults = found(text)
    assert len(faults) == 1, faults
    assert what in faults[0].what()
    assert any("\u4e00" <= sign <= "\u9fff" for sign in faults[0].what("zh"))
    if "[" not in line:
        assert faults[0].line == line_of(text, line)
    assert (
        faults[0].text().partition(": ")[2].startswith(f"hooks[{faults[0].path[1]}]{'.' if field else ''}{field}")
    )


def test_no_fault_tells_what_stands_behind_the_host() -> None:
    text = wrote(f"send?key={KEY}", f"send?key= {KEY}")
    (fault,) = found(text)
    assert KEY not in fault.text() and "https://qyapi.weixin.qq.com/…" in fault.text()


def test_a_check_of_the_file_tells_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(wrote("kind: wecom", "kind: email"), encoding="utf-8")
    told = CliRunner().invoke(root, ["site", "check", str(file)])
    assert told.exit_code and WORD not in f"{told.output} {told.exception}" and KEY not in f"{told.exception}"
