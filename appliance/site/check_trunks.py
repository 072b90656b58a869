"""What trunks that register, SIP phones and keys in a talk can get wrong between them and the rest of a file."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.site.findings import Finding, Path
from appliance.site.named import FindPrompt, check_prompt
from appliance.site.read import Document
from appliance.site.schema import TalkKeysPart
from appliance.store.routing import is_ipv4

#: What a line's side hears when it uses a key.
TALK_PROMPTS = ("talk-extension", "talk-unknown", "talk-unreachable")
PAUSE_PROMPTS = ("talk-paused", "talk-resumed")


def check_registrations(document: Document) -> Iterator[Finding]:
    """A registrar needs an address, and a password from one place; its calls come from addresses that are known."""
    for index, part in enumerate(document.site.trunks):
        given = part.registration
        if given is None:
            continue
        path: Path = ("trunks", index, "registration")
        if not part.proxy:
            yield document.finding(("trunks", index), "registration-needs-proxy")
        if bool(given.password_file) == bool(given.password_env):
            yield document.finding(path, "registration-password")
        if part.proxy and not part.accept and not is_ipv4(part.proxy.rpartition(":")[0]):
            yield document.finding(("trunks", index, "proxy"), "registration-needs-accept", value=part.proxy)


def check_phones(document: Document) -> Iterator[Finding]:
    """A phone is known by its registration alone; an extension leads to one line of its account."""
    taken: dict[tuple[str, str], int] = {}
    for index, part in enumerate(document.site.lines):
        path: Path = ("lines", index)
        if part.kind == "phone":
            for field in ("number", "trunk", "backup_trunks"):
                if getattr(part, field):
                    yield document.finding((*path, field), "not-for-a-phone")
        if part.extension:
            here = (*path, "extension")
            first = taken.setdefault((part.account, part.extension), document.line(here))
            if first != document.line(here):
                yield document.finding(here, "duplicate", value=part.extension, line=first)


def check_talk_keys(document: Document, find_prompt: FindPrompt) -> Iterator[Finding]:
    """One digit asks for one thing, and what is said for it is there."""
    parts: list[tuple[Path, str, TalkKeysPart | None]] = [
        *(
            (("accounts", at, "talk_keys"), part.id, part.talk_keys)
            for at, part in enumerate(document.site.accounts)
        ),
        *(
            (("numbers", at, "talk_keys"), part.account, part.talk_keys)
            for at, part in enumerate(document.site.numbers)
        ),
    ]
    for path, account, keys in parts:
        if keys is None:
            continue
        stored = keys.stored()
        digits: dict[str, str] = {}
        for key, digit in stored.items():
            if digits.setdefault(digit, key) != key:
                yield document.finding((*path, key), "key-twice", value=digit, other=digits[digit])
        needed = (*(TALK_PROMPTS if {"blind", "consult"} & set(stored) else ()),)
        needed += PAUSE_PROMPTS if "pause" in stored else ()
        for name in needed:
            yield from check_prompt(document, path, account, name, find_prompt)
