"""The configuration file of the embedded switch: JSON, read once, strictly."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from appliance.miniswitch import tones


class SettingsError(ValueError):
    """The configuration cannot be used; the text says which key and why."""


@dataclass(frozen=True)
class Accept:
    """One entry of the trunk list: a network, and a port when the entry names one.

    >>> Accept.parse("10.0.0.0/8").allows("10.1.2.3", 5060)
    True
    >>> Accept.parse("127.0.0.1:5070").allows("127.0.0.1", 5071)
    False
    """

    network: ipaddress.IPv4Network
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Accept:
        """Read `CIDR`, `IP` or `IP:PORT`; raises `ValueError` for anything else."""
        host, colon, port = text.partition(":")
        number = int(port) if colon else None
        if number is not None and not 0 < number < 65536:
            raise ValueError(f"port out of range: {text}")
        return cls(ipaddress.IPv4Network(host), number)

    def allows(self, host: str, port: int) -> bool:
        """Whether an INVITE that came from this address is taken."""
        try:
            inside = ipaddress.IPv4Address(host) in self.network
        except ValueError:
            return False
        return inside and self.port in (None, port)


@dataclass(frozen=True)
class Settings:
    """Every setting; seconds for times, absolute paths for files and folders."""

    sip_host: str
    sip_port: int
    rtp_port_range: tuple[int, int]
    accept: tuple[Accept, ...]
    esl_host: str
    esl_port: int
    esl_password: str
    handlers: tuple[str, int]
    spool_dir: Path
    recordings_dir: Path
    music_file: str
    apology_file: str
    log_file: Path
    fallback_script: Path | None = None
    snapshot_file: Path | None = None
    media_timeout_s: float = 60.0
    max_call_s: float = 7200.0
    ringback: str = "%(1000,4000,450)"


def load(path: Path) -> Settings:
    """Read the file; raises `SettingsError` that names the file, the key and the fault."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: not JSON: {error}") from error
    try:
        return parse(raw)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from error


def parse(raw: Any) -> Settings:
    """Check and convert a decoded JSON object; raises `SettingsError`."""
    if not isinstance(raw, dict):
        raise SettingsError("the configuration is one JSON object")
    known = {field.name for field in fields(Settings)}
    if unknown := sorted(set(raw) - known):
        raise SettingsError(f"unknown key: {', '.join(unknown)}")
    readers = {
        "sip_host": _address,
        "sip_port": _port,
        "rtp_port_range": _port_range,
        "accept": _accept,
        "esl_host": _address,
        "esl_port": _port,
        "esl_password": _text,
        "handlers": _host_port,
        "spool_dir": _path,
        "recordings_dir": _path,
        "music_file": _audio,
        "apology_file": _audio,
        "log_file": _path,
        "fallback_script": _optional_path,
        "snapshot_file": _optional_path,
        "media_timeout_s": _seconds,
        "max_call_s": _seconds,
        "ringback": _tone,
    }
    needed = {field.name for field in fields(Settings) if field.default is MISSING}
    if missing := sorted(needed - set(raw)):
        raise SettingsError(f"missing key: {', '.join(missing)}")
    values: dict[str, Any] = {}
    for key, value in raw.items():
        try:
            values[key] = readers[key](value)
        except (ValueError, TypeError) as error:
            raise SettingsError(f"{key}: {error}") from error
    return Settings(**values)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text that is not empty is wanted")
    if any(character < " " for character in value):
        raise ValueError("control characters are not allowed")
    return value


def _address(value: Any) -> str:
    return str(ipaddress.IPv4Address(_text(value)))


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
        raise ValueError("a port between 1 and 65535 is wanted")
    return value


def _port_range(value: Any) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("[lowest, highest] is wanted")
    low, high = _port(value[0]), _port(value[1])
    if high - low < 2:
        raise ValueError("the range holds no pair of ports")
    return low, high


def _accept(value: Any) -> tuple[Accept, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("a list of networks or IP:PORT is wanted")
    return tuple(Accept.parse(_text(entry)) for entry in value)


def _host_port(value: Any) -> tuple[str, int]:
    host, colon, port = _text(value).rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError("HOST:PORT is wanted")
    return _address(host), _port(int(port))


def _path(value: Any) -> Path:
    path = Path(_text(value))
    if not path.is_absolute():
        raise ValueError("an absolute path is wanted")
    return path


def _optional_path(value: Any) -> Path | None:
    return None if value is None else _path(value)


def _audio(value: Any) -> str:
    text = _text(value)
    return text if text.startswith(("tone_stream://", "silence_stream://")) else str(_path(text))


def _tone(value: Any) -> str:
    text = _text(value)
    tones.parse(text)
    return text


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 86400:
        raise ValueError("seconds above 0 and at most 86400 are wanted")
    return float(value)
