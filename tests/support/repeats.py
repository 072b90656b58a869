"""Which tests of ``make test`` may be tried once more, and how often that may happen in one run.

A test that waits by the wall clock for processes and calls says nothing when the machine had no time for them: it
is tried a second time, and fails if it fails again. That is for the odd moment only: a run that needs it often has
a fault that comes and goes, and fails whatever the second tries said. The end of a run tells each of them.
"""

from __future__ import annotations

from pathlib import PurePosixPath

#: Folders whose tests wait for a switch, a server, a program or a browser.
_BY_THE_CLOCK = frozenset(
    {
        *("contract", "freeswitch", "miniswitch", "testphone", "e2e", "switch"),
        *("live", "ops", "notify", "http", "site", "webui"),
    }
)
#: So many in one run, of some four thousand such tests, are odd moments.
MOST_REPEATS = 8


def may_be_repeated(nodeid: str) -> bool:
    """Whether a test waits by the wall clock.

    >>> may_be_repeated("tests/contract/test_keys.py::test_a_key")
    True
    >>> may_be_repeated("tests/domain/test_menu.py::test_a")
    False
    """
    parts = PurePosixPath(nodeid.partition("::")[0]).parts
    return len(parts) > 1 and parts[1] in _BY_THE_CLOCK


def too_many(repeats: int) -> str | None:
    """What to say of a run with so many repeats; None: they are few enough."""
    if repeats <= MOST_REPEATS:
        return None
    return f"{repeats} tests were tried again, at most {MOST_REPEATS} may be: something fails now and then"
