"""No row of one account is seen by another, whatever a query forgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import aliased

from appliance.errors import RuleError
from appliance.store.models import (
    Account,
    Base,
    Bill,
    Call,
    Callback,
    CallLeg,
    Charge,
    ClosedMonth,
    Correction,
    CorrectionItem,
    Flow,
    FlowVersion,
    LedgerBalance,
    LedgerPosting,
    Line,
    LineSigning,
    Number,
    Operator,
    Settlement,
)
from appliance.store.queries import Reader, Scope, reading
from appliance.store.queries.scope import BOX, CLOSED, OWNED, SHARED
from appliance.store.unit import Store
from tests.support.seed import NUMBER, OTHER_NUMBER
from tests.webui.conftest import SignIn

FOREIGN = "00000000-0000-4000-8000-00000000west"


@pytest.fixture
def east(store: Store) -> Iterator[Reader]:
    with reading(store, Scope("east")) as reader:
        yield reader


@pytest.fixture
def west(store: Store) -> Iterator[Reader]:
    with reading(store, Scope("west")) as reader:
        yield reader


def test_every_table_is_on_one_list() -> None:
    tables = {mapper.class_ for mapper in Base.registry.mappers}
    assert tables == {*OWNED, *SHARED, *BOX, *CLOSED}
    assert len(tables) == len(OWNED) + len(SHARED) + len(BOX) + len(CLOSED)


@pytest.mark.parametrize("table", OWNED, ids=lambda table: table.__name__)
def test_a_bare_select_of_any_table_stays_inside(store: Store, table: type[Base]) -> None:
    if table is Callback:
        _asked_to_be_called_back(store)
    if table in NOTED:
        with store.work() as session:
            session.add_all(NOTED[table](nth, account) for nth, account in enumerate(("east", "west"), start=1))
            session.commit()
    if table in BOOKED:
        with store.work() as session:
            for nth, account in enumerate(("east", "west"), start=1):
                session.add_all(_booked(nth, account))
            session.commit()
    found = {}
    for account in ("east", "west", "nobody", None):
        with reading(store, Scope(account)) as reader:
            found[account] = len(reader.rows(select(table)))
    assert found["nobody"] == 0
    assert found["east"] + found["west"] == found[None]
    assert found["east"] > 0


AT = datetime(2026, 11, 25, 2, tzinfo=UTC)


def _bill(nth: int, account: str) -> Base:
    of = {"account_id": account, "month": 2026 * 12, "part": 0, "corrects": "", "by_login": "boss"}
    sums = {"net": 0, "tax": 0, "gross": 0}
    return Bill(number=f"ZD{nth:08}", kind="bill", sequence=nth, document={}, issued_at=AT, **of, **sums)


def _signing(nth: int, account: str) -> Base:
    return LineSigning(line_id=f"l{nth}", account_id=account, at=AT, signed_in=True, who="w", means="call")


#: Tables that nothing stands in in the filled box: a row of an account.
NOTED: dict[type[Base], Callable[[int, str], Base]] = {Bill: _bill, LineSigning: _signing}
#: Tables of the ledger; nothing is booked in the filled box.
BOOKED = (ClosedMonth, Correction, CorrectionItem, LedgerBalance, LedgerPosting, Settlement)


def _booked(nth: int, account: str) -> list[Base]:
    """A row of each, for an account."""
    at = datetime(2026, 11, 25, 2, tzinfo=UTC)
    who = {"account_id": account, "by_login": "boss", "reason": "test"}
    month = {"month": 2026 * 12, "calls": 1, "amount": 1}
    zero = ("metered_seconds", "billable_units", "included_units", "charged_units", "rated")
    texts = dict.fromkeys(("plan_code", "price_from", "reason_code"), "")
    item = CorrectionItem(correction_id=nth, call_uuid="c", amount=1, **dict.fromkeys(zero, 0), **texts)
    sides = {"debit": "cash", "credit": "balance", "amount": 1, "month": 2026 * 12, "approved_by": ""}
    return [
        ClosedMonth(closed_at=at, not_ratable=0, **month, **who),
        Correction(id=nth, booked_month=2026 * 12 + 1, at=at, **month, **who),
        item,
        LedgerBalance(account_id=account, ledger="balance", amount=1),
        LedgerPosting(id=nth, subject=f"topup:{nth}", revision=1, kind="topup", at=at, **sides, **who),
        Settlement(call_uuid="c", action="waive", before={}, after={}, at=at, **who),
    ]


def _asked_to_be_called_back(store: Store) -> None:
    """In both accounts; the filled box has nobody who has."""
    at = datetime(2026, 11, 25, 2, tzinfo=UTC)
    with store.work() as session:
        for account in ("east", "west"):
            session.add(
                Callback(
                    id=f"back-{account}",
                    queue_id="desk",
                    account_id=account,
                    number=NUMBER,
                    caller="13800138000",
                    callee="13800138000",
                    entered_at=at,
                    asked_at=at,
                    expires_at=at,
                    attempts=0,
                    said="",
                    ending="",
                    reason="",
                    closed_by="",
                )
            )
        session.commit()


@pytest.mark.parametrize("table", CLOSED, ids=lambda table: table.__name__)
@pytest.mark.parametrize("account", ["east", None])
def test_closed_tables_are_empty_for_everybody(store: Store, table: type[Base], account: str | None) -> None:
    with reading(store, Scope(account)) as reader:
        assert list(reader.rows(select(table))) == []


def test_no_way_of_asking_leads_out(west: Reader) -> None:
    other = aliased(Call)
    asked = {
        "count": select(func.count(Call.id)),
        "count from": select(func.count()).select_from(Call),
        "columns": select(Call.uuid),
        "alias": select(other.uuid),
        "join": select(Call.uuid).join_from(Number, Call, Call.number == Number.number),
        "cross join": select(Call.uuid).join_from(Line, Call, Call.uuid == Call.uuid),
        "subquery": select(select(Call.uuid).subquery().c.uuid),
        "legs": select(CallLeg.call_uuid),
        "charges": select(Charge.call_uuid),
        "in": select(Account.id).where(Account.id.in_(select(Call.account_id))),
        "union": select(Call.uuid).union_all(select(other.uuid)),
        "or true": select(Call.uuid).where((Call.account_id == "east") | (Call.account_id == "west")),
    }
    seen = {name: [row[0] for row in west.rows(statement)] for name, statement in asked.items()}  # type: ignore[misc]
    own = [FOREIGN]
    assert seen == {
        "count": [1],
        "count from": [1],
        "columns": own,
        "alias": own,
        "join": own,
        "cross join": own,
        "subquery": own,
        "legs": [],
        "charges": [],
        "in": ["west"],
        "union": own * 2,
        "or true": own,
    }


def test_loading_a_relation_stays_inside(east: Reader, west: Reader) -> None:
    call = east.scalars(select(Call).where(Call.tried != "").limit(1))[0]
    assert call.legs
    assert west.scalars(select(Call))[0].legs == []


@pytest.mark.parametrize(
    "statement",
    [
        text("select * from calls"),
        select(Call.__table__),
        select(text("* from calls")),
        update(Call).values(caller=""),
        select(func.count()).select_from(Call.__table__),
    ],
    ids=["text", "table", "text in a select", "update", "count of a table"],
)
def test_what_cannot_be_held_is_refused(east: Reader, statement: object) -> None:
    with pytest.raises(RuleError):
        east.rows(statement)  # type: ignore[arg-type]


def test_flows_and_versions_go_with_their_account(west: Reader, east: Reader) -> None:
    assert [len(east.rows(select(table))) for table in (Flow, FlowVersion)] == [1, 1]
    assert [len(west.rows(select(table))) for table in (Flow, FlowVersion)] == [0, 0]
    assert west.rows(select(Operator.login)) == []


def test_pages_show_one_account_nothing_of_another(sign_in: SignIn) -> None:
    client = sign_in("desk")
    for path in (
        "/?from=&to=",
        "/queues",
        "/numbers",
        "/prompts",
        "/calls.csv?from=&to=",
        "/api/v1/calls?limit=500",
    ):
        body = client.get(path).get_data(as_text=True)
        assert "6005678" not in body.replace("-", ""), path
        assert "西部" not in body, path
        assert FOREIGN not in body, path
    for path in (f"/calls/{FOREIGN}", f"/calls/{FOREIGN}/recording", f"/calls/{FOREIGN}/outline"):
        assert client.get(path).status_code == 404, path
    asked = client.get(f"/api/v1/calls?number={OTHER_NUMBER}").get_json()
    assert asked == {"calls": [], "next_cursor": None}
    assert ">0<" in client.get(f"/?from=&to=&number={OTHER_NUMBER}").get_data(as_text=True)


def test_the_other_account_sees_its_own_call_only(sign_in: SignIn) -> None:
    calls = sign_in("other").get("/api/v1/calls").get_json()["calls"]
    assert [call["id"] for call in calls] == [FOREIGN]


def test_an_operator_without_account_sees_all(sign_in: SignIn) -> None:
    calls = sign_in("admin").get("/api/v1/calls?limit=500").get_json()["calls"]
    assert {call["number"] for call in calls} == {NUMBER, OTHER_NUMBER}
    assert len(calls) == 61
