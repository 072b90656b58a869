"""How the tests of a run are dealt out to its workers (``tests/support/dealing.py``), which of them are tried again
(``tests/support/repeats.py``), and what workers keep."""

from __future__ import annotations

import gc
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.support.dealing import rank, share
from tests.support.repeats import may_be_repeated, too_many

# How long an example takes says more of what else the machine does than of the rule. Fifty of each a run: every run
# has others.
settings.register_profile("busy", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


class Dealing(LoadScopeScheduling):
    """Whole shares, one after another; in the order of the tests, with ``--no-loadscope-reorder``."""

    def _split_scope(self, nodeid: str) -> str:
        return share(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Dealing | None:
    """Only where ``--dist loadscope`` asks for it."""
    return Dealing(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long shares first; a share's tests stay in their order. What is timed on purpose is not tried again."""
    if config.option.markexpr == "not accept":
        for item in items:
            if may_be_repeated(item.nodeid):
                item.add_marker(pytest.mark.flaky(reruns=1))
    if config.getoption("dist", "no") != "loadscope" and not hasattr(config, "workerinput"):
        return
    sizes = Counter(share(item.nodeid) for item in items)
    items.sort(key=lambda item: (rank(name := share(item.nodeid)), -sizes[name], name))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run that had to try many tests again has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and too_many(len(reporter.stats.get("rerun", ()))):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell each test that was tried again, and of what it failed at first."""
    again = terminalreporter.stats.get("rerun", [])
    if again:
        terminalreporter.section(too_many(len(again)) or "tried again")
    for one in again:
        crash = getattr(one.longrepr, "reprcrash", None)
        terminalreporter.write_line(f"{one.nodeid}: {crash.message if crash else one.longrepr}")


# What collecting makes (modules, items) stays until the end: to look for garbage among it costs a quarter of
# collecting, and a tenth of a second each time that a test has made much.


def pytest_configure() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
