"""A recording's bytes to a browser: noted before they go out, decrypted and decoded as they are asked for."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

from flask import Response, abort, jsonify, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from appliance.errors import ApplianceError, MediaError
from appliance.media import listen
from appliance.media.keys import Keyring, read_keyring
from appliance.store import recordings as stored
from appliance.store.queries.recordings import RecordingRow
from appliance.store.recordings import Who
from webui.context import console, now, signed_in
from webui.shown import local

_TYPES = {"opus": "audio/ogg", "mp3": "audio/mpeg", "wav": "audio/wav"}


def who() -> Who:
    """The operator of this request, and where it comes from."""
    user = signed_in()
    return Who(user.login, (request.remote_addr or "")[:45], user.account_id)


def acting(act: Callable[..., None], **more: Any) -> None:
    """Do something with a recording for this operator, in one unit of work.

    404 where there is none that the operator may touch.
    """
    try:
        with console().store.work() as session:
            act(session, who=who(), now=now(), **more)
            session.commit()
    except MediaError:
        abort(404)


def played(row: RecordingRow) -> Response:
    """The recording as a WAV: whole, or the range that a player asks for."""
    decoded = _decoded(row)
    try:
        first, last, status = _range(decoded.size)
        acting(stored.note_access, recording_id=row.id, action="play")
    except BaseException:
        decoded.close()
        raise
    answer = Response(_closing(decoded, first, last), status, mimetype=_TYPES["wav"])
    answer.headers["Accept-Ranges"] = "bytes"
    answer.headers["Content-Length"] = str(last - first)
    if status == 206:
        answer.headers["Content-Range"] = f"bytes {first}-{last - 1}/{decoded.size}"
    answer.headers["Content-Disposition"] = f"inline; filename={file_name(row)}.wav"
    answer.call_on_close(decoded.close)
    return answer


def downloaded(row: RecordingRow) -> Response:
    """The recording as it is kept, decrypted."""
    file = _opened(row)
    try:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        acting(stored.note_access, recording_id=row.id, action="download")
    except BaseException:
        file.close()
        raise
    answer = Response(iter(partial(file.read, 64 * 1024), b""), mimetype=_TYPES[row.format])
    answer.headers["Content-Length"] = str(size)
    answer.headers["Content-Disposition"] = f"attachment; filename={file_name(row)}.{row.format}"
    answer.call_on_close(file.close)
    return answer


def outlined(row: RecordingRow) -> Response:
    """The outline for the player: a row a channel, and the length in seconds."""
    try:
        read = listen.outline(_opened(row))
    except MediaError:
        abort(404)
    return jsonify(seconds=read.seconds, channels=read.channels)


def file_name(row: RecordingRow) -> str:
    """A name for people; digits and letters only."""
    parts = (row.number, f"{local(row.started_at):%Y%m%d-%H%M%S}", row.caller.lstrip("+"), row.kind)
    return "-".join(filter(None, parts))


def keyring() -> Keyring:
    """The keys, read for each request: a new key counts without a restart."""
    return read_keyring(console().settings.recording_key_file)


def _opened(row: RecordingRow) -> Any:
    try:
        if not row.is_playable:
            raise MediaError("deleted, or damaged")
        return listen.opened(console().settings.recordings_dir, row.file, row.key_id, keyring())
    except ApplianceError:
        abort(404)


def _decoded(row: RecordingRow) -> listen.Decoded:
    try:
        return listen.Decoded(_opened(row))
    except MediaError:
        abort(404)


def _range(size: int) -> tuple[int, int, int]:
    """First byte, the one behind the last, and the status."""
    asked = request.range
    if asked is None:
        return 0, size, 200
    bounds = asked.range_for_length(size) if asked.units == "bytes" else None
    if bounds is None:
        raise RequestedRangeNotSatisfiable(size)
    return bounds[0], bounds[1], 206


def _closing(decoded: listen.Decoded, first: int, last: int) -> Iterator[bytes]:
    with closing(decoded):
        yield from decoded.part(first, last)
