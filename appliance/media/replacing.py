"""A file that is there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new file beside ``target`` that takes its place at the block's end, on the disk by then; whoever opens
    ``target`` meanwhile gets the old one whole or the new one whole.

    :raises OSError: it cannot be written; ``target`` is as it was.
    """
    fd, name = tempfile.mkstemp(dir=target.parent, prefix=".making-")
    part = Path(name)
    os.close(fd)
    try:
        yield part
        with part.open("rb") as made:
            os.fsync(made.fileno())
        part.chmod(0o644)  # the switch is another user; the folder keeps strangers out
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
