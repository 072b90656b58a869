"""SIP phones' digest secrets. Kept as HA1 (RFC 2617, ``MD5(user:realm:password)``), which is what the switch
checks a phone's answer by: the password itself is nowhere, and what leaks opens one phone's registration here
alone."""

from __future__ import annotations

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import SiteError
from appliance.store.models import Line, SiteState


def phone_secrets(session: Session) -> dict[str, str]:
    """Line → its phone's secret; those without one are left out."""
    query = select(Line.id, Line.phone_secret).where(Line.kind == "phone", Line.phone_secret != "")
    return {row.id: row.phone_secret for row in session.execute(query)}


def ha1(user: str, realm: str, password: str) -> str:
    """RFC 2617 section 3.2.2.2.

    >>> ha1("Mufasa", "testrealm@host.com", "Circle Of Life")
    '939e7578ed9e3c518a452acee763bce9'
    """
    return hashlib.md5(f"{user}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()


def set_phone_password(session: Session, line_id: str, realm: str, password: str) -> None:
    """Give a phone another password; the caller commits. The site's revision grows, for what the switch is rendered
    from has changed.

    :raises SiteError: there is no such line, or it is no SIP phone.
    """
    line = session.get(Line, line_id)
    if line is None or line.kind != "phone":
        why = "there is no line" if line is None else "no SIP phone:"
        raise SiteError([f"{why} {line_id}"])
    line.phone_secret = ha1(line.id, realm, password)
    state = session.get(SiteState, 1, with_for_update=True)
    if state is not None:
        state.revision += 1
