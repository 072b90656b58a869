"""A hook of a site file: where messages go."""

from __future__ import annotations

from typing import Annotated

from appliance.domain.hook import Encoding, HookKind
from appliance.site.hook_values import Address, FileName, HeaderName, Template
from appliance.site.part import Part
from appliance.site.values import Id, Name, ShortName, choice, whole


class HookPart(Part):
    """Where messages go."""

    id: Id
    account: Id
    name: Name = ""
    kind: Annotated[str, choice(*HookKind)]
    url: Address
    token: Template = ""
    token_file: FileName = ""
    secret: Template = ""
    secret_file: FileName = ""
    to: ShortName = ""
    method: Annotated[str, choice("GET", "POST")] = "POST"
    encoding: Annotated[str, choice(*Encoding)] = "form"
    fields: dict[ShortName, Template] = {}
    headers: dict[HeaderName, Template] = {}
    expect: dict[ShortName, ShortName] = {}
    expect_text: ShortName = ""
    #: None: as is usual for the kind.
    per_minute: Annotated[int, whole(0, 6000)] | None = None
