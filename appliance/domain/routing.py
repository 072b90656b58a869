"""One snapshot of the box's routing: trunks, lines, 400 numbers, and the rules by which a call is taken.

``RoutingTable`` is everything that routing knows, read at one moment. ``called`` finds the number in it that was
called, ``admission`` says whether the call is taken, ``hunt`` which lines ring.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache

from appliance.domain.calendar import DayKind, DayKinds, Schedule
from appliance.domain.flow import Flow
from appliance.domain.hunt import NO_LINES, Hunt
from appliance.domain.lists import NumberList
from appliance.domain.numbers import NumberFormat, area_code, written_for
from appliance.domain.outcome import Disposition
from appliance.domain.places import Place
from appliance.domain.queue import Queue
from appliance.domain.recording import ALL, UNSAID, Policy
from appliance.domain.refusal import FOR_MONEY, Refusal
from appliance.domain.talk import NO_KEYS, TalkKeys

#: The domain that SIP phones register in, and their digest realm: a name of ours, so that a phone's secret holds
#: whatever address the box has.
PHONES_REALM = "phones.gateway400"


class CalledFrom(StrEnum):
    """Where in the INVITE a trunk puts the called number."""

    REQUEST_URI = "request-uri"
    TO = "to"
    DIVERSION = "diversion"
    HISTORY_INFO = "history-info"


#: A number's ``whisper`` that is no prompt: the number is said.
SAY_NUMBER = "say-number"


class CallerIdPolicy(StrEnum):
    """Whose number a line sees: the caller's (``pass``), or the trunk's with the caller in Diversion (``trunk``) or
    as the display name (``display``)."""

    PASS = "pass"  # noqa: S105 - the carrier's word, not a password
    TRUNK = "trunk"
    DISPLAY = "display"


class DtmfMode(StrEnum):
    """How keys travel on a trunk."""

    RFC2833 = "rfc2833"
    INFO = "info"
    #: As tones in the voice.
    IN_BAND = "in-band"


@dataclass(frozen=True, slots=True)
class Registration:
    """How the appliance registers at a carrier. The password is not here: it is read where it is used, from the
    file or the environment variable that is named."""

    user: str
    auth_user: str = ""
    realm: str = ""
    expires_seconds: int = 3600
    password_file: str = ""
    password_env: str = ""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A carrier's peer. ``accept`` holds networks (``10.0.0.0/8``) or one address and port (``10.0.0.1:5060``).

    :param max_calls: the channels that the carrier gives us, both directions; 0: we count none.
    :param causes: what the carrier means by a SIP status (``480``) or a Q.850 cause (``SUBSCRIBER_ABSENT``), where
        it is not the usual.
    :param ping_seconds: how often it is asked whether it is there; 0: never.
    :param registration: how we register there; None: it knows us by our address.
    :param behind_nat: addresses are translated on the way to it.
    :param symmetric_rtp: voice is sent to where its voice comes from.
    :param session_timer_seconds: how often a call that goes on is refreshed (RFC 4028); 0: never.
    :param media_timeout_seconds: a call without a packet for so long is ended; 0: as the box has it.
    :param progress_seconds: a line that gives no sign within so many seconds is not reached by it; 0: no limit.
    :param announced: what it means that the carrier spoke but the line never rang; None: as it ended.
    """

    id: str
    accept: tuple[str, ...]
    proxy: str = ""
    called_from: tuple[CalledFrom, ...] = (CalledFrom.REQUEST_URI, CalledFrom.TO)
    landing: Mapping[str, str] = field(default_factory=dict)
    number_format: NumberFormat = NumberFormat.NATIONAL
    caller_id: CallerIdPolicy = CallerIdPolicy.TRUNK
    caller_number: str = ""
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    max_calls: int = 0
    causes: Mapping[str, Disposition] = field(default_factory=dict)
    ping_seconds: int = 0
    registration: Registration | None = None
    dtmf: DtmfMode = DtmfMode.RFC2833
    behind_nat: bool = False
    symmetric_rtp: bool = True
    session_timer_seconds: int = 1800
    media_timeout_seconds: int = 0
    progress_seconds: int = 0
    announced: Disposition | None = None

    @property
    def is_pinged(self) -> bool:
        """Whether it is asked now and then whether it is there."""
        return bool(self.proxy and self.ping_seconds)

    def written(self, number: str) -> str:
        """A number (as kept) the way the trunk wants it."""
        return written_for(number, self.number_format, area_code(self.caller_number))

    @property
    def profile(self) -> str:
        """The switch's profile that carries its calls."""
        return "outside" if self.behind_nat else "gateway400"

    @property
    def is_watched(self) -> bool:
        """Whether its state is known: it is asked, or we register there."""
        return self.is_pinged or self.registration is not None

    def accepts(self, address: str, port: int) -> int:
        """How exactly this trunk claims an INVITE's source: 0 not at all, more is more exact."""
        best = 0
        for entry in self.accept:
            host, _, wanted = entry.rpartition(":") if entry.count(":") == 1 else (entry, "", "")
            if wanted:
                if host == address and int(wanted) == port:
                    return 1000
                continue
            network = _network(entry)
            try:
                inside = ipaddress.ip_address(address) in network
            except ValueError:
                return 0
            if inside:
                best = max(best, network.prefixlen + 1)
        return best


@dataclass(frozen=True, slots=True)
class Line:
    """A bound line, ``number`` as ``domain.numbers`` keeps it.

    :param max_calls: calls that it carries at once; 0: we count none.
    :param schedule: id of the schedule by which it is rung; empty: always.
    :param daily_calls: calls that it takes a day of Asia/Shanghai; 0: any number.
    :param monthly_calls: calls that it takes a month; 0: any number.
    :param level: lines of a higher level are rung once all of the lower ones have failed.
    :param weight: its part where lines are chosen by weight, at least 1.
    :param backups: trunks that are tried in order when the line's own cannot reach it.
    :param confirm: whoever answers has to press 1; without it a mobile's assistant counts as an answer.
    :param skills: what callers of a queue may ask for.
    :param record: its own policy of recording (``domain.recording``); empty: the number's.
    :param is_phone: a SIP phone that registers here, by its id; it has no number and no trunk.
    :param extension: digits by which other lines of the account send callers to it; empty: none.
    :param pin_hash: of the PIN by which its agent signs in from any telephone; empty: nobody can.
    """

    id: str
    account: str
    number: str
    trunk: str
    max_calls: int = 1
    ring_seconds: int = 25
    schedule: str = ""
    daily_calls: int = 0
    monthly_calls: int = 0
    level: int = 1
    weight: int = 1
    backups: tuple[str, ...] = ()
    confirm: bool = False
    skills: frozenset[str] = frozenset()
    record: str = UNSAID
    is_phone: bool = False
    extension: str = ""
    pin_hash: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CallerLimit:
    """At most so many calls of one caller that were let in, in so many minutes."""

    calls: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a refused caller gets instead of the usual: another ``prompt`` (empty: the usual one), an ``answer``
    before it (metered), or a ``flow`` that takes the call."""

    prompt: str = ""
    answer: bool = False
    flow: Flow | None = None

    @property
    def answers(self) -> bool:
        """Whether the caller is answered, so that the call may cost something."""
        return self.answer or self.flow is not None


USUAL = Treatment()


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may call a number, and when. Without any, everybody may.

    :param max_calls: calls to the number at once; 0: any number.
    :param calls_per_minute: calls that are let in within a minute; 0: any number.
    :param black_lists: ids of lists; whom one of them means is refused.
    :param white_lists: ids of lists of those who skip frequency, password and hours.
    :param passwords: one of them has to be keyed; none: no password.
    :param schedule: id of the schedule in which calls are taken; empty: always.
    :param regions_only: places (``domain.places``) that calls are taken from; none: everywhere.
    :param regions_except: places that calls are not taken from.
    :param treatments: what refused callers get instead of the usual.
    """

    max_calls: int = 0
    calls_per_minute: int = 0
    black_lists: tuple[str, ...] = ()
    white_lists: tuple[str, ...] = ()
    caller_limit: CallerLimit | None = None
    passwords: frozenset[str] = frozenset()
    schedule: str = ""
    regions_only: tuple[str, ...] = ()
    regions_except: tuple[str, ...] = ()
    treatments: Mapping[Refusal, Treatment] = field(default_factory=dict)

    def treatment(self, refusal: Refusal) -> Treatment:
        """What a caller gets who is refused for that. For want of money only another prompt: nobody is answered."""
        found = self.treatments.get(refusal, USUAL)
        return Treatment(found.prompt) if refusal in FOR_MONEY else found


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class NumberRoute:
    """A 400 number and where its calls go: to a flow, or to lines; to ``overflow`` when none of these could be
    joined."""

    number: str
    account: str
    flow: Flow | None = None
    hunt: Hunt = NO_LINES
    overflow: Flow | None = None
    record: Policy = ALL
    #: The prompt that tells the caller of the recording; empty: nobody tells him.
    record_notice: str = "record-notice"
    in_service: bool = True
    rules: Rules = NO_RULES
    #: The prompt that a line hears before it is joined; empty: none.
    whisper: str = ""
    #: What the line's side may ask for while they talk.
    talk_keys: TalkKeys = NO_KEYS


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """All routing of the box at ``revision``.

    :param account_max_calls: account → its calls at once; an account that is not named has any number.
    :param calendar: the box's own table over the public calendar.
    :param places: the box's own table over the public one: an area code, or the first digits of a mobile → place.
    :param flows: account and name → the flow as it is published, for the flows that enter it.
    :param retired: account and label → a version that calls may still be in, though it is published no more.
    """

    revision: int
    trunks: tuple[Trunk, ...]
    lines: Mapping[str, Line]
    numbers: Mapping[str, NumberRoute]
    account_max_calls: Mapping[str, int] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    lists: Mapping[str, NumberList] = field(default_factory=dict)
    calendar: Mapping[date, DayKind] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    flows: Mapping[tuple[str, str], Flow] = field(default_factory=dict)
    retired: Mapping[tuple[str, str], Flow] = field(default_factory=dict)

    def flows_of(self, account: str) -> Mapping[str, Flow]:
        """An account's published flows by name."""
        return {name: flow for (owner, name), flow in self.flows.items() if owner == account}

    def extensions_of(self, account: str) -> Mapping[str, str]:
        """Extension → line, of an account's lines that have one."""
        lines = (line for line in self.lines.values() if line.account == account and line.extension)
        return {line.extension: line.id for line in lines}

    def version(self, account: str, label: str) -> Flow | None:
        """A version of a flow by its label, published or retired lately."""
        published = self.flows.get((account, label.rpartition("@")[0]))
        if published is not None and published.label == label:
            return published
        return self.retired.get((account, label))

    def day_kinds(self, public: DayKinds) -> DayKinds:
        """What kind of day a date is: the box's own table goes before the public calendar."""

        def kind(day: date) -> DayKind:
            return self.calendar.get(day) or public(day)

        return kind

    def trunk(self, trunk_id: str) -> Trunk | None:
        """The trunk of that id."""
        return next((t for t in self.trunks if t.id == trunk_id), None)


@lru_cache(maxsize=1024)
def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(entry, strict=False)
