"""Which tests stay together on one worker of a run, and which are begun first.

A worker takes one share after another (xdist's ``loadscope``, shares in the order of the tests). What is dear to
start (a box, a switch, a database server, a browser) is started once for its share; and a run is over soonest when
the longest shares begin first and the short ones fill what is left.
"""

from __future__ import annotations

from pathlib import PurePosixPath

#: Folders whose switch runs as long as there are tests for it: a share for each switch.
_ONE_SWITCH = {"contract", "freeswitch"}
#: Folders whose tests share what takes long to make, and are short themselves.
_TOGETHER = {"simulate"}
_SWITCHES = {"miniswitch", "embedded", "freeswitch"}
#: Modules that walk through one console with one browser.
_WALKS = {"test_browser", "test_live_browser", "test_reach"}
#: Modules of real calls that share a box (``e2e/conftest.py``).
_ONE_BOX = {"test_calls", "test_doctor", "test_live_state"}
#: Folders of real calls: their tests wait more than they compute, and are long.
_REAL = ("e2e", "contract", "freeswitch")
#: Whatever else starts processes or waits.
_SLOW = ("site", "live", "notify", "cdr", "ansible", "miniswitch", "testphone", "http")


def share(nodeid: str) -> str:
    """The share that a test belongs to."""
    path, _, test = nodeid.partition("::")
    parts = set(test.partition("[")[2].rstrip("]").split("-"))
    module = PurePosixPath(path)
    if "postgres" in parts:
        return "postgres"
    if module.stem in _WALKS:
        return "walks"
    switch = "".join(sorted(parts & _SWITCHES))
    if module.parent.name in _TOGETHER:
        return str(module.parent)
    if module.parent.name in _ONE_SWITCH:
        return f"{module.parent.name} {switch}"
    if module.parent.name != "e2e":
        return path
    return f"{module.parent if module.stem in _ONE_BOX else path} {switch}"


def rank(name: str) -> int:
    """0: begun first."""
    folders = PurePosixPath(name.partition(" ")[0]).parts
    if name == "postgres" or any(folder in folders for folder in _REAL):
        return 0
    return 1 if name == "walks" or any(folder in folders for folder in _SLOW) else 2
