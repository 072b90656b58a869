"""Values come back as they went in, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from appliance.errors import SiteError
from appliance.store import passwords
from appliance.store.models import Call, Operator, SetAside, Trunk
from appliance.store.unit import Store


def test_an_instant_keeps_its_microseconds_and_comes_back_in_utc(store: Store) -> None:
    china = timezone(timedelta(hours=8))
    at = datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=china)
    with store.work() as session:
        session.add(SetAside(file="a", reason="r", at=at))
        session.commit()
    with store.reading() as session:
        found = session.scalars(select(SetAside).where(SetAside.at == at)).one()
        assert found.at == at
        assert found.at.tzinfo is UTC


def test_a_time_without_an_offset_is_refused(store: Store) -> None:
    with pytest.raises(StatementError, match="without an offset"), store.work() as session:
        session.add(SetAside(file="a", reason="r", at=datetime(2026, 1, 1)))  # noqa: DTZ001
        session.commit()


def test_lists_and_maps_keep_their_order(store: Store) -> None:
    landing = {"b": "4008001234", "a": "4008001234"}
    with store.work() as session:
        session.add(Trunk(id="t", name="", accept=["z", "a"], called_from=["to"], landing=landing, codecs=[]))
        session.commit()
    with store.reading() as session:
        trunk = session.get_one(Trunk, "t")
        assert trunk.accept == ["z", "a"]
        assert list(trunk.landing) == ["b", "a"]


def test_long_and_strange_text_of_a_caller_is_kept(store: Store) -> None:
    at = datetime.now(UTC)
    with store.work() as session:
        session.add(
            Call(
                uuid="u", started_at=at, ended_at=at, collected_at=at, caller_name="名" * 1000, keys="menu=1;" * 500
            )
        )
        session.commit()
    with store.reading() as session:
        assert len(session.scalars(select(Call.caller_name)).one()) == 1000


def test_a_new_password_ends_sessions_and_lifts_a_lock(store: Store) -> None:
    with store.work() as session:
        operator = Operator(login="admin", session_key="k", failed_sign_ins=4, locked_until=datetime.now(UTC))
        session.add(operator)
        session.flush()
        before = operator.session_key, operator.password_hash
        passwords.set_password(session, " ADMIN ", "another one")
        session.commit()
        assert operator.session_key != before[0] and operator.password_hash != before[1]
        assert (operator.failed_sign_ins, operator.locked_until) == (0, None)
        assert operator.password_hash is not None and operator.password_hash.startswith("$argon2id$")
        with pytest.raises(SiteError, match="shorter than 8"):
            passwords.set_password(session, "admin", "short")
        with pytest.raises(SiteError, match="there is no operator nobody"):
            passwords.set_password(session, "nobody", "long enough")


def test_generated_passwords_differ() -> None:
    assert passwords.generated() != passwords.generated()
    assert len(passwords.generated()) >= 20
