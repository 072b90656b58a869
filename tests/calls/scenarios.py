"""The scenario table and the site it calls, as tests want them."""

from __future__ import annotations

import random
import re
import tempfile
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from appliance import bootstrap
from appliance.calls.desk import Desk
from appliance.domain.calendar import SHANGHAI
from appliance.domain.outcome import Disposition
from appliance.domain.routing import RoutingTable
from appliance.reference.workdays import day_kind
from appliance.site import check
from appliance.site.apply import apply
from appliance.store import schema
from appliance.store.journal import Journal, Talked
from appliance.store.routing import load_table
from tests.contract.fake import INVITE, FakeLeg

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"
COLUMNS = ("name", "called", "caller", "at", "lines", "keys", "did", "outcome", "cause", "because")
_TALK = timedelta(minutes=1)


@dataclass(frozen=True)
class Scenario:
    """One row."""

    name: str
    called: str
    caller: str
    at: str
    lines: str
    keys: str
    did: str
    outcome: str
    cause: str
    because: str

    @property
    def number(self) -> str:
        """What is dialled."""
        return self.called.partition(" from ")[0]

    @property
    def address(self) -> str:
        """Where the INVITE comes from."""
        return self.called.partition(" from ")[2] or "127.0.0.1"

    @property
    def moment(self) -> datetime:
        """When it is."""
        text = self.at or "11-25 10:00"
        form = "%Y-%m-%d %H:%M:%S" if text.count(":") == 2 else "%Y-%m-%d %H:%M"
        return datetime.strptime(f"2026-{text}", form).replace(tzinfo=SHANGHAI)

    @property
    def ends(self) -> dict[str, Disposition]:
        """How lines end that do not answer."""
        return {
            line: Disposition(how) for line, how in re.findall(r"(?<![@\w])(\w+(?:@\w+)?)=([a-z-]+)", self.lines)
        }

    @property
    def others(self) -> dict[str, int]:
        """Other calls at once, by realm."""
        return {realm: int(count) for realm, count in re.findall(r"@(\w+)=([0-9]+)", self.lines)}

    @property
    def presses(self) -> list[str]:
        """Keys at each asking; empty: silence."""
        return ["" if key == "-" else key for key in self.keys.partition("gone ")[0].split()]

    @property
    def gone_at(self) -> str:
        """During which verb the caller hangs up."""
        return self.keys.partition("gone ")[2]


def chains() -> list[list[Scenario]]:
    """Rows that belong together: one, and those that go on from it."""
    made: list[list[Scenario]] = []
    for row in _rows():
        if row.name.startswith("then "):
            made[-1].append(row)
        else:
            made.append([row])
    return made


def _rows() -> list[Scenario]:
    text = (FOLDER / "calls.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert tuple(cells[0]) == COLUMNS
    return [Scenario(*row, *[""] * (len(COLUMNS) - len(row))) for row in cells[1:]]


@cache
def table() -> RoutingTable:
    """The site's routing, on its way through the checks and a database."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/appliance.db"
        schema.upgrade(url)
        document = check.load(FOLDER / "site.yaml", lambda account, name: Path(f"/prompts/{name}.wav"))
        with schema.opened(url) as store:
            apply(store, document, now=datetime(2026, 1, 1, tzinfo=SHANGHAI))
            with store.reading() as session:
                return load_table(session)


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 25, 10, tzinfo=SHANGHAI)

    def __call__(self) -> datetime:
        return self.now


def desk(clock: Clock | None = None, **changed: object) -> Desk:
    """What the steps of a scenario's calls work with; the dice are the same each time."""
    made = Desk(
        routing=table,
        find_prompt=lambda account, name: Path(f"/prompts/{name}.wav"),
        journal=Journal(Path(":memory:")),
        public_day=day_kind,
        place_of=bootstrap.place_of,
        now=clock or Clock(),
        dice=random.Random(400),
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def leg_of(row: Scenario, at: int = 0) -> FakeLeg:
    """The scripted leg of a row; ``at`` tells rows of a chain apart."""
    route = table().numbers.get(row.number)
    names = {"trunk": "thin", "number": row.number, "account": route.account if route else ""}
    return FakeLeg(
        replace(
            INVITE,
            request_user=row.number,
            to_user=row.number,
            address=row.address,
            caller_number=row.caller or "13800138000",
        ),
        presses=row.presses,
        lines=row.ends,
        gone_at=row.gone_at,
        others={f"{realm} {names[realm]}": count for realm, count in row.others.items()},
        uuid=f"7d0c5a86-6d3c-4f0e-9a55-2c6ce5f1d{at:03}",
    )


def remember_talk(journal: Journal, leg: FakeLeg, began: datetime) -> None:
    """What the collector writes down after a talk."""
    notes = leg.notes
    journal.talked([Talked(leg.uuid, notes["number"], notes["caller"], leg.joined, began, began + _TALK)])
