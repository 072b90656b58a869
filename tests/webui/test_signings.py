"""The page 队列 says who signed in and out at which line, when and by what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from appliance.store.models import LineSigning, Queue
from appliance.store.unit import Store
from tests.webui.conftest import SignIn
from webui.views import queues as view

NOW = datetime.now(UTC)
ALONE = {"HX-Request": "true", "HX-Target": "signings"}


def noted(store: Store, *rows: tuple[str, str, float, bool, str, str]) -> None:
    """Account, line, hours ago, in or out, who, by what."""
    with store.work() as session:
        session.add_all(
            LineSigning(
                line_id=line,
                account_id=account,
                at=NOW - timedelta(hours=ago),
                signed_in=come,
                who=who,
                means=means,
            )
            for account, line, ago, come, who, means in rows
        )
        session.commit()


def plain(text: str) -> list[str]:
    """The rows of the list, as words."""
    rows = re.findall(r'<tr role="row">(.*?)</tr>', text.split('class="lines signings"')[-1], re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows][1:]


@pytest.fixture
def asks(store: Store) -> Store:
    with store.work() as session:
        session.execute(update(Queue).values(sign_in=True))
        session.commit()
    return store


def test_who_did_it_and_by_what(asks: Store, sign_in: SignIn) -> None:
    noted(
        asks,
        ("east", "desk-1", 5, True, "13912345678", "call"),
        ("east", "desk-1", 4, False, "withheld", "call"),
        ("east", "desk-1", 3, True, "desk-1", "phone"),
        ("east", "gone", 2, False, "chief", "console"),
        ("east", "desk-1", 1, False, "<b>root", "command"),
        ("west", "west-1", 1, True, "theirs", "console"),
        ("east", "desk-1", 8 * 24, True, "long ago", "console"),
    )
    page = sign_in("desk").get("/queues", headers=ALONE).text
    assert "<html" not in page and "<b>root" not in page
    told = [re.sub(r"^\S+ \S+ ", "", row) for row in plain(page)]
    assert told == [
        "前台 Signed out &lt;b&gt;root command on the box",
        "gone Signed out chief console",
        "前台 Signed in 前台 code on the line&#39;s own phone",
        "前台 Signed out Number withheld by telephone, with PIN",
        "前台 Signed in 139 1234 5678 by telephone, with PIN",
    ]
    chinese = sign_in("desk", "zh").get("/queues").text
    assert "签入签出记录" in chinese and "电话，凭密码" in chinese
    assert "theirs" not in chinese and "theirs" in sign_in("admin").get("/queues", headers=ALONE).text


def test_no_more_are_shown_than_can_be_read(asks: Store, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "_MOST_SIGNINGS", 3)
    noted(asks, *[("east", "desk-1", hours, bool(hours % 2), f"who-{hours}", "console") for hours in range(5)])
    text = sign_in("desk").get("/queues").text
    assert [who for who in ("who-0", "who-1", "who-2", "who-3", "who-4") if who in text] == [
        "who-0",
        "who-1",
        "who-2",
    ]
    assert "appliance queue signings" in text


def test_where_nobody_signs_in_there_is_no_such_list(store: Store, asks: Store, sign_in: SignIn) -> None:
    assert "Nobody has signed in or out." in sign_in("desk").get("/queues").text
    with store.work() as session:
        session.execute(update(Queue).values(sign_in=False))
        session.commit()
    assert 'id="signings"' not in sign_in("desk").get("/queues").text
    noted(store, ("east", "desk-1", 1, True, "before", "console"))
    assert "before" in sign_in("desk").get("/queues").text
