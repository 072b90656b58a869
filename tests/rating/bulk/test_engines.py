"""Each engine writes what the plain loop writes, to the byte."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import RatingError
from appliance.rating import backend, files
from appliance.rating.backend import Backend
from appliance.rating.bulk.expressions import DIVIDE, SQLITE
from appliance.rating.bulk.files import rate_files
from tests.rating.books import HEADER, SAMPLE, book, record, toml
from tests.rating.bulk import nasty
from tests.support.postgres import Server

Change = Any


class Paths(NamedTuple):
    plans: Path
    cdrs: Path
    charges: Path
    rejects: Path

    def written(self) -> tuple[bytes, bytes]:
        return self.charges.read_bytes(), self.rejects.read_bytes()


def paths(folder: Path, plans: str, cdrs: bytes) -> Paths:
    folder.mkdir(exist_ok=True)
    made = Paths(*(folder / name for name in ("plans.toml", "cdrs.csv", "charges.csv", "rejects.csv")))
    made.plans.write_text(plans, encoding="utf-8")
    made.cdrs.write_bytes(cdrs)
    return made


def same(folder: Path, plans: str, cdrs: bytes, **options: Any) -> tuple[bytes, bytes]:
    """Rate by the loop and in bulk; what both wrote."""
    made = paths(folder, plans, cdrs)
    plain = files.rate_files(*made)
    expected = made.written()
    rated = rate_files(*made, **options)
    assert made.written() == expected
    assert (rated.charges, rated.rejects) == (len(plain.charges), len(plain.rejects))
    return expected


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bulk")


def spark_or_skip() -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed (make accept installs it)")
    if shutil.which("java") is None:
        pytest.skip("no Java on the path (Debian: apt-get install openjdk-17-jre-headless)")


@pytest.fixture(
    scope="session",
    params=[
        "duckdb",
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("pyspark", marks=[pytest.mark.accept, pytest.mark.timeout(1200)]),
    ],
)
def engine(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """How an engine is named to ``rate_files``."""
    backend = request.param
    if backend == "pyspark":
        spark_or_skip()
    if backend == "postgres":
        server: Server = request.getfixturevalue("postgres_server")
        yield {"backend": backend, "url": server.database()}
    else:
        yield {"backend": backend}


def test_the_sample_to_the_byte(tmp_path: Path, engine: dict[str, str]) -> None:
    written = tmp_path / "charges.csv", tmp_path / "rejects.csv"
    rate_files(SAMPLE / "plans.toml", SAMPLE / "cdrs.csv", *written, **engine)  # type: ignore[arg-type]
    assert written[0].read_bytes() == (SAMPLE / "charges.csv").read_bytes()
    assert written[1].read_bytes() == (SAMPLE / "rejects.csv").read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted(written)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nasty.books(), nasty.files(), st.sampled_from([50, 400, 1 << 20]))
def test_random_books_and_files_on_duckdb(folder: Path, plans: dict[str, Any], cdrs: bytes, block: int) -> None:
    same(folder, toml(plans), cdrs, block=block)


@pytest.mark.accept
@pytest.mark.timeout(3000)
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nasty.books(), nasty.files(60), st.sampled_from([50, 400, 1 << 20]))
def test_many_random_books_and_files_on_duckdb(
    folder: Path, plans: dict[str, Any], cdrs: bytes, block: int
) -> None:
    same(folder, toml(plans), cdrs, block=block)


@pytest.mark.postgres
@settings(max_examples=3, deadline=None, suppress_health_check=[*HealthCheck])
@given(plans=nasty.books(), cdrs=nasty.files(40))
def test_random_books_and_files_on_postgres(
    folder: Path, postgres_server: Server, plans: dict[str, Any], cdrs: bytes
) -> None:
    url = _database(postgres_server)
    same(folder, toml(plans), cdrs, backend="postgres", url=url)


_urls: list[str] = []


def _database(server: Server) -> str:
    if not _urls:
        _urls.append(server.database())
    return _urls[0]


@pytest.mark.accept
@pytest.mark.timeout(1200)
def test_random_books_and_files_on_spark(folder: Path) -> None:
    spark_or_skip()
    found: list[tuple[dict[str, Any], bytes]] = []

    @settings(max_examples=2, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(nasty.books(), nasty.files(60))
    def gather(plans: dict[str, Any], cdrs: bytes) -> None:
        found.append((plans, cdrs))

    gather()
    for plans, cdrs in found:
        same(folder, toml(plans), cdrs, backend="pyspark")


def extreme(document: dict[str, Any]) -> None:
    """The longest units at the highest prices."""
    plan = document["plans"][0]
    plan |= {"included": 10**12, "rollover_months": 10**12}
    plan["prices"][0] |= {
        "initial_seconds": 1,
        "step_seconds": 10**12,
        "connect_fee": "999999999999.999999",
        "per_minute": "999999999999.999999",
    }


def test_the_largest_amounts(tmp_path: Path, engine: dict[str, str]) -> None:
    rows = "".join(
        record(call_id=f"c{at:03}", billsec=seconds, answered_at=f"2026-01-01T00:{at:02}:00+08:00")
        for at, seconds in enumerate(["9999999", "1", "2", "60", "9999999", "9999998"])
    )
    charges, _ = same(tmp_path, book(extreme), (HEADER + rows).encode(), **engine)
    # (10**12 + 1) units at almost 10**12 yuan a minute: 23 digits of yuan, the point and six decimals.
    assert max(len(line.split(b",")[8]) for line in charges.splitlines()[1:]) == 30


def test_rounding_half_up(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        prices = document["plans"][0]["prices"]
        prices[0] |= {"per_minute": "0.000030", "initial_seconds": 1, "step_seconds": 1}

    rows = "".join(record(call_id=f"c{seconds}", billsec=str(seconds)) for seconds in range(1, 8))
    charges, _ = same(tmp_path, book(change), (HEADER + rows).encode())
    amounts = [line.split(b",")[8].decode() for line in charges.splitlines()[1:]]
    assert amounts == ["0.000001", "0.000001", "0.000002", "0.000002", "0.000003", "0.000003", "0.000004"]


def test_calls_of_one_instant_use_units_in_the_order_of_their_codes(tmp_path: Path, engine: dict[str, str]) -> None:
    names = ["a", "B", "_", "-", ".", ":", "@", "0", "a0", "a-", "A_", "aB", "Ab", "é"]
    random.Random(3).shuffle(names)
    text = "".join(record(call_id=name, billsec="61") for name in names)
    plans = book(lambda document: document["plans"][0].update(included=300))
    charges, rejects = same(tmp_path, plans, (HEADER + text).encode(), **engine)
    reasons = [line.rsplit(b",", 1)[1] for line in charges.splitlines()[1:]]
    assert reasons == [b"included"] * 2 + [b"part-included"] + [b"charged"] * 10
    assert rejects.count(b"malformed:call_id") == 1


@pytest.mark.parametrize(
    ("cdrs", "said"),
    [(b"call_id\n", "cdrs.csv: line 1: the columns"), (b"\xef\xbb\xbf" + HEADER.encode(), "line 1: the columns")],
)
def test_a_file_that_is_refused_writes_nothing(tmp_path: Path, cdrs: bytes, said: str) -> None:
    made = paths(tmp_path, book(), cdrs)
    with pytest.raises(RatingError, match=said):
        rate_files(*made)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cdrs.csv", "plans.toml"]


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    made = paths(tmp_path, book(), HEADER.encode())
    with pytest.raises(RatingError, match=r"none\.toml: No such file"):
        rate_files(tmp_path / "none.toml", *made[1:])
    with pytest.raises(RatingError, match=r"none\.csv: No such file"):
        rate_files(made.plans, tmp_path / "none.csv", *made[2:])
    with pytest.raises(RatingError, match="No such file"):
        rate_files(*made[:2], tmp_path / "none" / "charges.csv", made.rejects)
    with pytest.raises(RatingError, match="cannot write"):
        rate_files(*made[:3], tmp_path / "none" / "rejects.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cdrs.csv", "plans.toml"]


def test_an_engine_that_cannot_be_reached(tmp_path: Path) -> None:
    made = paths(tmp_path, book(), HEADER.encode())
    with pytest.raises(RatingError, match="PostgreSQL: "):
        rate_files(*made, backend="postgres", url="postgresql://nobody@127.0.0.1:1/none")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cdrs.csv", "plans.toml"]


def test_progress_is_told(tmp_path: Path) -> None:
    made = paths(tmp_path, book(), (HEADER + record()).encode())
    told: list[tuple[str, int, int]] = []
    rate_files(*made, progress=lambda *step: told.append(step))
    size = made.cdrs.stat().st_size
    assert told == [("records", size, size), ("prices", 0, 0), ("included units", 0, 0), ("charges", 1, 0)]


def test_every_backend_has_its_division() -> None:
    assert set(DIVIDE) == {*get_args(Backend), SQLITE}


def test_without_the_extra_calls_are_rated_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "find_spec", lambda name: None)
    made = paths(tmp_path, book(), (HEADER + record() + "x\n").encode())
    told: list[str] = []
    assert backend.rate_files(*made, progress=lambda what, *_: told.append(what)) == (1, 1)
    assert told == ["call by call, for the extra rating is not installed"]
    assert b"c1," in made.charges.read_bytes()
