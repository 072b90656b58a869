"""One try to deliver one message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from appliance.domain.hook import Hook, HookKind, Message
from appliance.domain.lookup import Failed
from appliance.domain.template import names
from appliance.errors import SettingsError
from appliance.http.client import Client
from appliance.http.order import Answer, Order
from appliance.notify import robots, sms, webhook
from appliance.notify.verdict import Verdict, by_status, refused, without_secrets


class Kind(NamedTuple):
    """How messages go to hooks of a kind: the request, and what an answer of 2xx means."""

    order: Callable[[Hook, Message, datetime, int], Order]
    verdict: Callable[[Hook, Answer], Verdict]


_ROBOT = Kind(robots.order, robots.verdict)
_KINDS: Mapping[HookKind, Kind] = {
    HookKind.WEBHOOK: Kind(webhook.order, webhook.verdict),
    HookKind.WECOM: _ROBOT,
    HookKind.DINGTALK: _ROBOT,
    HookKind.FEISHU: _ROBOT,
    HookKind.SMS: Kind(sms.order, sms.verdict),
}
#: Bytes of a secret's file.
_MOST = 4096


def deliver(client: Client, hook: Hook, message: Message, attempt: int, now: Callable[[], datetime]) -> Verdict:
    """Send it once and read the answer. Whatever goes wrong is a verdict."""
    if message.account != hook.account:
        return refused(f"the hook belongs to the account {hook.account}", final=True)
    try:
        armed = with_secrets(hook)
    except SettingsError as error:
        return refused(str(error))
    kind = _KINDS[hook.kind]
    answer = client.exchange(kind.order(armed, message, now(), attempt))
    if isinstance(answer, Failed):
        return refused(str(answer.reason))
    return without_secrets(by_status(answer) or kind.verdict(armed, answer), armed)


def with_secrets(hook: Hook) -> Hook:
    """The hook with token and secret, out of their files where there are some.

    :raises SettingsError: a file cannot be read, or what is needed is missing.
    """
    armed = replace(
        hook,
        token=_read(hook.token_file) if hook.token_file else hook.token,
        secret=_read(hook.secret_file) if hook.secret_file else hook.secret,
    )
    templates = (hook.url, *hook.fields.values(), *hook.headers.values())
    needed = {name for template in templates for name in names(template)}
    if hook.kind is HookKind.WEBHOOK:
        needed.add("secret")
    for name in ("token", "secret"):
        if name in needed and not getattr(armed, name):
            raise SettingsError(f"the hook {hook.id} has no {name}: name it in the site file")
    return armed


def _read(file: str) -> str:
    try:
        with Path(file).open(encoding="utf-8") as opened:
            return opened.read(_MOST).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is no text"
        raise SettingsError(f"{file}: {why}") from error
