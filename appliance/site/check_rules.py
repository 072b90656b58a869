"""What schedules, lists and rules can get wrong between them and the rest of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from appliance.domain.places import Place, plain, plain_city
from appliance.reference.regions import Regions
from appliance.site.findings import Finding, Path
from appliance.site.read import Document
from appliance.site.schema import ListPart, NumberPart, SchedulePart


def check_rules(document: Document) -> Iterator[Finding]:
    """Faults of schedules and lists themselves, and of whatever names one."""
    yield from _owners(document)
    yield from _line_schedules(document)
    regions = known_regions(document)
    for index, part in enumerate(document.site.numbers):
        path: Path = ("numbers", index)
        yield from _overflow(document, path, part)
        yield from _named(document, (*path, "rules"), part)
        yield from _places(document, (*path, "rules"), part, regions)
        yield from _refusals(document, (*path, "rules", "refusals"), part)


def _owners(document: Document) -> Iterator[Finding]:
    known = {account.id for account in document.site.accounts}
    sections: list[tuple[str, Iterable[SchedulePart | ListPart]]] = [
        ("schedules", document.site.schedules),
        ("lists", document.site.lists),
    ]
    for section, parts in sections:
        for index, part in enumerate(parts):
            if part.account not in known:
                yield document.finding((section, index, "account"), "unknown-account", value=part.account)


def _line_schedules(document: Document) -> Iterator[Finding]:
    schedules = {part.id: part for part in document.site.schedules}
    for index, line in enumerate(document.site.lines):
        if line.schedule is not None:
            path = ("lines", index, "schedule")
            yield from check_of_account(document, path, "schedule", line.schedule, schedules, line.account)


def check_of_account(
    document: Document,
    path: Path,
    kind: str,
    name: str,
    known: Mapping[str, SchedulePart] | Mapping[str, ListPart],
    account: str,
) -> Iterator[Finding]:
    """A schedule or list that is named must be there, and the account's own."""
    found = known.get(name)
    if found is None:
        yield document.finding(path, f"unknown-{kind}", value=name)
    elif found.account != account:
        yield document.finding(path, f"{kind}-of-another", value=name, owner=found.account, account=account)


def _overflow(document: Document, path: Path, part: NumberPart) -> Iterator[Finding]:
    if part.overflow is None:
        return
    here = (*path, "overflow")
    if part.flow is not None:
        yield document.finding(here, "overflow-of-flow")
    if not _has_flow(document, part.account, part.overflow):
        yield document.finding(here, "unknown-flow", value=part.overflow, account=part.account)


def _has_flow(document: Document, account: str, name: str) -> bool:
    return any(flow.account == account and flow.name == name for flow in document.site.flows)


def _named(document: Document, path: Path, part: NumberPart) -> Iterator[Finding]:
    schedules = {one.id: one for one in document.site.schedules}
    lists = {one.id: one for one in document.site.lists}
    rules = part.rules
    if rules.schedule is not None:
        here = (*path, "schedule")
        yield from check_of_account(document, here, "schedule", rules.schedule, schedules, part.account)
    for field, names in (("black_lists", rules.black_lists), ("white_lists", rules.white_lists)):
        for at, name in enumerate(names):
            yield from check_of_account(document, (*path, field, at), "list", name, lists, part.account)


def known_regions(document: Document) -> Regions:
    """Where callers can call from, with the file's own table."""
    overrides = {}
    for prefix, place in document.site.regions.items():
        province, _, city = place.partition("/")
        overrides[prefix] = Place(plain(province), (plain_city(city),) if city else ())
    return Regions(overrides)


def _places(document: Document, path: Path, part: NumberPart, regions: Regions) -> Iterator[Finding]:
    rules = part.rules
    for field, names in (("regions_only", rules.regions_only), ("regions_except", rules.regions_except)):
        for at, name in enumerate(names):
            yield from check_place(document, (*path, field, at), name, regions)


def check_place(document: Document, path: Path, name: str, regions: Regions) -> Iterator[Finding]:
    """A place that is named must be one."""
    if plain(name) != "境外" and not regions.knows(name):
        yield document.finding(path, "unknown-place", value=name)


def _refusals(document: Document, path: Path, part: NumberPart) -> Iterator[Finding]:
    for reason, treated in part.rules.refusals.items():
        if treated.flow is not None:
            here = (*path, reason, "flow")
            if not _has_flow(document, part.account, treated.flow):
                yield document.finding(here, "unknown-flow", value=treated.flow, account=part.account)
            if treated.prompt:
                yield document.finding(here, "prompt-and-flow")
