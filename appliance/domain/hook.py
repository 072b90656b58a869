"""Messages to the world outside (消息推送) and the hooks they go to: webhooks, robots of chats, SMS gateways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class HookKind(StrEnum):
    """What a hook is."""

    #: A program's own address: JSON, signed.
    WEBHOOK = "webhook"
    #: Robots of group chats: 企业微信, 钉钉, 飞书.
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    #: A gateway for short messages, as it wants to be asked.
    SMS = "sms"


ROBOTS = frozenset({HookKind.WECOM, HookKind.DINGTALK, HookKind.FEISHU})
#: What robots take a minute (企业微信 and 钉钉; 飞书 takes 100, and no more than five a second).
ROBOT_PER_MINUTE = 20


class Encoding(StrEnum):
    """How an SMS gateway wants its fields."""

    FORM = "form"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent.

    :param id: unique; whoever hands over the same one again has it sent once (``CALL:NODE``).
    :param account: the enterprise it is of.
    :param hook: id of the hook it goes to.
    :param text: its words.
    :param call: UUID of the call it is about; empty: none.
    :param at: when it was made, with an offset.
    :param to: whom an SMS goes to; empty: whom the hook says.
    """

    id: str
    account: str
    hook: str
    text: str
    call: str
    at: datetime
    to: str = ""


@dataclass(frozen=True, slots=True)
class Hook:
    """Where messages go, and how. ``token`` and ``secret`` are shown nowhere.

    :param url: with ``{token}`` where the token belongs; of an SMS gateway with any of a message's places.
    :param token_file: a file that holds the token; ``secret_file`` likewise.
    :param secret: signs webhooks and the robots' requests; of an SMS gateway a place.
    :param to: whom an SMS goes to that names nobody.
    :param method: an SMS gateway's, ``GET`` or ``POST``.
    :param fields: an SMS gateway's: name → template.
    :param headers: further ones of webhooks and SMS gateways: name → template.
    :param expect: what an SMS gateway answers when it has taken a message: JSON path → value.
    :param expect_text: a text that is in its answer then.
    :param per_minute: messages it takes a minute; 0: any number.
    """

    id: str
    account: str
    kind: HookKind
    url: str
    token: str = field(default="", repr=False)
    token_file: str = ""
    secret: str = field(default="", repr=False)
    secret_file: str = ""
    to: str = ""
    method: str = "POST"
    encoding: Encoding = Encoding.FORM
    fields: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    expect: Mapping[str, str] = field(default_factory=dict)
    expect_text: str = ""
    per_minute: int = 0


#: A message's places in an SMS gateway's address, fields and headers, and in a webhook's headers.
PLACES = ("id", "account", "hook", "text", "call", "at", "to", "token", "secret")
