"""The form of a site file; ``docs/site.md`` says what each field means.

What a field alone can get wrong is refused here; what parts can get wrong between them, in ``check``.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from appliance.domain import numbers
from appliance.domain.calendar import WEEKDAYS, DayKind
from appliance.domain.credit import Mode
from appliance.domain.hunt import FAIL_OVER, Strategy
from appliance.domain.numbers import CallerKind, NumberFormat
from appliance.domain.recording import RETENTION_DAYS
from appliance.domain.refusal import Refusal
from appliance.domain.routing import CalledFrom, CallerIdPolicy, DtmfMode
from appliance.site.flow_part import FlowPart
from appliance.site.hook_part import HookPart
from appliance.site.part import Part
from appliance.site.telephone_values import (
    AccessCode,
    CallbackKey,
    CauseKey,
    Entry,
    Extension,
    FourHundred,
    KeyDigit,
    LineRecord,
    OptionalNumber,
    OptionalSipWord,
    Peer,
    PlaceText,
    Record,
    RegionPrefix,
    ShownNumber,
    SipWord,
    Source,
)
from appliance.site.time_values import Amount, DateText, End, HoursText, PriceAmount, Time, WeekdayKey, weekdays
from appliance.site.values import (
    EnvName,
    Flag,
    Id,
    Name,
    NeededPrompt,
    OptionalId,
    PasswordHash,
    PromptName,
    SecretFile,
    ShortName,
    choice,
    fail,
    whole,
    zero_or,
)
from appliance.store.operators import ROLES, written_login


def _login(value: object) -> str:
    if not isinstance(value, str):
        fail("must-be-text")
    login = written_login(value)
    if not login or len(login) > 100 or not login.isprintable():
        fail("not-an-id", value=value[:80], limit=100)
    return login


def _landing(value: object) -> str:
    if not isinstance(value, str) or not numbers.caller(value).number:
        fail("not-dialable", value=str(value)[:80])
    return value


class TalkKeysPart(Part):
    """The digits behind the star by which a line's side holds a caller, sends him on, or pauses the recording."""

    hold: KeyDigit = "1"
    blind: KeyDigit = "2"
    consult: KeyDigit = "3"
    pause: KeyDigit = "5"

    def stored(self) -> dict[str, str]:
        """Key → digit of those that there are."""
        return {key: digit for key, digit in self.model_dump().items() if digit}


class BillingPart(Part):
    """As whom bills address an enterprise."""

    title: Name = ""
    tax_number: ShortName = ""
    address: Name = ""
    phone: ShortName = ""
    bank: Name = ""
    bank_account: ShortName = ""


class CreditPart(Part):
    """On what terms an enterprise calls, in reseller mode. Amounts are millionths of a yuan, in the file yuan."""

    mode: Annotated[str, choice(*Mode)]
    credit_limit: Amount = 0
    daily_cap: Amount = 0
    low_balance: Amount = 0
    warning_seconds: Annotated[int, zero_or(5, 600)] = 60
    #: Less than the box's maximum call duration may be.
    longest_call_seconds: Annotated[int, zero_or(10, 86_400)] = 0
    notify: list[Id] = []


class AccountPart(Part):
    """An enterprise."""

    id: Id
    name: Name
    max_calls: Annotated[int, whole(0, 10_000)] = 0
    talk_keys: TalkKeysPart | None = None
    billing: BillingPart = BillingPart()
    credit: CreditPart | None = None


class OperatorPart(Part):
    """A console user."""

    login: Annotated[str, BeforeValidator(_login)]
    name: ShortName = ""
    roles: Annotated[list[Annotated[str, choice(*ROLES)]], Field(min_length=1)]
    account: OptionalId = None
    password_hash: PasswordHash = None


#: What a trunk's cause may mean; that a line answered or is full is nobody's to say.
CAUSE_MEANINGS = ("busy", "no-answer", "rejected", "unreachable", "not-existing", "off")


class RegistrationPart(Part):
    """How the appliance registers at a carrier."""

    user: SipWord
    auth_user: OptionalSipWord = ""
    realm: OptionalSipWord = ""
    expires_seconds: Annotated[int, whole(60, 86_400)] = 3600
    password_file: SecretFile = ""
    password_env: EnvName = ""


class TrunkPart(Part):
    """A carrier's SIP peer."""

    id: Id
    name: Name = ""
    accept: list[Source] = []
    proxy: Peer = ""
    called_from: Annotated[list[Annotated[str, choice(*CalledFrom)]], Field(min_length=1)] = ["request-uri", "to"]
    landing: dict[Annotated[str, BeforeValidator(_landing)], FourHundred] = {}
    number_format: Annotated[str, choice(*NumberFormat)] = "national"
    caller_id: Annotated[str, choice(*CallerIdPolicy)] = "trunk"
    caller_number: ShownNumber = ""
    codecs: Annotated[list[Annotated[str, choice("PCMA", "PCMU")]], Field(min_length=1)] = ["PCMA", "PCMU"]
    max_calls: Annotated[int, whole(0, 10_000)] = 0
    causes: dict[CauseKey, Annotated[str, choice(*CAUSE_MEANINGS)]] = {}
    #: FreeSWITCH asks no more often than every five seconds.
    ping_seconds: Annotated[int, zero_or(5, 3600)] = 30
    registration: RegistrationPart | None = None
    dtmf: Annotated[str, choice(*DtmfMode)] = "rfc2833"
    behind_nat: Flag = False
    symmetric_rtp: Flag = True
    #: RFC 4028 wants 90 at least.
    session_timer_seconds: Annotated[int, zero_or(90, 86_400)] = 1800
    media_timeout_seconds: Annotated[int, zero_or(2, 3600)] = 0
    progress_seconds: Annotated[int, zero_or(2, 60)] = 0
    announced: Annotated[str, choice("", *CAUSE_MEANINGS)] = ""

    def landed(self) -> list[tuple[str, str, str]]:
        """(as written, as kept, 400 number) of each landing number."""
        return [(written, numbers.caller(written).number, target) for written, target in self.landing.items()]


class LinePart(Part):
    """A bound landline or mobile, or a SIP phone."""

    id: Id
    account: Id
    name: Name = ""
    number: OptionalNumber = ""
    kind: Annotated[str, choice("landline", "mobile", "phone")]
    trunk: OptionalId = None
    extension: Extension = ""
    max_calls: Annotated[int, whole(0, 1000)] = 1
    ring_seconds: Annotated[int, whole(1, 120)] = 25
    schedule: OptionalId = None
    daily_calls: Annotated[int, whole(0, 100_000)] = 0
    monthly_calls: Annotated[int, whole(0, 1_000_000)] = 0
    level: Annotated[int, whole(1, 99)] = 1
    weight: Annotated[int, whole(1, 1000)] = 1
    backup_trunks: list[Id] = []
    confirm: Flag = False
    skills: list[Id] = []
    record: LineRecord = ""


class CallbackPart(Part):
    """How a queue calls back those who ask for it."""

    key: CallbackKey
    attempts: Annotated[int, whole(1, 10)] = 3
    gap_seconds: Annotated[int, whole(30, 86_400)] = 300
    expires_minutes: Annotated[int, whole(0, 10_080)] = 0
    schedule: OptionalId = None
    overseas: Flag = False
    other_number: Flag = False


class QueuePart(Part):
    """Where callers wait until one of its lines is free."""

    id: Id
    account: Id
    name: Name = ""
    lines: Annotated[list[Id], Field(min_length=1)]
    strategy: Annotated[str, choice(*Strategy)] = "longest-idle"
    max_wait_seconds: Annotated[int, whole(10, 7200)] = 600
    max_length: Annotated[int, whole(0, 1000)] = 0
    announce_seconds: Annotated[int, zero_or(10, 600)] = 30
    music: NeededPrompt = "hold-music"
    wrap_up_seconds: Annotated[int, whole(0, 600)] = 15
    rest_seconds: Annotated[int, whole(0, 600)] = 30
    sign_in: Flag = False
    vip_priority: Annotated[int, whole(0, 99)] = 5
    service_level_seconds: Annotated[int, whole(1, 600)] = 20
    short_abandon_seconds: Annotated[int, whole(0, 60)] = 5
    callback: CallbackPart | None = None


class SubscriptionPart(Part):
    """A number's plan over ``[starts_at, ends_at)``."""

    plan: Id
    starts_at: Time
    ends_at: End = None


class SchedulePart(Part):
    """When somebody is there."""

    id: Id
    account: Id
    name: Name = ""
    week: dict[WeekdayKey, list[HoursText]] = {}
    holidays: Annotated[str, choice("closed", "open")] = "closed"
    makeup: Annotated[str, choice(*WEEKDAYS)] = "mon"
    days: dict[DateText, list[HoursText]] = {}

    def by_weekday(self) -> dict[str, list[str]]:
        """Weekday → its hours, days that are closed left out; days that two entries name have the hours of both."""
        made: dict[str, list[str]] = {}
        for key, hours in self.week.items():
            for day in weekdays(key):
                made.setdefault(day, []).extend(hours)
        return {day: made[day] for day in WEEKDAYS if made.get(day)}


class ListPart(Part):
    """A black or white list, by its use."""

    id: Id
    account: Id
    name: Name = ""
    entries: list[Entry] = []


class CallerLimitPart(Part):
    """At most so many calls of a caller in so many minutes."""

    calls: Annotated[int, whole(1, 1000)]
    minutes: Annotated[int, whole(1, 1440)]


class RefusalPart(Part):
    """What a refused caller gets instead of the usual."""

    prompt: PromptName = ""
    answer: Flag = False
    flow: OptionalId = None


#: Refusals that a number can treat its own way: those before it is known are the box's.
TREATABLE = tuple(refusal for refusal in Refusal if refusal not in (Refusal.UNKNOWN_TRUNK, Refusal.UNKNOWN_NUMBER))


class RulesPart(Part):
    """Who may call a number, and when."""

    max_calls: Annotated[int, whole(0, 10_000)] = 0
    calls_per_minute: Annotated[int, whole(0, 10_000)] = 0
    black_lists: list[Id] = []
    white_lists: list[Id] = []
    caller_limit: CallerLimitPart | None = None
    passwords: list[AccessCode] = []
    schedule: OptionalId = None
    regions_only: list[PlaceText] = []
    regions_except: list[PlaceText] = []
    refusals: dict[Annotated[str, choice(*TREATABLE)], RefusalPart] = {}

    def stored(self) -> dict[str, Any]:
        """As it is stored: without what is at its default."""
        return self.model_dump(exclude_defaults=True)


class NumberPart(Part):
    """A 400 number."""

    number: FourHundred
    account: Id
    name: Name = ""
    flow: OptionalId = None
    lines: list[Id] = []
    strategy: Annotated[str, choice(*Strategy)] = "order"
    fail_over: list[Annotated[str, choice(*sorted(FAIL_OVER))]] = sorted(FAIL_OVER)
    overflow: OptionalId = None
    rules: RulesPart = RulesPart()
    whisper: PromptName = ""
    talk_keys: TalkKeysPart | None = None
    record: Record = "all"
    record_notice: Flag = True
    notice_prompt: NeededPrompt = "record-notice"
    retention_days: Annotated[int, whole(1, 3650)] = RETENTION_DAYS
    in_service: Flag = True
    subscriptions: list[SubscriptionPart] = []


class PricePart(Part):
    """A price of a plan from an instant on. Amounts are millionths of a yuan here, yuan in the file."""

    effective_from: Time
    caller: Annotated[str, choice("any", *CallerKind)] = "any"
    initial_seconds: Annotated[int, whole(1, 86_400)] = 60
    step_seconds: Annotated[int, whole(1, 86_400)] = 60
    free_seconds: Annotated[int, whole(0, 86_400)] = 0
    connect_fee: PriceAmount = 0
    per_minute: PriceAmount = 0
    per_call: PriceAmount = 0


class PlanPart(Part):
    """A plan of the price book."""

    code: Id
    name: Name
    charge_by: Annotated[str, choice("time", "call")]
    meter: Annotated[str, choice("answer", "bridge")]
    included: Annotated[int, whole(0, 999_999_999)] = 0
    rollover_months: Annotated[int, whole(0, 120)] = 0
    minimum_monthly: PriceAmount = 0
    prices: Annotated[list[PricePart], Field(min_length=1)]


class CostPart(Part):
    """What a trunk takes for legs that go out, from an instant on. Amounts as in ``PricePart``."""

    trunk: Id
    line: Annotated[str, choice("any", "landline", "mobile", "overseas")] = "any"
    effective_from: Time
    initial_seconds: Annotated[int, whole(1, 86_400)] = 60
    step_seconds: Annotated[int, whole(1, 86_400)] = 60
    connect_fee: PriceAmount = 0
    per_minute: PriceAmount = 0


class SiteFile(Part):
    """A whole site file."""

    version: Annotated[int, whole(1, 1)]
    accounts: list[AccountPart] = []
    #: None: the file says nothing of operators, and ``--prune`` leaves them alone.
    operators: list[OperatorPart] | None = None
    trunks: list[TrunkPart] = []
    lines: list[LinePart] = []
    queues: list[QueuePart] = []
    hooks: list[HookPart] = []
    numbers: list[NumberPart] = []
    flows: list[FlowPart] = []
    plans: list[PlanPart] = []
    costs: list[CostPart] = []
    schedules: list[SchedulePart] = []
    lists: list[ListPart] = []
    calendar: dict[DateText, Annotated[str, choice(*DayKind)]] = {}
    regions: dict[RegionPrefix, PlaceText] = {}
