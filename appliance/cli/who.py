"""Who does something that is audited."""

from __future__ import annotations

from sqlalchemy.orm import Session

from appliance.errors import SiteError
from appliance.store import passwords

#: Roles of those who may decide about money.
DECIDES = frozenset({"administrator", "finance"})


def known_login(session: Session, login: str) -> str:
    """The login as it is kept.

    :raises SiteError: nobody has it, or he may not decide about money of this box.
    """
    found = passwords.require(session, login)
    if not found.active or found.account_id is not None or not DECIDES & {role.name for role in found.roles}:
        raise SiteError([f"{found.login} is no active administrator or finance operator of this box"])
    return found.login
