"""The live board: what goes on now, renewed every second.

By a short conditional request rather than a stream: whoever looks is checked anew each time, nothing is held open
in the one worker, and as long as nothing has changed the answer is an empty 304.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from appliance.live.snapshot import Snapshot
from webui.context import console, now, signed_in
from webui.i18n import language

bp = Blueprint("live", __name__, url_prefix="/live")

#: Calls that a page shows; the API has all.
MOST_CALLS = 200
#: Boards that are kept as they were rendered: one an account and language, for all who look at it.
_KEPT = 64
#: A look that is older is shown with its time: the switch, or who looks at it, is slow.
OLD_AFTER = timedelta(seconds=3)


@bp.get("")
def page() -> ResponseReturnValue:
    """The board as a page; without JavaScript it is loaded again every few seconds."""
    return render_template("live/page.html", **_shown(_latest()))


@bp.get("/board")
def board() -> ResponseReturnValue:
    """The board alone; 304: it is as ``If-None-Match`` has it."""
    seen = _latest()
    tag = f"{seen.version}-{language()}"
    if _is_old(seen):
        tag += f"-{seen.at.timestamp():.0f}"
    if tag in request.if_none_match:
        return _tagged(Response(status=304), tag)
    key = (signed_in().account_id, tag)
    boards = _boards()
    text = boards.get(key)
    if text is None:
        text = boards[key] = render_template("live/_board.html", **_shown(seen))
        if len(boards) > _KEPT:
            boards.popitem(last=False)
    return _tagged(Response(text), tag)


def _is_old(seen: Snapshot) -> bool:
    return seen.published and now() - seen.at > OLD_AFTER


def _latest() -> Snapshot:
    return console().live.latest(signed_in().account_id)


def _boards() -> OrderedDict[tuple[str | None, str], str]:
    return console().boards


def _tagged(answer: Response, tag: str) -> Response:
    answer.set_etag(tag)
    return answer


def _shown(seen: Snapshot) -> dict[str, object]:
    stages = [call["stage"] for call in seen.calls]
    return {
        "seen": seen,
        "is_old": _is_old(seen),
        "names": seen.names,
        "calls": seen.calls[:MOST_CALLS],
        "counts": {
            "calls": len(stages),
            **{stage: stages.count(stage) for stage in ("talking", "ringing")},
            "waiting": sum(one["position"] > 0 for queue in seen.queues for one in queue["callers"]),
            "free": sum(line["state"] == "free" for line in seen.lines),
            "lines": len(seen.lines),
        },
        "now": now(),
        "several_accounts": signed_in().account_id is None,
    }
