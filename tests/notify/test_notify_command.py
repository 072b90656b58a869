"""What a person at the machine sees of messages, and does about them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from appliance import cli
from appliance.store.journal_file import JournalFile
from appliance.store.outbox_sending import SendingOutbox
from tests.http.server import HttpServer, http_server
from tests.notify.sending import SECRET, SendingBox, site


class Done(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def box(tmp_path: Path) -> SendingBox:
    return SendingBox(tmp_path / "state")


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as made:
        made.answers |= {"/crm": (200, {}), "/down": (500, {"secret": SECRET})}
        yield made


@pytest.fixture
def run(box: SendingBox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.delenv("APPLIANCE_CONFIG", raising=False)
    for name, value in box.environment.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["appliance", "notify", *words])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


def end(box: SendingBox, *, sent: bool, said: str = "said") -> None:
    """The next message of each hook is tried, and sent or given up."""
    now = datetime.now(UTC)
    with closing(JournalFile(box.journal)) as file:
        outbox = SendingOutbox(file, "test")
        for head in outbox.heads():
            claimed = outbox.claim(head, now)
            assert claimed is not None
            (outbox.sent if sent else outbox.dead)(claimed, now, said)


def test_there_is_nothing(run: Run, box: SendingBox) -> None:
    assert run("list").out == "no message waits, none was given up\n"
    assert run("list", "--sent").out == "none was sent\n"
    assert run("retry", "--all") == Done(1, "", f"appliance: there is no journal {box.journal}\n")


def test_messages_are_listed(run: Run, box: SendingBox) -> None:
    box.state.mkdir()
    box.put(["1"], "crm")
    end(box, sent=True, said="HTTP 204")
    box.put(["2"], "sms")
    end(box, sent=False, said="HTTP 500 sorry")
    box.put(["3", "4"], "crm")
    with closing(JournalFile(box.journal)) as file:
        outbox = SendingOutbox(file, "test")
        claimed = outbox.claim(outbox.heads()[0], datetime.now(UTC))
        assert claimed is not None
        outbox.again(claimed, datetime(2026, 11, 27, 3, 30, tzinfo=UTC), "timeout")
    waits, other, dead = run("list").out.splitlines()
    assert waits.startswith("waits") and "  crm " in waits
    assert waits.endswith("  3  again at 2026-11-27 11:30:00  tries: 1  (timeout)")
    assert other.endswith("  4")
    assert dead.startswith("DEAD ") and dead.endswith("  2  tries: 1  (HTTP 500 sorry)")
    (sent,) = run("list", "--sent").out.splitlines()
    assert sent.startswith("SENT ") and sent.endswith("  1  tries: 1  (HTTP 204)")
    assert run("list", "--hook", "sms").out.splitlines() == [dead]
    assert len(run("list", "--limit", "1").out.splitlines()) == 2


def test_what_was_given_up_is_brought_back(run: Run, box: SendingBox) -> None:
    box.state.mkdir()
    for name, hook in (("1", "crm"), ("2", "crm"), ("3", "sms")):
        box.put([name], hook)
        end(box, sent=False)
    assert run("retry", "nobody") == Done(1, "", "appliance: no message that was given up is called nobody\n")
    assert run("retry", "2").out == "1 messages will be sent\n"
    assert run("retry", "--hook", "crm").out == "1 messages will be sent\n"
    assert run("retry", "--all").out == "1 messages will be sent\n"
    assert run("retry", "--all").out == "0 messages will be sent\n"
    assert run("list").out.count("waits") == 3


@pytest.mark.parametrize("words", [(), ("1", "--all"), ("--hook", "crm", "--all")])
def test_what_is_to_be_brought_back_has_to_be_said(run: Run, words: tuple[str, ...]) -> None:
    done = run("retry", *words)
    assert done.code == 2 and "name a message, or --hook HOOK, or --all" in done.err


def test_a_hook_is_tried(run: Run, box: SendingBox, server: HttpServer) -> None:
    box.apply(site({"crm": server.url("/crm"), "down": server.url("/down")}))
    assert run("test", "crm", "--text", "hello") == Done(0, "crm took it: HTTP 200\n", "")
    (asked,) = server.asked
    assert asked.headers["gateway400-message"].startswith("test:") and b'"text": "hello"' in asked.body
    done = run("test", "down")
    assert (done.code, done.out) == (1, "") and "down did not take it: HTTP 500" in done.err
    assert SECRET not in done.err
    assert run("test", "none") == Done(1, "", "appliance: there is no hook none\n")


def test_this_machine_is_asked_only_where_a_setting_allows_it(
    run: Run, box: SendingBox, server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.apply(site({"crm": server.url("/crm")}))
    monkeypatch.setenv("APPLIANCE_HTTP_ALLOW", "crm.example 127.0.0.1:1")
    assert run("test", "crm").err == "appliance: crm did not take it: forbidden\n"
    monkeypatch.setenv("APPLIANCE_HTTP_ALLOW", f"crm.example 127.0.0.1:{server.port}")
    assert run("test", "crm").code == 0
    monkeypatch.setenv("APPLIANCE_HTTP_ALLOW", "http://crm.example/")
    assert run("test", "crm").code == 2


def test_times_are_shanghais(run: Run, box: SendingBox) -> None:
    box.state.mkdir()
    box.put(["1"], "crm")
    at = datetime.now(UTC) + timedelta(hours=8)
    assert f"{at:%Y-%m-%d %H:}" in run("list").out
