"""What hooks can get wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from appliance.domain.hook import PLACES, ROBOTS, HookKind
from appliance.domain.template import names
from appliance.site.findings import Finding, Path
from appliance.site.hook_part import HookPart
from appliance.site.hooktokens import WHERE, without_token
from appliance.site.read import Document

_OF_SMS = frozenset({"to", "method", "encoding", "fields", "expect", "expect_text"})
#: Fields that mean something, beyond those that do for every kind.
_FIELDS: Mapping[HookKind, frozenset[str]] = {
    HookKind.WEBHOOK: frozenset({"secret", "secret_file", "headers"}),
    HookKind.WECOM: frozenset(),
    HookKind.DINGTALK: frozenset({"secret", "secret_file"}),
    HookKind.FEISHU: frozenset({"secret", "secret_file"}),
    HookKind.SMS: frozenset({"secret", "secret_file", "headers", *_OF_SMS}),
}
_EVERY = frozenset({"id", "account", "name", "kind", "url", "token", "token_file", "per_minute"})


def check_hooks(document: Document) -> Iterator[Finding]:
    """Faults of the hooks themselves."""
    accounts = {account.id for account in document.site.accounts}
    for index, part in enumerate(document.site.hooks):
        path: Path = ("hooks", index)
        kind = HookKind(part.kind)
        if part.account not in accounts:
            yield document.finding((*path, "account"), "unknown-account", value=part.account)
        for field in sorted(part.model_fields_set - _EVERY - _FIELDS[kind]):
            yield document.finding((*path, field), "hook-field-useless", kind=kind)
        for field in ("token", "secret"):
            file = getattr(part, f"{field}_file")
            if file and getattr(part, field):
                yield document.finding((*path, field), "hook-secret-twice", file=file)
        yield from _address(document, path, part, kind)
        yield from _places(document, path, part, kind)


def _address(document: Document, path: Path, part: HookPart, kind: HookKind) -> Iterator[Finding]:
    if kind in ROBOTS and "{token}" not in without_token(kind, part.url)[0]:
        yield document.finding((*path, "url"), "hook-without-token", where=WHERE[kind])


def _places(document: Document, path: Path, part: HookPart, kind: HookKind) -> Iterator[Finding]:
    """What is to be put in is there; of robots only the token is."""
    in_url = PLACES if kind is HookKind.SMS else ("token",)
    templates: list[tuple[Path, str, tuple[str, ...]]] = [((*path, "url"), part.url, in_url)]
    templates += [((*path, "fields", name), text, PLACES) for name, text in part.fields.items()]
    templates += [((*path, "headers", name), text, PLACES) for name, text in part.headers.items()]
    for here, text, there in templates:
        for name in names(text):
            if name not in there:
                yield document.finding(here, "hook-unknown-placeholder", value=name, choices=", ".join(there))
    if kind is HookKind.SMS and not any("text" in names(text) for text in (part.url, *part.fields.values())):
        yield document.finding(path, "hook-without-text")
