"""Prompts: every announcement of an account, to hear, to replace by one's own, to bring back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from flask import Blueprint, Flask, abort, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user
from werkzeug.datastructures import FileStorage

from appliance.errors import StoreError
from appliance.media import bundle
from appliance.media.faults import PromptFault
from appliance.media.prompt_list import sheet
from appliance.media.prompts import is_prompt_name
from appliance.media.studio import Outcome, Recording, Studio
from appliance.store.takes import give_code
from webui.context import console, now, signed_in
from webui.i18n import gettext
from webui.prompt_pages import (
    entry_of,
    in_language,
    may_change,
    page_of,
    require_maker,
    row_of,
    shown_of,
    studio,
    take_of,
    used_by,
)
from webui.shown import local

bp = Blueprint("prompts", __name__)

#: Endpoints that take files: how much, of what one prompt may be. A form's other fields need little.
_UPLOADS: dict[str, float] = {"prompts.save": 1, "prompts.save_all": 10}
_FORM_BYTES = 64 * 1024


def init_uploads(app: Flask) -> None:
    """Let files come in where they are asked for, from those who may send them. To be put up before whatever reads
    a form: the limit holds from the first look at it."""

    @app.before_request
    def _allow() -> None:
        size = _UPLOADS.get(request.endpoint or "")
        if size and current_user.is_authenticated and may_change():
            most = console().settings.prompt_max_mb << 20
            request.max_content_length = min(round(size * most), bundle.MOST_BYTES) + _FORM_BYTES
            request.max_form_parts = bundle.MOST_FILES + 20


@bp.get("/prompts")
def page() -> ResponseReturnValue:
    """Every prompt of an account; with ``open`` the one of that name is open to be changed."""
    return page_of(shown_of(request.args.get("account")), opened=request.args.get("open", ""))


@bp.get("/prompts/<account>/<name>")
def one(account: str, name: str) -> ResponseReturnValue:
    """One row, closed or (``open``) with all that can be done to it."""
    shown = shown_of(account)
    if request.headers.get("HX-Request"):
        return row_of(shown, entry_of(shown, name), opened="open" in request.args)
    return redirect(url_for(".page", account=account, open=name, _anchor=f"p-{name}"), 303)


@bp.get("/prompts/<account>/<name>/sound")
def sound(account: str, name: str) -> ResponseReturnValue:
    """What a caller hears; or a version, or the default."""
    shown = shown_of(account)
    entry = entry_of(shown, name)
    shelf = studio().shelf
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
    shown_of(account)
    require_maker()
    try:
        said = studio().previews.said(request.args.get("text", ""))
    except PromptFault as fault:
        return {"fault": fault.words(in_language())}, 422
    return send_file(said, mimetype="audio/wav", conditional=True, max_age=0)


@bp.post("/prompts/<account>/save")
def save(account: str) -> ResponseReturnValue:
    """Make the form's ``file``, or its ``text``, the prompt ``name``."""
    name = request.form.get("name", "").strip()
    title = request.form.get("title")

    def make(at: Studio) -> None:
        by = signed_in().login
        if "text" in request.form:
            at.say(account, name, request.form["text"], by=by, title=title)
            return
        files = _files(request.files.getlist("file"))
        if not files:
            raise PromptFault("no-file")
        with tempfile.TemporaryDirectory() as folder:
            at.add(account, _received(files[0], Path(folder) / "0", name), by=by, title=title)

    return _changed(account, name, make)


@bp.post("/prompts/<account>/code")
def code(account: str) -> ResponseReturnValue:
    """A code by which the prompt ``name`` of the form is recorded by telephone."""
    name = request.form.get("name", "")
    shown = shown_of(account)
    require_maker()
    entry = entry_of(shown, name)
    fault = ""
    try:
        give_code(console().settings.journal_file, account, name, "", signed_in().login, now())
    except StoreError:
        fault = gettext("No code can be given at the moment. Please try again later.")
    if request.headers.get("HX-Target") == f"take-{name}":
        return take_of(shown, entry, fault)
    return redirect(url_for(".page", account=account, open=name, _anchor=f"p-{name}"), 303)


@bp.get("/prompts/<account>/<name>/take")
def take(account: str, name: str) -> ResponseReturnValue:
    """What has become of the recording by telephone."""
    shown = shown_of(account)
    require_maker()
    return take_of(shown, entry_of(shown, name))


@bp.post("/prompts/<account>/restore")
def restore(account: str) -> ResponseReturnValue:
    """Have calls play the ``version`` of the form, the one ``before``, or the ``default``."""
    name = request.form.get("name", "")

    def bring_back(at: Studio) -> None:
        if "default" in request.form:
            at.use_default(account, name, used_by(account, name))
        else:
            at.go_back(account, name, request.form.get("version", type=int))

    return _changed(account, name, bring_back)


@bp.post("/prompts/<account>/remove")
def remove(account: str) -> ResponseReturnValue:
    """Forget a prompt with every version."""
    name = request.form.get("name", "")
    return _changed(account, name, lambda at: at.remove(account, name, used_by(account, name)))


@bp.post("/prompts/<account>/save-all")
def save_all(account: str) -> ResponseReturnValue:
    """Many files, or archives of them, each for the prompt that it is called after; what became of each."""
    shown = shown_of(account)
    require_maker()
    at = studio()
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
                received += bundle.from_zip(file, into, at.limits.most_bytes)
            except PromptFault as fault:
                outcomes.append(Outcome(shown_as, "", fault=fault))
        good, bad = bundle.sorted_out(received, shown.by_name)
        outcomes += bad + at.add_all(account, good, by=signed_in().login)
    if not outcomes:
        outcomes = [Outcome("", "", fault=PromptFault("no-file"))]
    return page_of(shown_of(account, outcomes))


@bp.get("/prompts/<account>/export")
def export(account: str) -> ResponseReturnValue:
    """The account's own prompts as an archive, with a sheet for the speaker."""
    shown = shown_of(account)
    files = [(one.name, one.file) for one in shown.entries if one.is_own and one.file is not None]
    return send_file(
        bundle.archive(files, sheet(shown.entries)),
        mimetype="application/zip",
        as_attachment=True,
        download_name=f"prompts-{account}-{local(now()):%Y%m%d}.zip",
    )


def _changed(account: str, name: str, change: Callable[[Studio], None]) -> ResponseReturnValue:
    """Do it; the row as it is then, or (without scripts, or a prompt that is new or gone) the page."""
    before = shown_of(account)
    require_maker()
    fault = None
    try:
        change(studio())
    except PromptFault as refused:
        fault = refused
    after = shown_of(account)
    row = before.by_name.get(name), after.by_name.get(name)
    if request.headers.get("HX-Target") == f"p-{name}" and None not in row:
        return row_of(after, entry_of(after, name), opened=fault is not None, fault=fault)
    if fault is None and not request.headers.get("HX-Request"):
        anchor = f"p-{name}" if is_prompt_name(name) else None
        return redirect(url_for(".page", account=account, _anchor=anchor), 303)
    return page_of(after, fault=fault, opened=name if fault else "", tried=name)


def _files(uploads: list[FileStorage]) -> list[FileStorage]:
    """Those that were chosen: a browser sends an empty one for none."""
    return [one for one in uploads if one.filename]


def _received(upload: FileStorage, file: Path, name: str) -> Recording:
    upload.save(file)
    return Recording(name, file, upload.filename or "")
