"""What everything that is built stands on: logging, the clock, secrets."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

import structlog

from appliance.config import PROJECT_ROOT, Settings
from appliance.errors import SettingsError

#: What FreeSWITCH loads, in a checkout and in a release alike beside the packages.
SCRIPTS_DIR = PROJECT_ROOT / "freeswitch-scripts"


def configure_logging() -> None:
    """One JSON object a line on standard error, times in UTC."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def utc_now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def secret(path: Path) -> str:
    """The secret in a file; made (256 bits, mode 0600) where there is none yet.

    Two processes that start at once agree on one. A full disk is no hindrance to reading it.

    :raises SettingsError: the file cannot be made or read, or is empty.
    """
    try:
        try:
            text = path.read_text()
        except FileNotFoundError:
            _make_secret(path)
            text = path.read_text()
    except OSError as error:
        raise SettingsError(f"cannot make or read the secret {path}: {error.strerror}") from error
    if not text.strip():
        raise SettingsError(f"the secret {path} is empty")
    return text.strip()


def _make_secret(path: Path) -> None:
    """Whoever is first makes it; it is whole as soon as it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()


def esl_password(settings: Settings) -> str:
    """The event socket's password: the setting, or the file's."""
    return settings.esl_password.get_secret_value() or secret(settings.esl_password_file)
