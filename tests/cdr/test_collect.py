"""Spool files become stored calls: each leg once, in any order, whatever stands in the file."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from appliance.cdr.collect import Collected, collect_once
from appliance.domain.grants import month_of
from appliance.errors import StoreError
from appliance.store.models import Account, Call, CallLeg, Charge, Number
from appliance.store.unit import Store
from tests.cdr.spooled import (
    NOW,
    SAMPLES,
    START,
    aside,
    caller_leg,
    clock,
    left,
    legs,
    line_leg,
    noted_aside,
    put,
    put_bytes,
    put_calls,
    stored,
)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def collect(spool: Path, store: Store, **options: Any) -> Collected:
    return collect_once(spool, store, clock, **options)


def test_a_call_of_two_legs(spool: Path, store: Store) -> None:
    put_calls(spool, ["one"])
    assert collect(spool, store) == (("one",), ())
    call = stored(store)["one"]
    assert (call.account_id, call.number, call.line_id, call.outcome) == ("east", "4008001234", "sales", "answered")
    assert (call.bill_ms, call.bridged_ms, call.collected_at) == (39_000, 20_000, NOW)
    assert call.joined_at == START + timedelta(seconds=10)
    assert legs(store) == ["one", "one-line"]
    assert left(spool) == []


def test_collecting_again_changes_nothing(spool: Path, store: Store) -> None:
    put_calls(spool, ["one"])
    collect(spool, store)
    put_calls(spool, ["one"])
    assert collect(spool, store) == ((), ())
    assert (legs(store), left(spool)) == (["one", "one-line"], [])


@pytest.mark.parametrize("order", list(itertools.permutations(["caller", "line", "lost"])))
def test_any_order_gives_the_same_call(spool: Path, store: Store, order: Sequence[str]) -> None:
    of = {
        "caller": caller_leg("one"),
        "line": line_leg("one"),
        "lost": line_leg("one", uuid="one-lost", answer_uepoch="0", bridge_uepoch="0"),
    }
    for name in order:
        put(spool, of[name])
        collect(spool, store)
    call = stored(store)["one"]
    assert (call.bridged_ms, call.bill_ms, call.outcome, len(legs(store))) == (20_000, 39_000, "answered", 3)


def test_a_line_without_its_caller_is_kept_for_later(spool: Path, store: Store) -> None:
    put(spool, line_leg("one"))
    assert collect(spool, store) == ((), ())
    assert (stored(store), legs(store), left(spool)) == ({}, ["one-line"], [])
    put(spool, caller_leg("one"))
    assert collect(spool, store).stored == ("one",)
    assert stored(store)["one"].bridged_ms == 20_000


def test_a_late_leg_changes_the_call_and_voids_its_provisional_charge(spool: Path, store: Store) -> None:
    for uuid in ("open", "closed", "same"):
        put(spool, caller_leg(uuid))
    put(spool, line_leg("same"))
    collect(spool, store)
    with store.work() as session:
        for uuid in ("open", "closed", "same"):
            month = month_of(NOW)
            session.add(
                Charge(
                    call_uuid=uuid,
                    account_id="",
                    month=month,
                    booked_month=month,
                    reason="charged",
                    rated_at=NOW,
                    final=uuid == "closed",
                )
            )
        session.commit()
    put(spool, line_leg("open"))
    put(spool, line_leg("closed"))
    put(spool, line_leg("same", uuid="same-other", answer_uepoch="0", bridge_uepoch="0"))
    assert collect(spool, store).stored == ("closed", "open", "same")
    assert stored(store)["open"].bridged_ms == 20_000
    with store.reading() as session:
        assert set(session.scalars(select(Charge.call_uuid))) == {"closed", "same"}


def test_a_stored_leg_that_the_rules_do_not_take_any_more_is_left_out(spool: Path, store: Store) -> None:
    at = {"started_at": START, "ended_at": START, "facts": {"uuid": "old"}}
    with store.work() as session:
        session.add(CallLeg(leg_uuid="old", call_uuid="one", role="line", **at))
        session.commit()
    put_calls(spool, ["one"])
    assert collect(spool, store).stored == ("one",)
    assert stored(store)["one"].bridged_ms == 20_000


def test_the_first_collection_is_the_calls_time(spool: Path, store: Store) -> None:
    put(spool, caller_leg("one"))
    collect(spool, store)
    put(spool, line_leg("one"))
    collect_once(spool, store, lambda: NOW + timedelta(hours=1))
    assert stored(store)["one"].collected_at == NOW


def test_a_call_that_the_handlers_never_saw_finds_its_account(spool: Path, store: Store) -> None:
    with store.work() as session:
        session.add(Account(id="west", name="West"))
        session.flush()
        session.add(Number(number="4006005678", account_id="west"))
        session.commit()
    for uuid, number in (("ours", "4006005678"), ("foreign", "4009999999")):
        variables = caller_leg(uuid, sip_req_user=number)
        put(spool, {name: value for name, value in variables.items() if not name.startswith("gw_")})
    collect(spool, store)
    found = stored(store)
    assert (found["ours"].account_id, found["ours"].number) == ("west", "4006005678")
    assert (found["foreign"].account_id, found["foreign"].number) == (None, "4009999999")


# ---- files that are no CDRs, or not yet


def test_a_file_that_is_not_whole_is_left_for_later(spool: Path, store: Store) -> None:
    whole = put(spool, caller_leg("one")).read_bytes()
    for cut in (0, 1, len(whole) // 2, len(whole) - 3):
        put_bytes(spool, "a_one.cdr.json", whole[:cut], age_s=29.9)
        assert collect(spool, store) == ((), ())
    assert left(spool) == ["a_one.cdr.json"]
    # JSON that lacks nothing but the switch's last line break is whole.
    put_bytes(spool, "a_one.cdr.json", whole[:-1])
    assert collect(spool, store).stored == ("one",)


@pytest.mark.parametrize("age_s", [30.0, -30.0])
def test_a_file_that_never_gets_whole_is_set_aside(spool: Path, store: Store, age_s: float) -> None:
    put_bytes(spool, "a_one.cdr.json", b'{"variables":', age_s=age_s)
    stored_calls, rejects = collect(spool, store, partial_s=30.0)
    assert stored_calls == ()
    assert [reject.file for reject in rejects] == ["a_one.cdr.json"]
    assert rejects[0].reason.startswith("not whole after 30 s")
    assert left(spool) == []
    assert aside(spool) == noted_aside(store) == {"a_one.cdr.json": rejects[0].reason}
    assert collect(spool, store) == ((), ())


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a_one.cdr.json", b"[]", "no variables in it"),
        ("a_one.cdr.json", b'{"variables":{}}', "uuid: not a leg's name"),
        ("one two.cdr.json", b"{}", "the name is not a CDR's"),
        ("-.cdr.json", b"{}", "the name is not a CDR's"),
        ("a_one.cdr.json", b" " * (4 * 2**20 + 1), "4194305 bytes long"),
    ],
)
def test_what_is_no_cdr_is_set_aside_at_once(
    spool: Path, store: Store, name: str, data: bytes, reason: str
) -> None:
    put_bytes(spool, name, data)
    (reject,) = collect(spool, store).rejects
    assert reject.reason.startswith(reason)
    assert aside(spool) == noted_aside(store) == {name: reject.reason}


def test_a_name_that_is_no_text_is_set_aside(spool: Path, store: Store) -> None:
    (Path(str(spool)) / b"\xff\n.cdr.json".decode("utf-8", "surrogateescape")).write_bytes(b"{}")
    assert len(collect(spool, store).rejects) == 1
    assert list(noted_aside(store)) == [".cdr.json"]
    assert left(spool) == []


def test_a_leg_under_another_legs_name_is_set_aside(spool: Path, store: Store) -> None:
    put(spool, caller_leg("one")).rename(spool / "a_two.cdr.json")
    (reject,) = collect(spool, store).rejects
    assert reject.reason == "uuid: another one than the file's name: one"
    assert legs(store) == []


def test_a_bad_file_holds_up_no_other(spool: Path, store: Store) -> None:
    put_bytes(spool, "a_bad.cdr.json", b"[]")
    put_calls(spool, ["one"])
    found = collect(spool, store)
    assert (found.stored, len(found.rejects), left(spool)) == (("one",), 1, [])


def test_a_file_that_is_put_back_and_stored_is_no_longer_set_aside(spool: Path, store: Store) -> None:
    put_bytes(spool, "a_one.cdr.json", b"{", age_s=60)
    collect(spool, store)
    put(spool, caller_leg("one"))
    assert collect(spool, store).stored == ("one",)
    assert noted_aside(store) == {}


def test_a_second_file_of_one_name_does_not_replace_the_first(spool: Path, store: Store) -> None:
    for text in (b"[1]", b"[2]"):
        put_bytes(spool, "a_one.cdr.json", text)
        collect(spool, store)
    assert sorted(aside(spool)) == ["a_one.cdr.json", "a_one.cdr.json.2"]
    assert list(noted_aside(store)) == ["a_one.cdr.json"]


def test_other_files_and_folders_are_left_alone(spool: Path, store: Store, tmp_path: Path) -> None:
    put_bytes(spool, "notes.txt", b"x")
    (spool / "folder.cdr.json").mkdir()
    outside = put_bytes(tmp_path, "outside", b"[]")
    (spool / "a_link.cdr.json").symlink_to(outside)
    assert collect(spool, store) == ((), ())
    assert outside.read_bytes() == b"[]"


# ---- batches


def test_batches_are_told_and_can_be_stopped(spool: Path, store: Store) -> None:
    put_calls(spool, [f"call-{n}" for n in range(10)])
    told: list[list[str]] = []
    found = collect(
        spool,
        store,
        batch=6,
        after_batch=lambda uuids: told.append(list(uuids)),
        stop=lambda: len(told) == 2,
    )
    assert len(told) == 2
    assert sorted(found.stored) == sorted(stored(store)) == sorted({uuid for batch in told for uuid in batch})
    assert len(left(spool)) == 8
    collect(spool, store, batch=6)
    assert (len(stored(store)), left(spool)) == (10, [])


@pytest.mark.parametrize("calls", [300, pytest.param(1500, marks=pytest.mark.accept)])
def test_many_files_are_stored_quickly(spool: Path, store: Store, calls: int) -> None:
    uuids = [f"call-{n}" for n in range(calls)]
    put_calls(spool, random.Random(1).sample(uuids, len(uuids)))
    began = time.process_time()
    assert len(collect(spool, store).stored) == calls
    # Processor time: what the machine does beside is not counted.
    assert time.process_time() - began < calls / 100
    assert len(legs(store)) == 2 * calls and left(spool) == []


def test_a_spool_that_is_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"the spool .* cannot be read"):
        collect(tmp_path / "none", store)


# ---- files of a real FreeSWITCH


def sample(name: str, spool: Path) -> None:
    for path in (SAMPLES / name).iterdir():
        (spool / path.name).write_bytes(path.read_bytes())


@pytest.mark.parametrize(
    ("name", "outcome", "line_legs", "billed", "talked"),
    [
        ("talk", "answered", 1, 2180, 1020),
        ("caller-hangs-up", "answered", 1, 2300, 2300),
        ("caller-cancels", "abandoned:ringing", 1, 0, 0),
        ("line-busy", "failed:busy", 1, None, 0),
        ("ring-all", "answered", 2, 1040, 1020),
        ("refused", "refused:blacklist", 0, 0, 0),
        ("gbk-name", "answered", 1, 2180, 1020),
        ("transfer-after-talk", "answered", 1, None, 1020),
        ("hostile-name", "failed:normal-clearing", 1, 0, 0),
    ],
)
def test_calls_of_a_real_freeswitch(
    spool: Path, store: Store, name: str, outcome: str, line_legs: int, billed: int | None, talked: int
) -> None:
    sample(name, spool)
    found = collect(spool, store)
    (uuid,) = found.stored
    call = stored(store)[uuid]
    assert (call.outcome, found.rejects, len(legs(store)), left(spool)) == (outcome, (), 1 + line_legs, [])
    assert (call.account_id, call.caller, call.caller_kind) == ("huaxin", "13800138000", "mobile")
    # FreeSWITCH's clock ticks every 20 ms.
    assert abs(call.bridged_ms - talked) <= 40
    assert billed is None or abs(call.bill_ms - billed) <= 60
    switch_says = next((SAMPLES / name).glob("a_*-*")).read_text("latin-1")
    assert f'"billmsec":"{call.bill_ms}"' in switch_says
    assert bool(call.recording) == (name in {"talk", "gbk-name"})
    assert call.caller_name == {"gbk-name": "張誠誠，測試", "hostile-name": "gw_number=4009999999"}.get(name, "")


def test_a_cdr_that_comes_after_a_person_has_settled_the_call_is_what_counts(spool: Path, store: Store) -> None:
    month = month_of(NOW)
    figures = {"account_id": "east", "month": month, "booked_month": month, "reason": "waived", "rated_at": NOW}
    with store.work() as session:
        times = {"started_at": START, "ended_at": START, "collected_at": NOW}
        session.add(Call(uuid="one", account_id="east", outcome="abnormal", settled="waive", **times))
        session.flush()
        session.add(Charge(call_uuid="one", **figures))
        session.commit()
    put_calls(spool, ["one"])
    collect(spool, store)
    call = stored(store)["one"]
    assert (call.outcome, call.settled, call.bridged_ms) == ("answered", "", 20_000)
    with store.reading() as session:
        assert session.scalar(select(Charge)) is None, "it is to be rated"
