"""Hooks of a file into the store."""

from __future__ import annotations

from functools import partial

from sqlalchemy import select

from appliance.domain.hook import HookKind
from appliance.site.hooktokens import without_token
from appliance.site.merge import Merge
from appliance.store.models import Hook


def merge_hooks(merge: Merge) -> None:
    """Where messages go. A token or a secret that the file does not name stays as it is stored, for an export has
    neither; one that is in a file of its own is not stored."""
    stored = {row.id: row for row in merge.session.scalars(select(Hook))}
    for part in merge.document.site.hooks:
        url, pasted = without_token(HookKind(part.kind), part.url)
        token = part.token or pasted
        apart = {"id", "account", "to", "url", "token", "secret"}
        values = part.model_dump(exclude=apart) | {"account_id": part.account, "recipient": part.to, "url": url}
        if token or part.token_file:
            values["token"] = "" if part.token_file else token
        if part.secret or part.secret_file:
            values["secret"] = part.secret
        merge.put("hook", part.id, stored.get(part.id), partial(Hook, id=part.id), values)
    merge.session.flush()
