"""Settings of one box: read once, at the edge, and never changed after.

Sources, the first that names a setting wins: environment variables ``APPLIANCE_…``, the TOML file that
``APPLIANCE_CONFIG`` names (``/etc/gateway400/appliance.toml`` where it exists), the defaults below.
``docs/settings.md`` has a line for each; a test holds the two together.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from appliance.errors import SettingsError

DEFAULT_FILE = Path("/etc/gateway400/appliance.toml")
PROJECT_ROOT = Path(__file__).resolve().parent.parent


def _in_state(leaf: str) -> Callable[[dict[str, Any]], Path]:
    def default(already: dict[str, Any]) -> Path:
        return Path(already["state_dir"]) / leaf

    return default


class Settings(BaseSettings):
    """Every setting of the box. Durations are seconds; ports and addresses are of this machine."""

    model_config = SettingsConfigDict(env_prefix="APPLIANCE_", frozen=True, extra="forbid")

    state_dir: Path = Field(Path("/var/lib/gateway400"), description="Everything the appliance keeps.")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the state folder.")
    recordings_dir: Path = Field(
        default_factory=_in_state("recordings"), description="Recordings; default: `recordings` there."
    )
    prompts_dir: Path = Field(
        default_factory=_in_state("prompts"),
        description="Announcements and menus, a folder an account; default: `prompts` there.",
    )
    spool_dir: Path = Field(
        default_factory=_in_state("spool"),
        description="Where the switch puts CDR files; default: `spool` there.",
    )
    snapshot_file: Path = Field(
        default_factory=_in_state("routing.json"),
        description="Last routing, for the fallback; default: `routing.json` there.",
    )
    journal_file: Path = Field(
        default_factory=_in_state("journal.db"),
        description="What calls did, for rules that look back; default: `journal.db` there.",
    )

    switch: Literal["freeswitch", "miniswitch"] = Field("freeswitch", description="Which switch carries the calls.")
    sip_host: str = Field("127.0.0.1", description="Address the trunks send calls to.")
    sip_port: int = Field(5080, ge=0, le=65535, description="UDP port of it.")
    sip_external_host: str = Field(
        "", description="Address of the box outside, shown to trunks that are `behind_nat`; IPv4."
    )
    outside_port: int = Field(
        5084, ge=0, le=65535, description="UDP port at `sip_host` for trunks that are `behind_nat`."
    )
    phones_port: int = Field(
        5082,
        ge=0,
        le=65535,
        description="UDP port at `sip_host` where SIP phones register; used where a line is one.",
    )
    phone_ban_failures: int = Field(
        10,
        ge=0,
        description="An address that sends so many wrong passwords for SIP phones is refused; 0: none is.",
    )
    phone_ban_within_s: int = Field(600, ge=1, description="Within so many seconds.")
    phone_ban_s: int = Field(3600, ge=1, description="For so long it is refused.")
    phone_ban_spare: str = Field(
        "", description="Networks of your own, with blanks between, that are never refused (`192.0.2.0/24`)."
    )
    sign_in_code: str = Field(
        "*81",
        pattern=r"^(\*[0-9*]{1,7})?$",
        description="What a SIP phone dials to sign in at its line; empty: nothing is dialled for it.",
    )
    sign_out_code: str = Field("*82", pattern=r"^(\*[0-9*]{1,7})?$", description="What it dials to sign out.")
    rtp_port_min: int = Field(16384, ge=1024, le=65535, description="First RTP port.")
    rtp_port_max: int = Field(32767, ge=1024, le=65535, description="Last RTP port.")
    max_calls: int = Field(500, ge=1, description="Legs the switch carries at once, at the most.")
    calls_per_second: int = Field(60, ge=1, description="New legs a second the switch takes, at the most.")
    media_timeout_s: int = Field(60, ge=2, description="A call without a packet for so long is ended.")
    max_call_s: int = Field(7200, ge=10, description="Maximum call duration, from the INVITE.")
    esl_host: str = Field("127.0.0.1", description="The switch's event socket; loopback only.")
    esl_port: int = Field(8021, ge=0, le=65535, description="Its port.")
    esl_password: SecretStr = Field(
        SecretStr(""), description="Its password; empty: read from `esl_password_file`."
    )
    esl_password_file: Path = Field(
        default_factory=_in_state("esl-password"),
        description="File with it, made at first use; default: `esl-password` there.",
    )

    handlers_host: str = Field("127.0.0.1", description="Where the call handlers listen for the switch.")
    handlers_port: int = Field(8084, ge=0, le=65535, description="Their port.")
    command_timeout_s: float = Field(5.0, gt=0, description="Longest wait for the switch's answer to a command.")

    console_host: str = Field("127.0.0.1", description="Address of the console.")
    console_port: int = Field(8400, ge=0, le=65535, description="Its port.")
    console_https: bool = Field(False, description="The console is reached by HTTPS: secure cookies, HSTS.")
    secret_key_file: Path = Field(
        default_factory=_in_state("secret-key"),
        description="Key of the console's sessions, made at first use; default: `secret-key` there.",
    )

    live_socket: Path = Field(
        default_factory=_in_state("live.sock"),
        description="Socket where the live state is published; default: `live.sock` there.",
    )

    home_area_code: str = Field(
        "",
        pattern=r"^(0[1-9][0-9]{1,2})?$",
        description="Area code of callers that come without one (`021`).",
    )
    http_allow: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_.:\[\]-]*( [A-Za-z0-9_.:\[\]-]+)*$",
        description="Hosts, or `HOST:PORT`, with blanks between, that hooks and lookups may ask although they are "
        "this machine or link-local.",
    )
    lookup_failures: int = Field(5, ge=1, description="Lookups that fail in a row before a system is left alone.")
    lookup_rest_s: float = Field(30.0, gt=0, description="For so long; then it is tried once.")
    notify_keep_days: int = Field(30, ge=1, description="Messages that were sent or given up are kept so long.")
    prompt_max_mb: int = Field(20, ge=1, le=200, description="Largest recording that a prompt is made of, MB.")
    prompt_max_s: int = Field(600, ge=1, le=3600, description="Longest prompt.")
    prompt_versions: int = Field(
        5, ge=2, le=100, description="Versions of a prompt that are kept, the one in use among them."
    )
    tts_engine: Literal["espeak-ng", "off"] = Field(
        "espeak-ng", description="Text-to-speech of the console; espeak-ng is for trying only."
    )
    tts_voice: str = Field(
        "cmn-latn-pinyin",
        pattern=r"^[a-z]{2,3}(-[a-z0-9]{1,10}){0,3}$",
        description="Its voice; `cmn-latn-pinyin` gets Chinese text as pinyin.",
    )
    tts_rate: int = Field(150, ge=80, le=450, description="Words a minute of it.")
    tts_timeout_s: float = Field(20.0, gt=0, le=120, description="Longest wait for a text to be said.")

    collect_interval_s: float = Field(0.5, gt=0, description="Pause between two looks into the CDR spool.")
    partial_cdr_s: float = Field(30.0, gt=0, description="A CDR file not whole after so long is set aside.")

    late_calls_s: float = Field(
        86400.0, ge=0, description="So long after its end a month may be closed: calls of it may still come."
    )
    bill_issuer: str = Field("", description="Name of who issues bills; needed for them.")
    bill_issuer_tax_number: str = Field("", description="The issuer's tax number (纳税人识别号).")
    bill_issuer_address: str = Field("", description="The issuer's address.")
    bill_issuer_phone: str = Field("", description="The issuer's telephone number.")
    bill_issuer_bank: str = Field("", description="The issuer's bank.")
    bill_issuer_bank_account: str = Field("", description="The issuer's account there.")
    bill_tax_bp: int = Field(
        600, ge=0, le=10_000, description="Tax rate of bills in hundredths of a per cent; amounts contain it."
    )
    bill_font: str = Field(
        "", description="TrueType font with Chinese for bills as PDF, kept in them; empty: the reader's own."
    )
    lost_after_s: float = Field(
        60.0,
        gt=0,
        description="A call that the switch does not have any more, and that left no CDR within so long, is closed "
        "as `abnormal`.",
    )

    recording_format: Literal["opus", "mp3"] = Field("opus", description="How recordings are kept.")
    recording_key_file: str = Field(
        "",
        description="File with the keys that recordings are encrypted with, the newest first; empty: they are not.",
    )
    recording_interval_s: float = Field(2.0, gt=0, description="Pause between two looks for finished recordings.")
    disk_warning_mb: int = Field(
        5120, ge=0, description="Free megabytes (2^20) below which there is an alarm and expired recordings go."
    )
    disk_floor_mb: int = Field(1024, ge=0, description="Free megabytes below which new calls are not recorded.")

    reseller_mode: bool = Field(
        False,
        description="Accounts pay for their calls: whose money is used up is refused, a call that runs out of it "
        "is ended. Off: no call is ever refused or ended for money.",
    )

    rating_backend: Literal["duckdb", "postgres", "pyspark"] = Field(
        "duckdb", description="What `appliance rating file` computes with."
    )
    rating_url: SecretStr = Field(
        SecretStr(""),
        description="The database of `postgres` (empty: `database_url`), or the master of `pyspark` (empty: this "
        "machine).",
    )

    @field_validator("phone_ban_spare")
    @classmethod
    def _networks(cls, text: str) -> str:
        for word in text.split():
            ipaddress.ip_network(word)
        return text

    @model_validator(mode="after")
    def _derive(self) -> Self:
        if self.rtp_port_max - self.rtp_port_min < 4:
            raise ValueError("rtp_port_max must be at least 4 above rtp_port_min")
        if self.sign_in_code and self.sign_in_code == self.sign_out_code:
            raise ValueError("sign_in_code and sign_out_code must differ")
        if self.disk_warning_mb < self.disk_floor_mb:
            raise ValueError("disk_warning_mb must not be below disk_floor_mb")
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.state_dir / 'appliance.db'}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        named = os.environ.get("APPLIANCE_CONFIG")
        file = Path(named) if named else DEFAULT_FILE
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)


def load_apart(folder: Path, **overrides: Any) -> Settings:
    """Settings of a box that keeps everything in ``folder`` and shares no file, database or password with the
    one that is installed here; addresses, ports and limits are read as ever."""
    state = folder.resolve()
    kept = {
        name: field.default_factory({"state_dir": state})  # type: ignore[call-arg]
        for name, field in Settings.model_fields.items()
        if field.default_factory is not None
    }
    apart = {"database_url": f"sqlite:///{state / 'appliance.db'}", "esl_password": "", "console_https": False}
    return load(state_dir=state, **kept, **apart, **overrides)


def load(**overrides: Any) -> Settings:
    """Read the settings.

    :raises SettingsError: the file named by ``APPLIANCE_CONFIG`` is missing or not TOML, a setting is unknown
        or out of range; the text names each.
    """
    named = os.environ.get("APPLIANCE_CONFIG")
    if named and not Path(named).is_file():
        raise SettingsError(f"APPLIANCE_CONFIG: no such file: {named}")
    prefix = str(Settings.model_config["env_prefix"])
    settable = {f"{prefix}{setting}".upper() for setting in Settings.model_fields} | {"APPLIANCE_CONFIG"}
    unknown = sorted(given for given in os.environ if given.startswith(prefix) and given not in settable)
    if unknown:
        raise SettingsError("\n".join(f"{given}: there is no such setting (environment)" for given in unknown))
    try:
        return Settings(**overrides)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{named or DEFAULT_FILE}: not TOML: {error}") from error
    except ValidationError as error:
        findings = [_finding(found["loc"], found["type"], found["msg"]) for found in error.errors()]
        raise SettingsError("\n".join(findings)) from error


def _finding(where: tuple[int | str, ...], kind: str, what: str) -> str:
    """A fault in words: the setting, and the file where it can only come from there."""
    name = ".".join(map(str, where)) or "settings"
    if kind == "extra_forbidden":
        return f"{os.environ.get('APPLIANCE_CONFIG') or DEFAULT_FILE}: {name}: there is no such setting"
    return f"{name}: {what}"
