"""A call on its way through a flow: what every step of it is handed."""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from appliance.calls.desk import Desk
from appliance.domain.admission import OVERSEAS
from appliance.domain.calendar import Standing, standing
from appliance.domain.called import Incoming
from appliance.domain.flow import Flow, Switch
from appliance.domain.flow import values as variables
from appliance.domain.flow.branch import Circumstances
from appliance.domain.flow.course import Course, resumed
from appliance.domain.flow.secret import Secrets, uses_of
from appliance.domain.numbers import CallerKind
from appliance.domain.places import Place
from appliance.domain.routing import RoutingTable
from appliance.switch.leg import Leg, Tried

#: A record's lists end here; a caller who goes on and on goes on.
_MOST_NOTED = 900
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Going:
    """A call in a flow.

    :param own: the variables that the flow has set.
    :param secrets: the variables that nobody is to read. They are kept in memory alone: what is noted stands in the
        call's CDR.
    :param tried: lines that rang so far, and what became of them.
    """

    leg: Leg
    call: Incoming
    table: RoutingTable
    desk: Desk
    course: Course
    own: dict[str, str]
    secrets: Secrets = field(default_factory=Secrets)
    tried: list[Tried] = field(default_factory=list)

    @classmethod
    def begin(cls, leg: Leg, call: Incoming, flow: Flow, table: RoutingTable, desk: Desk) -> Going:
        """From the flow's start, or from where the call stood when its handlers died, in the version that it was
        in."""
        flows = table.flows_of(call.route.account)
        notes = leg.notes
        label = notes.get("flow", "")
        made = cls(leg, call, table, desk, Course.begin(flow, flows), {})
        course = made._place(label, notes.get("node", "")) if label.rpartition("@")[0] == flow.name else None
        if course is not None:
            made.course = course
            made.own = variables.read(notes.get("vars", ""))
            made.secrets = Secrets.lost(notes.get("hidden", ""))
        return made

    def _place(self, label: str, path: str) -> Course | None:
        """A place by its flow's label and its path; None: it is not there any more."""
        root, account = self.course.root, self.account
        return resumed(
            label,
            path,
            self.course.flows,
            lambda one: root if one == root.label else self.table.version(account, one),
        )

    @property
    def account(self) -> str:
        """The enterprise."""
        return self.call.route.account

    @property
    def has_talked(self) -> bool:
        """Whether a line has talked with the caller, and ended it."""
        return "talked" in self.leg.notes

    def filled(self, template: str) -> str:
        """A text with the call's variables filled in."""
        return variables.fill(template, self.variables())

    def variables(self) -> dict[str, str]:
        """All that the call has, the flow's own over those that it declares."""
        declared = dict(self.course.root.variables) | dict(self.course.flow.variables)
        usual = variables.built_in(self.call.caller, self.place(), self.call.route.number, self.desk.now())
        return usual | declared | self.own | self.secrets.values()

    def shown(self) -> dict[str, str]:
        """The same, as they may be written down: a secret one as so many ``*``."""
        return self.variables() | {name: "*" * len(value) for name, value in self.secrets.values().items()}

    def keep(self, variable: str, value: str) -> None:
        """Set a variable."""
        self.own[variable] = variables.tidy(value)
        self._note_own()
        if self.secrets.drop(variable):
            self.leg.note(hidden=self.secrets.noted())

    def keep_secret(self, variable: str, value: str, asked_at: str = "") -> None:
        """Set one that nobody is to read; ``asked_at``: the place where it was asked for, unless that is here."""
        self.secrets.keep(variable, variables.tidy(value), asked_at or self.course.path)
        self.leg.note(hidden=self.secrets.noted())
        if self.own.pop(variable, None) is not None:
            self._note_own()

    def _note_own(self) -> None:
        kept = variables.kept(self.own)
        cut = sorted(name for name, value in self.own.items() if kept.get(name) != value)
        if cut:
            _log.warning("variables noted in part", cut=cut, call=self.leg.uuid)
        self.leg.note(vars=variables.written(self.own))

    def assign(self, variable: str, template: str) -> None:
        """Set a variable to a text that others are filled into: of a secret one it is secret too."""
        filled, asked_at = self.filled(template), self.secrets.asked_at(uses_of(self.course.node))
        if asked_at:
            self.keep_secret(variable, filled, asked_at)
        else:
            self.keep(variable, filled)

    def ask_again(self) -> None:
        """Before a node that wants a secret which died with the handlers that knew it: go back, once, to where it
        was asked for."""
        for variable in sorted(uses_of(self.course.node)):
            path = self.secrets.take_lost(variable)
            place = self._place(self.course.root.label, path) if path else None
            if place is not None:
                self.course = place
                return

    def place(self) -> Place | None:
        """Where the caller calls from."""
        if self.call.caller.kind is CallerKind.OVERSEAS:
            return OVERSEAS
        return self.desk.place_of(self.call.caller, self.table)

    def circumstances(self) -> Circumstances:
        """What branches go by."""
        return Circumstances(self._standing, self._is_listed, self.place)

    def _standing(self, schedule: str) -> Standing | None:
        found = self.table.schedules.get(schedule)
        if found is None:
            return None
        return standing(found, self.desk.now(), self.table.day_kinds(self.desk.public_day))

    def _is_listed(self, name: str) -> bool:
        found = self.table.lists.get(name)
        return found is not None and found.account == self.account and bool(found.match(self.call.caller))

    def note_keys(self, keys: str) -> None:
        """Keys that led somewhere; empty: none did."""
        if keys:
            self._append("keys", f"{self.course.path}={keys}")

    def times_left(self) -> int:
        """How often the call has left this node already, as far as its record tells."""
        ways = self.leg.notes.get("way", "").split(";")
        return sum(one.startswith(f"{self.course.path}=") for one in ways)

    def note_exit(self, exit_name: str) -> None:
        """By which exit the node was left."""
        # A case may hold what divides entries.
        told = exit_name.replace(";", ",").replace("=", ":")
        node = self.course.node
        if isinstance(node, Switch) and node.variable in self.secrets and exit_name.startswith("cases."):
            told = "cases.*"
        self._append("way", f"{self.course.path}={told}")

    def _append(self, fact: str, entry: str) -> None:
        noted = self.leg.notes.get(fact, "")
        if len(noted) + 1 + len(entry) <= _MOST_NOTED:
            self.leg.note(**{fact: f"{noted};{entry}".lstrip(";")})
