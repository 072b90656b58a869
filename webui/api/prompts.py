"""``GET /api/v1/prompts``: an account's announcements. ``docs/api.md`` describes it."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Integer, List, Nested, String
from apiflask.validators import Length, OneOf
from flask.typing import ResponseReturnValue

from appliance.bootstrap import prompt_library
from appliance.media.announcements import load_catalogue
from appliance.media.prompt_list import Entry, entries
from appliance.store.queries.prompts import accounts_with_prompts, prompt_uses, prompt_versions
from webui.api.fields import Stamp
from webui.context import console, now, reader

bp = APIBlueprint("api_prompts", __name__, url_prefix="/api/v1", tag="Prompts")


class PromptQuery(Schema):
    """Whose."""

    account = String(
        load_default="", validate=Length(max=40), metadata={"description": "Only this account's; default: all."}
    )


class VersionOut(Schema):
    """A version of an account's own prompt."""

    version = Integer(required=True)
    source = String(required=True, validate=OneOf(["upload", "tts", "phone"]))
    duration_ms = Integer(required=True)
    sha256 = String(required=True)
    made_by = String(required=True)
    made_at = Stamp(required=True)
    in_use = Boolean(required=True)


class PromptOut(Schema):
    """A prompt of an account."""

    account = String(required=True)
    name = String(required=True)
    title = String(required=True, metadata={"description": "What the account calls it; empty: nothing."})
    text = String(required=True, metadata={"description": "What it says, where that is known."})
    heard = String(
        required=True,
        validate=OneOf(["own", "synthetic", "default", "missing"]),
        metadata={"description": "What callers hear."},
    )
    used_by = List(String(), required=True, metadata={"description": "`flow main`, `queue hotline` …"})
    versions = List(Nested(VersionOut), required=True, metadata={"description": "Those kept, the newest first."})


class PromptList(Schema):
    """Prompts."""

    prompts = List(Nested(PromptOut), required=True)


@bp.get("/prompts")
@bp.input(PromptQuery, location="query")
@bp.output(PromptList)
@bp.doc(summary="Prompts, by account", responses=[401, 422])
def list_prompts(query_data: dict[str, Any]) -> ResponseReturnValue:
    """Every announcement that callers of an account may hear: the appliance's own and those of its flows."""
    wanted = query_data["account"]
    at = now()
    library = prompt_library(console().settings)
    catalogue = load_catalogue(library.default_dir)
    listed: list[dict[str, Any]] = []
    with reader() as opened:
        for account, _ in accounts_with_prompts(opened):
            if wanted in ("", account):
                kept, uses = prompt_versions(opened, account), prompt_uses(opened, account, at)
                found = entries(library, catalogue, account, kept, uses)
                listed += [_out(account, entry) for entry in found]
    return {"prompts": listed}


def _out(account: str, entry: Entry) -> dict[str, Any]:
    own = "own" if entry.is_recorded else "synthetic"
    return {
        "account": account,
        "name": entry.name,
        "title": entry.title,
        "text": entry.text,
        "heard": "missing" if entry.file is None else own if entry.is_own else "default",
        "used_by": [str(use) for use in entry.used_by],
        "versions": [
            {
                "version": one.version,
                "source": one.source,
                "duration_ms": one.milliseconds,
                "sha256": one.sha256,
                "made_by": one.made_by,
                "made_at": one.made_at,
                "in_use": one.in_use,
            }
            for one in entry.versions
        ],
    }
