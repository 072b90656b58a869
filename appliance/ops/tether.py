"""A program that ends with the one that started it, however that one ends.

Who is killed cannot end his children. The kernel can (prctl(2), ``PR_SET_PDEATHSIG``): it signals a process when
the *thread* that started it is gone. ``setpriv`` of util-linux, which every Debian has, asks it to, and becomes the
program; the signal stays asked for.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

#: The starter may have died before the kernel was asked: then nobody would ever signal.
_ONLY_BELOW = '[ "$PPID" = "$0" ] || exit 1; exec "$@"'


def tethered(argv: Sequence[str], starter: int) -> list[str]:
    """The command that runs ``argv`` as a child of the process ``starter``, and gets SIGKILL when the thread that
    starts it ends. Where there is no ``setpriv`` it is ``argv`` itself."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return list(argv)
    return [setpriv, "--pdeathsig", "KILL", "--", "/bin/sh", "-c", _ONLY_BELOW, str(starter), *argv]
