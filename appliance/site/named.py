"""What a part of a site file names: it has to be there, and the account's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath

from appliance.errors import MediaError
from appliance.site.findings import Finding, Path
from appliance.site.read import Document
from appliance.site.schema import LinePart

#: (account, prompt) → its file, or None; ``MediaError``: the file cannot be played.
FindPrompt = Callable[[str, str], FilePath | None]


def check_lines(document: Document, path: Path, named: Sequence[str], account: str) -> Iterator[Finding]:
    """A list of lines names each of them once, and as ``check_line`` wants it."""
    lines = {line.id: line for line in document.site.lines}
    for at, line in enumerate(named):
        if line in named[:at]:
            yield document.finding((*path, at), "line-twice", value=line)
        else:
            yield from check_line(document, lines, (*path, at), line, account)


def check_line(
    document: Document, lines: Mapping[str, LinePart], path: Path, line: str, account: str
) -> Iterator[Finding]:
    """A line that is named at ``path`` must be there, and the account's own."""
    found = lines.get(line)
    if found is None:
        yield document.finding(path, "unknown-line", value=line)
    elif found.account != account:
        yield document.finding(path, "line-of-another", value=line, owner=found.account, account=account)


def check_hook(document: Document, path: Path, hook: str, account: str) -> Iterator[Finding]:
    """A hook that is named at ``path`` must be there, and the account's own."""
    found = next((one for one in document.site.hooks if one.id == hook), None)
    if found is None:
        yield document.finding(path, "unknown-hook", value=hook)
    elif found.account != account:
        yield document.finding(path, "hook-of-another", value=hook, owner=found.account, account=account)


def check_prompt(
    document: Document, path: Path, account: str, name: str, find_prompt: FindPrompt
) -> Iterator[Finding]:
    """The prompt is there, and is sound that can be played."""
    try:
        if find_prompt(account, name) is None:
            yield document.finding(path, "prompt-missing", value=name, account=account)
    except MediaError as error:
        yield document.finding(path, "prompt-unreadable", value=str(error))
