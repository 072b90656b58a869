"""An account's prompts as pages show them, and who may change them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from appliance.bootstrap import build_studio
from appliance.media.announcements import load_catalogue
from appliance.media.faults import Language, PromptFault
from appliance.media.prompt_list import Entry, entries, progress
from appliance.media.studio import Outcome, Studio
from appliance.store.queries.prompts import accounts_with_prompts, prompt_uses, prompt_versions
from webui.context import console, holds, now, reader
from webui.i18n import language
from webui.take_words import take_words

#: Roles that may change what callers hear.
MAKERS = frozenset({"administrator", "operator", "supervisor"})


@dataclass(frozen=True)
class Shown:
    """An account's prompts as a page shows them."""

    account: str
    accounts: list[tuple[str, str]]
    entries: list[Entry]
    synthetic: bool
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def by_name(self) -> dict[str, Entry]:
        return {one.name: one for one in self.entries}


def shown_of(account: str | None, outcomes: Iterable[Outcome] = ()) -> Shown:
    """The prompts of an account that may be seen; None: of the first."""
    library = studio().shelf.library
    catalogue = load_catalogue(library.default_dir)
    with reader() as opened:
        accounts = list(accounts_with_prompts(opened))
        if account is None:
            account = accounts[0][0] if accounts else ""
        if accounts and account not in dict(accounts):
            abort(404)
        versions, uses = prompt_versions(opened, account), prompt_uses(opened, account, now())
    listed = entries(library, catalogue, account, versions, uses) if accounts else []
    return Shown(account, accounts, listed, catalogue.synthetic, list(outcomes))


def entry_of(shown: Shown, name: str) -> Entry:
    """The prompt of that name; not found where there is none."""
    entry = shown.by_name.get(name)
    if entry is None:
        abort(404)
    return entry


def used_by(account: str, name: str) -> list[str]:
    """What plays it."""
    with reader() as opened:
        return [str(use) for use in prompt_uses(opened, account, now()).get(name, ())]


def page_of(
    shown: Shown, *, opened: str = "", fault: PromptFault | None = None, tried: str = ""
) -> ResponseReturnValue:
    """The page, or its list alone where only that is asked for."""
    whole = request.headers.get("HX-Target") != "prompts"
    return render_template(
        "prompts/page.html" if whole else "prompts/_prompts.html",
        shown=shown,
        opened=opened,
        fault=fault,
        tried=tried,
        **common(shown),
    ), 422 if fault and whole else 200


def row_of(shown: Shown, entry: Entry, *, opened: bool, fault: PromptFault | None = None) -> ResponseReturnValue:
    """One row, and what else of the page changes with it."""
    return render_template(
        "prompts/_row.html",
        entry=entry,
        opened=entry.name if opened else "",
        fault=fault,
        tried=entry.name,
        out_of_band=True,
        **common(shown),
    )


def take_of(shown: Shown, entry: Entry, fault: str = "") -> ResponseReturnValue:
    """What has become of the recording by telephone."""
    return render_template("prompts/_take.html", entry=entry, take_fault=fault, **common(shown))


def common(shown: Shown) -> dict[str, object]:
    """What all of the templates want to know."""
    settings = console().settings
    return {
        "account": shown.account,
        "done": progress(shown.entries),
        "synthetic": shown.synthetic,
        "may_change": may_change(),
        "speaks": settings.tts_engine != "off",
        "most_mb": settings.prompt_max_mb,
        "words": lambda fault: fault.words(in_language()),
        "chinese": in_language() == "zh",
        **take_words(shown.account, in_language()),
    }


def studio() -> Studio:
    """Where prompts are made."""
    return build_studio(console().settings, console().store)


def in_language() -> Language:
    """The language of faults."""
    return "en" if language() == "en" else "zh"


def may_change() -> bool:
    """Whether who is signed in may change what callers hear."""
    return holds(MAKERS)


def require_maker() -> None:
    """Refuse everybody else."""
    if not may_change():
        abort(403)
