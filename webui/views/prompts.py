"""Prompts: every announcement of an account, to hear, to replace by one's own, to bring back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from flask import Blueprint, Flask, abort, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from werkzeug.datastructures import FileStorage

from appliance.bootstrap import build_studio
from appliance.errors import StoreError
from appliance.media import bundle
from appliance.media.announcements import load_catalogue
from appliance.media.faults import Language, PromptFault
from appliance.media.prompt_list import Entry, entries, progress, sheet
from appliance.media.prompts import is_prompt_name
from appliance.media.studio import Outcome, Recording, Studio
from appliance.store.queries.prompts import accounts_with_prompts, prompt_uses, prompt_versions
from appliance.store.takes import give_code
from webui.context import console, now, reader, signed_in
from webui.i18n import gettext, language
from webui.shown import local
from webui.take_words import take_words

bp = Blueprint("prompts", __name__)

#: Roles that may change what callers hear.
MAKERS = frozenset({"administrator", "operator", "supervisor"})
#: Endpoints that take files: how much, of what one prompt may be. A form's other fields need little.
_UPLOADS: dict[str, float] = {"prompts.save": 1, "prompts.save_all": 10}
_FORM_BYTES = 64 * 1024


@dataclass(frozen=True)
class _Shown:
    """An account's prompts as a page shows them."""

    account: str
    accounts: list[tuple[str, str]]
    entries: list[Entry]
    synthetic: bool
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def by_name(self) -> dict[str, Entry]:
        return {one.name: one for one in self.entries}


def init_uploads(app: Flask) -> None:
    """Let files come in where they are asked for, from those who may send them. To be put up before whatever reads
    a form: the limit holds from the first look at it."""

    @app.before_request
    def _allow() -> None:
        size = _UPLOADS.get(request.endpoint or "")
        if size and current_user.is_authenticated and _may_change():
            most = console().settings.prompt_max_mb << 20
            request.max_content_length = min(round(size * most), bundle.MOST_BYTES) + _FORM_BYTES
            request.max_form_parts = bundle.MOST_FILES + 20


@bp.get("/prompts")
def page() -> ResponseReturnValue:
    """Every prompt of an account; with ``open`` the one of that name is open to be changed."""
    return _page(_shown(request.args.get("account")), opened=request.args.get("open", ""))


@bp.get("/prompts/<account>/<name>")
def one(account: str, name: str) -> ResponseReturnValue:
    """One row, closed or (``open``) with all that can be done to it."""
    shown = _shown(account)
    if request.headers.get("HX-Request"):
        return _row(shown, _known(shown, name), opened="open" in request.args)
    return redirect(url_for(".page", account=account, open=name, _anchor=f"p-{name}"), 303)


@bp.get("/prompts/<account>/<name>/sound")
def sound(account: str, name: str) -> ResponseReturnValue:
    """What a caller hears; or a version, or the default."""
    shown = _shown(account)
    entry = _known(shown, name)
    shelf = _studio().shelf
    version = request.args.get("version", type=int)
    file: Path | None
    if "default" in request.args:
        file = shelf.library.default(name)
    elif version is not None:
        known = any(one.version == version for one in entry.versions)
        file = shelf.kept(account, name, version) if known else None
    else:
        file = entry.file
    if file is None or not file.is_file():
        abort(404)
    return send_file(file, mimetype="audio/wav", conditional=True, max_age=0)


@bp.get("/prompts/<account>/speech")
def speech(account: str) -> ResponseReturnValue:
    """A text said by the engine, to be heard before it is saved."""
    _shown(account)
    _require_maker()
    try:
        said = _studio().previews.said(request.args.get("text", ""))
    except PromptFault as fault:
        return {"fault": fault.words(_language())}, 422
    return send_file(said, mimetype="audio/wav", conditional=True, max_age=0)


@bp.post("/prompts/<account>/save")
def save(account: str) -> ResponseReturnValue:
    """Make the form's ``file``, or its ``text``, the prompt ``name``."""
    name = request.form.get("name", "").strip()
    title = request.form.get("title")

    def make(studio: Studio) -> None:
        by = signed_in().login
        if "text" in request.form:
            studio.say(account, name, request.form["text"], by=by, title=title)
            return
        files = _files(request.files.getlist("file"))
        if not files:
            raise PromptFault("no-file")
        with tempfile.TemporaryDirectory() as folder:
            studio.add(account, _received(files[0], Path(folder) / "0", name), by=by, title=title)

    return _changed(account, name, make)


@bp.post("/prompts/<account>/code")
def code(account: str) -> ResponseReturnValue:
    """A code by which the prompt ``name`` of the form is recorded by telephone."""
    name = request.form.get("name", "")
    shown = _shown(account)
    _require_maker()
    entry = _known(shown, name)
    fault = ""
    try:
        give_code(console().settings.journal_file, account, name, "", signed_in().login, now())
    except StoreError:
        fault = gettext("No code can be given at the moment. Please try again later.")
    if request.headers.get("HX-Target") == f"take-{name}":
        return _take(shown, entry, fault)
    return redirect(url_for(".page", account=account, open=name, _anchor=f"p-{name}"), 303)


@bp.get("/prompts/<account>/<name>/take")
def take(account: str, name: str) -> ResponseReturnValue:
    """What has become of the recording by telephone."""
    shown = _shown(account)
    _require_maker()
    return _take(shown, _known(shown, name))


def _take(shown: _Shown, entry: Entry, fault: str = "") -> ResponseReturnValue:
    return render_template("prompts/_take.html", entry=entry, take_fault=fault, **_common(shown))


@bp.post("/prompts/<account>/restore")
def restore(account: str) -> ResponseReturnValue:
    """Have calls play the ``version`` of the form, the one ``before``, or the ``default``."""
    name = request.form.get("name", "")

    def bring_back(studio: Studio) -> None:
        if "default" in request.form:
            studio.use_default(account, name, _used_by(account, name))
        else:
            studio.go_back(account, name, request.form.get("version", type=int))

    return _changed(account, name, bring_back)


@bp.post("/prompts/<account>/remove")
def remove(account: str) -> ResponseReturnValue:
    """Forget a prompt with every version."""
    name = request.form.get("name", "")
    return _changed(account, name, lambda studio: studio.remove(account, name, _used_by(account, name)))


@bp.post("/prompts/<account>/save-all")
def save_all(account: str) -> ResponseReturnValue:
    """Many files, or archives of them, each for the prompt that it is called after; what became of each."""
    shown = _shown(account)
    _require_maker()
    studio = _studio()
    with tempfile.TemporaryDirectory() as folder:
        received: list[Recording] = []
        outcomes: list[Outcome] = []
        for place, upload in enumerate(_files(request.files.getlist("files"))):
            file = Path(folder) / f"{place}"
            shown_as = upload.filename or ""
            if not shown_as.lower().endswith(".zip"):
                received.append(_received(upload, file, bundle.prompt_name(shown_as)))
                continue
            upload.save(file)
            into = Path(folder) / f"in-{place}"
            into.mkdir()
            try:
                received += bundle.from_zip(file, into, studio.limits.most_bytes)
            except PromptFault as fault:
                outcomes.append(Outcome(shown_as, "", fault=fault))
        good, bad = bundle.sorted_out(received, shown.by_name)
        outcomes += bad + studio.add_all(account, good, by=signed_in().login)
    if not outcomes:
        outcomes = [Outcome("", "", fault=PromptFault("no-file"))]
    return _page(_shown(account, outcomes))


@bp.get("/prompts/<account>/export")
def export(account: str) -> ResponseReturnValue:
    """The account's own prompts as an archive, with a sheet for the speaker."""
    shown = _shown(account)
    files = [(one.name, one.file) for one in shown.entries if one.is_own and one.file is not None]
    return send_file(
        bundle.archive(files, sheet(shown.entries)),
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"prompts-{account}-{local(now()):%Y%m%d}.zip",
    )


def _shown(account: str | None, outcomes: Iterable[Outcome] = ()) -> _Shown:
    """The prompts of an account that may be seen; None: of the first."""
    library = _studio().shelf.library
    catalogue = load_catalogue(library.default_dir)
    with reader() as opened:
        accounts = list(accounts_with_prompts(opened))
        if account is None:
            account = accounts[0][0] if accounts else ""
        if accounts and account not in dict(accounts):
            abort(404)
        versions, uses = prompt_versions(opened, account), prompt_uses(opened, account, now())
    listed = entries(library, catalogue, account, versions, uses) if accounts else []
    return _Shown(account, accounts, listed, catalogue.synthetic, list(outcomes))


def _known(shown: _Shown, name: str) -> Entry:
    entry = shown.by_name.get(name)
    if entry is None:
        abort(404)
    return entry


def _used_by(account: str, name: str) -> list[str]:
    with reader() as opened:
        return [str(use) for use in prompt_uses(opened, account, now()).get(name, ())]


def _changed(account: str, name: str, change: Callable[[Studio], None]) -> ResponseReturnValue:
    """Do it; the row as it is then, or (without scripts, or a prompt that is new or gone) the page."""
    before = _shown(account)
    _require_maker()
    fault = None
    try:
        change(_studio())
    except PromptFault as refused:
        fault = refused
    after = _shown(account)
    row = before.by_name.get(name), after.by_name.get(name)
    if request.headers.get("HX-Target") == f"p-{name}" and None not in row:
        return _row(after, _known(after, name), opened=fault is not None, fault=fault)
    if fault is None and not request.headers.get("HX-Request"):
        anchor = f"p-{name}" if is_prompt_name(name) else None
        return redirect(url_for(".page", account=account, _anchor=anchor), 303)
    return _page(after, fault=fault, opened=name if fault else "", tried=name)


def _page(
    shown: _Shown, *, opened: str = "", fault: PromptFault | None = None, tried: str = ""
) -> ResponseReturnValue:
    whole = request.headers.get("HX-Target") != "prompts"
    return render_template(
        "prompts/page.html" if whole else "prompts/_prompts.html",
        shown=shown,
        opened=opened,
        fault=fault,
        tried=tried,
        **_common(shown),
    ), 422 if fault and whole else 200


def _row(shown: _Shown, entry: Entry, *, opened: bool, fault: PromptFault | None = None) -> ResponseReturnValue:
    return render_template(
        "prompts/_row.html",
        entry=entry,
        opened=entry.name if opened else "",
        fault=fault,
        tried=entry.name,
        out_of_band=True,
        **_common(shown),
    )


def _common(shown: _Shown) -> dict[str, object]:
    settings = console().settings
    return {
        "account": shown.account,
        "done": progress(shown.entries),
        "synthetic": shown.synthetic,
        "may_change": _may_change(),
        "speaks": settings.tts_engine != "off",
        "most_mb": settings.prompt_max_mb,
        "words": lambda fault: fault.words(_language()),
        "chinese": _language() == "zh",
        **take_words(shown.account, _language()),
    }


def _files(uploads: list[FileStorage]) -> list[FileStorage]:
    """Those that were chosen: a browser sends an empty one for none."""
    return [one for one in uploads if one.filename]


def _received(upload: FileStorage, file: Path, name: str) -> Recording:
    upload.save(file)
    return Recording(name, file, upload.filename or "")


def _studio() -> Studio:
    return build_studio(console().settings, console().store)


def _language() -> Language:
    return "en" if language() == "en" else "zh"


def _may_change() -> bool:
    return any(role.name in MAKERS for role in signed_in().roles)


def _require_maker() -> None:
    if not _may_change():
        abort(403)
