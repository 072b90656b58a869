"""What parts of a site file can get wrong between them. Nothing is changed, nothing stored is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path as FilePath

from appliance.domain import numbers
from appliance.domain.numbers import CallerKind
from appliance.domain.routing import SAY_NUMBER
from appliance.domain.speech import whispered_prompts
from appliance.site.check_flows import check_flows
from appliance.site.check_hooks import check_hooks
from appliance.site.check_prices import check_plans, check_subscriptions
from appliance.site.check_queues import check_queues
from appliance.site.check_rules import check_rules
from appliance.site.check_switch import check_embedded
from appliance.site.check_trunks import check_phones, check_registrations, check_talk_keys
from appliance.site.costs import check_costs
from appliance.site.credit import check_credit
from appliance.site.findings import Finding, Path, SiteFaults
from appliance.site.named import FindPrompt, check_lines, check_prompt
from appliance.site.read import Document, read
from appliance.site.schema import NumberPart

NOTICE = "record-notice"


def load(file: FilePath, find_prompt: FindPrompt, switch: str = "freeswitch") -> Document:
    """Read and check a site file.

    :param switch: of the settings; the embedded one (``miniswitch``) has not all that a site may ask for.
    :raises SiteFaults: with every fault found.
    """
    document = read(file)
    found = check(document, find_prompt)
    if switch == "miniswitch":
        found += check_embedded(document)
    if found:
        raise SiteFaults(found)
    return document


def check(document: Document, find_prompt: FindPrompt) -> list[Finding]:
    """Every fault between the parts of a file that was read."""
    return [
        *_duplicates(document),
        *_operators(document),
        *_trunks(document),
        *_landing(document),
        *_lines(document),
        *check_flows(document, find_prompt),
        *check_phones(document),
        *check_registrations(document),
        *check_talk_keys(document, find_prompt),
        *_numbers(document, find_prompt),
        *check_plans(document),
        *check_subscriptions(document),
        *check_costs(document),
        *check_credit(document),
        *check_rules(document),
        *check_queues(document, find_prompt),
        *check_hooks(document),
    ]


def _duplicates(document: Document) -> Iterator[Finding]:
    site = document.site
    kinds: list[tuple[str, str, Iterable[object]]] = [
        ("accounts", "id", (part.id for part in site.accounts)),
        ("operators", "login", (part.login for part in site.operators or [])),
        ("trunks", "id", (part.id for part in site.trunks)),
        ("lines", "id", (part.id for part in site.lines)),
        ("numbers", "number", (part.number for part in site.numbers)),
        ("flows", "name", ((part.account, part.name) for part in site.flows)),
        ("plans", "code", (part.code for part in site.plans)),
        ("schedules", "id", (part.id for part in site.schedules)),
        ("lists", "id", (part.id for part in site.lists)),
        ("queues", "id", (part.id for part in site.queues)),
        ("hooks", "id", (part.id for part in site.hooks)),
    ]
    for section, field, keys in kinds:
        first: dict[object, int] = {}
        for index, key in enumerate(keys):
            path: Path = (section, index, field)
            if key in first:
                value = key[1] if isinstance(key, tuple) else key
                yield document.finding(path, "duplicate", value=value, line=first[key])
            first.setdefault(key, document.line(path))


def _accounts(document: Document) -> set[str]:
    return {account.id for account in document.site.accounts}


def _operators(document: Document) -> Iterator[Finding]:
    known = _accounts(document)
    for index, part in enumerate(document.site.operators or []):
        if part.account is not None and part.account not in known:
            yield document.finding(("operators", index, "account"), "unknown-account", value=part.account)


def _trunks(document: Document) -> Iterator[Finding]:
    known = {number.number for number in document.site.numbers}
    for index, part in enumerate(document.site.trunks):
        path: Path = ("trunks", index)
        if not part.accept and not part.proxy:
            yield document.finding(path, "trunk-useless")
        if part.proxy and part.caller_id != "pass" and not part.caller_number:
            yield document.finding((*path, "caller_number"), "trunk-needs-caller")
        if part.number_format == "local" and not numbers.area_code(part.caller_number):
            yield document.finding((*path, "caller_number"), "local-needs-area")
        for written, target in part.landing.items():
            if target not in known:
                yield document.finding((*path, "landing", written), "unknown-number", value=target)


def _landing(document: Document) -> Iterator[Finding]:
    """A landing number leads to one 400 number, whichever trunk it comes by.

    Two trunks of a carrier may both know it; one trunk may not name it twice.
    """
    first: dict[str, tuple[int, str, int]] = {}
    for index, part in enumerate(document.site.trunks):
        for written, kept, target in part.landed():
            path: Path = ("trunks", index, "landing", written)
            seen = first.setdefault(kept, (index, target, document.line(path)))
            same_entry = seen == (index, target, document.line(path))
            if not same_entry and (seen[0] == index or seen[1] != target):
                yield document.finding(path, "landing-twice", value=written, other=seen[1], line=seen[2])


def _lines(document: Document) -> Iterator[Finding]:
    accounts = _accounts(document)
    trunks = {trunk.id: trunk for trunk in document.site.trunks}
    landed = {kept: (target, t.id) for t in document.site.trunks for _, kept, target in t.landed()}
    for index, part in enumerate(document.site.lines):
        path: Path = ("lines", index)
        if part.account not in accounts:
            yield document.finding((*path, "account"), "unknown-account", value=part.account)
        if part.kind == "phone":
            continue
        trunk = trunks.get(part.trunk or "")
        if part.trunk is None:
            yield document.finding((*path, "trunk"), "required")
        elif trunk is None:
            yield document.finding((*path, "trunk"), "unknown-trunk", value=part.trunk)
        elif not trunk.proxy:
            yield document.finding((*path, "trunk"), "trunk-without-proxy", value=part.trunk)
        for at, backup in enumerate(part.backup_trunks):
            here = (*path, "backup_trunks", at)
            if backup == part.trunk or backup in part.backup_trunks[:at]:
                yield document.finding(here, "trunk-twice", value=backup)
            elif backup not in trunks:
                yield document.finding(here, "unknown-trunk", value=backup)
            elif not trunks[backup].proxy:
                yield document.finding(here, "trunk-without-proxy", value=backup)
        if part.number in landed:
            target, by = landed[part.number]
            yield document.finding((*path, "number"), "line-is-landing", value=part.number, number=target, trunk=by)
        mobile = numbers.caller(part.number).kind is CallerKind.MOBILE
        if not part.number:
            yield document.finding((*path, "number"), "required")
        elif mobile != (part.kind == "mobile"):
            code = "is-a-mobile" if mobile else "not-a-mobile"
            yield document.finding((*path, "kind"), code, value=part.number)


def _numbers(document: Document, find_prompt: FindPrompt) -> Iterator[Finding]:
    accounts = _accounts(document)
    known_flows = {(flow.account, flow.name) for flow in document.site.flows}
    for index, part in enumerate(document.site.numbers):
        path: Path = ("numbers", index)
        if part.account not in accounts:
            yield document.finding((*path, "account"), "unknown-account", value=part.account)
        yield from _destination(document, path, part)
        if part.flow is not None and (part.account, part.flow) not in known_flows:
            yield document.finding((*path, "flow"), "unknown-flow", value=part.flow, account=part.account)
        yield from check_lines(document, (*path, "lines"), part.lines, part.account)
        if part.record_notice and _is_recorded(document, part):
            named = part.notice_prompt != NOTICE
            here = (*path, "notice_prompt" if named else "record_notice")
            yield from check_prompt(document, here, part.account, part.notice_prompt, find_prompt)
        said = whispered_prompts(part.number) if part.whisper == SAY_NUMBER else (part.whisper,)
        for name in dict.fromkeys(filter(None, said)):
            yield from check_prompt(document, (*path, "whisper"), part.account, name, find_prompt)
        for reason, treated in part.rules.refusals.items():
            if treated.prompt:
                here = (*path, "rules", "refusals", reason, "prompt")
                yield from check_prompt(document, here, part.account, treated.prompt, find_prompt)


def _is_recorded(document: Document, part: NumberPart) -> bool:
    """Whether calls to the number may be: by its own policy, or a line's."""
    said = [line.record for line in document.site.lines if line.account == part.account]
    return any(record not in ("", "off") for record in [part.record, *said])


def _destination(document: Document, path: Path, part: NumberPart) -> Iterator[Finding]:
    if part.flow is not None and part.lines:
        yield document.finding((*path, "lines"), "number-both")
    elif part.flow is None and not part.lines and part.in_service:
        yield document.finding(path, "number-neither")
