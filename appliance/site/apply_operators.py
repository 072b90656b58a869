"""Operators of a file into the store. A password is set once by a file and never again."""

from __future__ import annotations

import secrets

from sqlalchemy import select

from appliance.site.merge import Action, Merge, differences
from appliance.store.models import Operator, Role


def merge_operators(merge: Merge) -> None:
    """Console users and their roles.

    ``password_hash`` counts only for an operator that has none: a password that its owner has changed must
    not come back with the next application of an old file.
    """
    roles = {role.name: role for role in merge.session.scalars(select(Role))}
    for part in merge.document.site.operators or []:
        wanted = [roles[name] for name in dict.fromkeys(part.roles)]
        row = merge.session.scalar(select(Operator).where(Operator.login == part.login))
        if row is None:
            row = Operator(
                login=part.login,
                name=part.name,
                account_id=part.account,
                password_hash=part.password_hash,
                session_key=secrets.token_hex(16),
                roles=wanted,
            )
            merge.add("operator", part.login, row)
            continue
        values = {"name": part.name, "account_id": part.account}
        if row.password_hash is None and part.password_hash is not None:
            values["password_hash"] = part.password_hash
        differing = differences(row, values)
        for name in differing:
            setattr(row, name, values[name])
        if {role.name for role in row.roles} != set(part.roles):
            row.roles = wanted
            differing.append("roles")
        if differing:
            merge.note(Action.CHANGED, "operator", part.login, ", ".join(differing))
    merge.session.flush()
