"""The PINs by which agents sign in at their lines from any telephone, as argon2id hashes like operators' passwords.

A PIN has few digits: a hash that leaks gives it away to whoever has an afternoon. It keeps a PIN from being read by
the way, no more; what protects it is that wrong ones are counted (``store.tries``).
"""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from appliance.domain.pin import LONGEST, SHORTEST, is_pin
from appliance.errors import SiteError
from appliance.store.models import Line, SiteState

#: Digits of a PIN that is made here.
_MADE = 6


def made() -> str:
    """A PIN by chance."""
    while not is_pin(pin := f"{secrets.randbelow(10**_MADE):0{_MADE}}"):
        pass
    return pin


def require(session: Session, line_id: str) -> Line:
    """The line.

    :raises SiteError: there is none.
    """
    line = session.get(Line, line_id)
    if line is None:
        raise SiteError([f"there is no line {line_id}"])
    return line


def set_pin(session: Session, line_id: str, pin: str) -> None:
    """Give a line a PIN; empty: it has none any more, and nobody signs in at it from elsewhere. The caller commits.
    The site's revision grows, for calls go by it.

    :raises SiteError: there is no such line, or it may not be a PIN.
    """
    line = require(session, line_id)
    if pin and not is_pin(pin):
        raise SiteError([f"a PIN has {SHORTEST} to {LONGEST} digits, not all the same and not in a row"])
    line.pin_hash = PasswordHasher().hash(pin) if pin else ""
    state = session.get(SiteState, 1, with_for_update=True)
    if state is not None:
        state.revision += 1


def is_pin_of(pin_hash: str, keyed: str) -> bool:
    """Whether what was keyed is the PIN. It takes some fifty milliseconds and 64 MB, and as long where there is no
    PIN to compare it with."""
    try:
        return PasswordHasher().verify(pin_hash or _nobodys(), keyed) and bool(pin_hash)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return PasswordHasher().hash(secrets.token_urlsafe(15))
